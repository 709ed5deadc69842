"""Translates the query ids that clients know into those of the engine, in KILL QUERY and system.processes.

The engine gives each query an id of its own; the server keeps the client's id and name in the mark (`identity.py`),
as JSON: `{"q": query id, "u": user, …}`.
"""

from warehouse.server.identity import MARK_OF_ROW
from warehouse.server.sql.access import Access
from warehouse.server.sql.parsing import parse
from warehouse.server.sql.statement import Kind, Statement
from warehouse.server.sql.tokens import Token, TokenKind

_COMMENT = MARK_OF_ROW.encode()
_QUERY_ID = b"if(JSONHas(" + _COMMENT + b", 'q'), JSONExtractString(" + _COMMENT + b", 'q'), query_id)"
_USER = b"if(JSONHas(" + _COMMENT + b", 'u'), JSONExtractString(" + _COMMENT + b", 'u'), user)"
_COLUMNS = {b"query_id": _QUERY_ID, b"initial_query_id": _QUERY_ID, b"user": _USER, b"initial_user": _USER}


def rewrite_for_control(statement: Statement, access: Access) -> Statement:
    """The statement in the engine's terms; unchanged unless it kills queries or reads system.processes."""
    if statement.kind is Kind.KILL:
        return _kill(statement, access)
    if _processes_at(statement, access):
        return _own_view(statement, access)
    return statement


def literal(text: str) -> bytes:
    """A string literal of the grammar."""
    return b"'" + text.encode().replace(b"\\", b"\\\\").replace(b"'", b"\\'") + b"'"


def _kill(statement: Statement, access: Access) -> Statement:
    """`KILL QUERY WHERE …` with the columns that clients know; a reader reaches only queries of its own."""
    found = list(statement.tokens)
    where = next((at for at, token in enumerate(found) if token.word == b"WHERE"), None)
    if where is None:
        return statement
    end = next((at for at in range(where, len(found)) if _ends_condition(found, at)), len(found))
    condition = _replaced(statement.text, found[where + 1 : end])
    if access.read_only:
        condition = b"(" + condition + b") AND " + _USER + b" = " + literal(access.user)
    last = found[end - 1].end
    text = statement.text[: found[where].end] + b" " + condition + statement.text[last : found[-1].end]
    return parse(text)


def _ends_condition(found: list[Token], at: int) -> bool:
    return found[at].word in (b"SYNC", b"ASYNC", b"TEST", b"FORMAT", b"SETTINGS")


def _replaced(text: bytes, condition: list[Token]) -> bytes:
    """The condition with each known column written as an expression over the engine's columns."""
    if not condition:
        return b""
    result, position = b"", condition[0].start
    for at, token in enumerate(condition):
        expression = _COLUMNS.get((token.identifier or b"").lower())
        is_call = at + 1 < len(condition) and condition[at + 1].text == b"("
        if expression is not None and not is_call:
            result += text[position : token.start] + expression
            position = token.end
    return result + text[position : condition[-1].end]


def _processes_at(statement: Statement, access: Access) -> list[tuple[int, int]]:
    """Where the statement names the table system.processes: ranges of bytes."""
    found, places = statement.tokens, []
    if statement.kind not in (Kind.SELECT, Kind.INSERT):
        return []
    for at, token in enumerate(found):
        if token.kind in (TokenKind.WORD, TokenKind.QUOTED) and token.identifier == b"processes":
            qualified = at > 1 and found[at - 1].text == b"." and found[at - 2].identifier == b"system"
            if qualified:
                places.append((found[at - 2].start, token.end))
            elif access.database == "system" and at and found[at - 1].word in (b"FROM", b"JOIN"):
                places.append((token.start, token.end))
    return places


def _own_view(statement: Statement, access: Access) -> Statement:
    """The statement with a subquery in the place of system.processes, which shows what the client knows."""
    own = b" WHERE " + _USER + b" = " + literal(access.user) if access.read_only else b""
    source = (
        b"(SELECT * REPLACE("
        + _QUERY_ID
        + b" AS query_id, "
        + _QUERY_ID
        + b" AS initial_query_id, "
        + _USER
        + b" AS user, "
        + _USER
        + b" AS initial_user) FROM system.processes"
        + own
        + b")"
    )
    text, position = b"", 0
    for start, end in _processes_at(statement, access):
        text += statement.text[position:start] + source
        position = end
    data = statement.inline_data or b""
    return parse(text + statement.text[position:] + (b"\n" + data if data else b""))
