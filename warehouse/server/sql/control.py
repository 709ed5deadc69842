"""Translates the query ids that clients know into those of the engine, in KILL QUERY and system.processes.

The engine gives each query an id of its own; the server ties it to the client's with a mark (`identity.py`) and shows
clients the view `PROCESSES_VIEW`, in which a reader finds its own rows only.
"""

from collections.abc import Sequence
from dataclasses import replace

from warehouse.server.identity import MARK_OF_ROW, PROCESSES_VIEW
from warehouse.server.sql.access import Access
from warehouse.server.sql.dictionaries import with_engines_user
from warehouse.server.sql.errors import syntax_error
from warehouse.server.sql.parsing import parse
from warehouse.server.sql.statement import Kind, Statement
from warehouse.server.sql.system_tables import system_table_shown
from warehouse.server.sql.tokens import Token

_MARK = MARK_OF_ROW.encode()
_VIEW = PROCESSES_VIEW.encode()
_QUERY_ID = b"if(%b != '', JSONExtractString(%b, 'q'), query_id)" % (_MARK, _MARK)
_USER = b"if(%b != '', JSONExtractString(%b, 'u'), toString(user))" % (_MARK, _MARK)
_COLUMNS = {b"query_id": _QUERY_ID, b"initial_query_id": _QUERY_ID, b"user": _USER, b"initial_user": _USER}
_MODES = (b"SYNC", b"ASYNC", b"TEST")


def rewrite_for_control(statement: Statement, access: Access) -> Statement:
    """The statement in the engine's terms: kills and processes by clients' ids, dictionaries by the engine's user."""
    if statement.kind is Kind.KILL:
        return _kill(statement, access)
    if statement.kind is Kind.SELECT and _is_process_list(statement):
        behind = statement.text[statement.tokens[1].end :]
        return parse(b"SELECT * FROM " + _VIEW + b" ORDER BY elapsed DESC" + behind)
    if statement.kind is Kind.SELECT and (shown := system_table_shown(statement)):
        return parse(shown)
    if statement.kind in (Kind.SELECT, Kind.INSERT) and b"processes" in statement.text:
        return _with_view(statement, access)
    return with_engines_user(statement)


def literal(text: str) -> bytes:
    """A string literal of the grammar."""
    return b"'" + text.encode("utf-8", "surrogateescape").replace(b"\\", b"\\\\").replace(b"'", b"\\'") + b"'"


def _is_process_list(statement: Statement) -> bool:
    found = statement.tokens
    return len(found) > 1 and found[0].word == b"SHOW" and found[1].word == b"PROCESSLIST"


def _kill(statement: Statement, access: Access) -> Statement:
    """`KILL QUERY WHERE …` with the columns that clients know; a reader reaches only queries of its own."""
    found = statement.tokens
    where = next((at for at, token in enumerate(found) if token.word == b"WHERE"), None)
    if where is None or found[1].word != b"QUERY":
        return statement
    end = sum(token.end <= statement.tail.body_end for token in found)
    end -= end > where + 2 and found[end - 1].word in _MODES
    _check_brackets(found[where + 1 : end])
    condition = _replaced(statement.text, found[where + 1 : end], access)
    if access.read_only:
        condition = b"(" + condition + b"\n) AND " + _USER + b" = " + literal(access.user)
    behind = statement.text[found[end - 1].end : found[-1].end]
    return parse(statement.text[: found[where].end] + b" " + condition + behind)


def _check_brackets(condition: Sequence[Token]) -> None:
    """A condition that closes a bracket which it did not open would escape from the brackets put around it."""
    depth = 0
    for token in condition:
        depth += (token.text == b"(") - (token.text == b")")
        if depth < 0:
            break
    if depth or not condition:
        raise syntax_error("Syntax error: unmatched parentheses in the condition of KILL QUERY")


def _replaced(text: bytes, condition: Sequence[Token], access: Access) -> bytes:
    """The condition with each known column written as an expression over the engine's columns."""
    if not condition:
        return b""
    result, position = b"", condition[0].start
    for at, token in enumerate(condition):
        expression = _COLUMNS.get(token.identifier or b"")
        if expression is None and _names_processes(condition, at, access):
            expression = _VIEW.partition(b".")[2]
        is_call = at + 1 < len(condition) and condition[at + 1].text == b"("
        if expression is not None and not is_call:
            result += text[position : token.start] + expression
            position = token.end
    return result + text[position : condition[-1].end]


def _names_processes(found: Sequence[Token], at: int, access: Access) -> bool:
    """Whether the name at `at` is the table system.processes, behind `system.` or in that database."""
    if found[at].identifier != b"processes":
        return False
    if at > 1 and found[at - 1].text == b".":
        return found[at - 2].identifier == b"system"
    return access.database == "system" and at > 0 and found[at - 1].word in (b"FROM", b"JOIN", b"TABLE", b"DESCRIBE")


def _with_view(statement: Statement, access: Access) -> Statement:
    """The statement with the view's name in the place of the table's."""
    text, position = b"", 0
    for at, token in enumerate(statement.tokens):
        if _names_processes(statement.tokens, at, access):
            text += statement.text[position : token.start] + _VIEW.partition(b".")[2]
            position = token.end
    if not position:
        return statement
    changed = text + statement.text[position:]
    if statement.kind is Kind.INSERT:
        return replace(parse(changed + b"\n"), inline_data=statement.inline_data, needs_data=statement.needs_data)
    return parse(changed)
