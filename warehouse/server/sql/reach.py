"""What nobody may reach through SQL: files, programs and objects of the serving process."""

import re
from collections.abc import Sequence
from itertools import pairwise

from warehouse.server.sql.errors import StatementError, access_denied
from warehouse.server.sql.names import ADDRESSES, KEPT_SETTINGS, LOCAL, mentions
from warehouse.server.sql.settings import settings_in
from warehouse.server.sql.statement import Kind, Statement
from warehouse.server.sql.tokens import Token, TokenKind

_SUSPICIOUS = LOCAL | ADDRESSES | {b"attach"}
_FILE_ADDRESS = re.compile(rb"\s*file\s*:", re.IGNORECASE)
_CREATING = (b"CREATE", b"INSERT", b"ATTACH", b"REPLACE", b"WITH")
_BEFORE_A_NEW_NAME = (b"TABLE", b"VIEW", b"INTO", b"EXISTS", b"INDEX", b"PROJECTION")
_HIGHER_ORDER = (b"array", b"map")


def refuse_reaching_out(statement: Statement) -> None:
    """Raise StatementError 497 for a statement that calls or defines something of `names.LOCAL`."""
    if not mentions(statement.text, _SUSPICIOUS):
        return
    found = statement.tokens
    for at, token in enumerate(found):
        name = token.identifier
        if name is None:
            continue
        lower = name.lower()
        if lower in LOCAL:
            if _is_call(found, at) and not _names_something_new(found, at) and not _is_format_only_file(found, at):
                raise _denied(name)
            if name == b"file" and is_function_argument(found, at):
                raise _denied(name)
        elif lower in ADDRESSES and _is_call(found, at):
            _check_address(found, at)
    if found[0].word in (b"ATTACH", b"CREATE"):
        _check_definition(found)


def refuse_kept_settings(statement: Statement, more: frozenset[str] = frozenset()) -> None:
    """Raise StatementError 452 for a setting that no statement, or not this user's, may set."""
    if b"SET" not in statement.text.upper():
        return
    for name, value in settings_in(statement.tokens):
        if statement.kind is Kind.DDL and name.lower() == b"log_queries":
            continue  # migrations leave DDL out of the log; whose queries are logged stays the server's affair
        refuse_setting(name, value, more)


def refuse_setting(name: bytes, value: bytes, more: frozenset[str] = frozenset()) -> None:
    """Raise StatementError 452 or 497 for a setting that nobody may set, in a statement or in the URL."""
    lower = name.lower()
    if lower in KEPT_SETTINGS or lower.decode("utf-8", "replace") in more:
        text = f"Setting {name.decode('utf-8', 'replace')} should not be changed"
        raise StatementError(452, "SETTING_CONSTRAINT_VIOLATION", text)
    if lower == b"format_schema" and (value.startswith(b"/") or b".." in value or b"{" in value):
        raise access_denied("format_schema must name a file in the warehouse's own schema directory")


def is_function_argument(found: Sequence[Token], at: int) -> bool:
    """Whether the name at `at` may be taken for a function: `APPLY(name)`, or first in `arrayMap(name, …)`."""
    before = at - 1
    while before >= 0 and found[before].text == b"(":
        before -= 1
    if before < 0:
        return False
    if found[before].word == b"APPLY":
        return True
    called = found[before].identifier
    return before < at - 1 and called is not None and called.lower().startswith(_HIGHER_ORDER)


def _is_call(found: Sequence[Token], at: int) -> bool:
    return at + 1 < len(found) and found[at + 1].text == b"("


def _names_something_new(found: Sequence[Token], at: int) -> bool:
    """`CREATE TABLE file (…)`, `INSERT INTO db.file (…)`: a name, not a call."""
    if found[0].word not in _CREATING or at == 0:
        return False
    first = at - 2 if found[at - 1].text == b"." else at
    if any(token.word in (b"SELECT", b"ENGINE", b"AS", b"SOURCE") for token in found[1:first]):
        return False
    return found[first - 1].word in _BEFORE_A_NEW_NAME


def _is_format_only_file(found: Sequence[Token], at: int) -> bool:
    """`ENGINE = File(CSV)`: kept in the table's own directory; `BACKUP … TO File('x')`: in the one for backups."""
    if found[0].word in (b"BACKUP", b"RESTORE") and found[at].text == b"File":
        return found[at - 1].word in (b"TO", b"FROM")
    closed = at + 3 < len(found) and found[at + 3].text == b")"
    return closed and found[at].text == b"File" and found[at - 1].text == b"=" and found[at - 2].word == b"ENGINE"


def _check_address(found: Sequence[Token], at: int) -> None:
    """The address must be a literal, so that one can see that it is not `file:`."""
    argument = found[at + 2] if at + 2 < len(found) else None
    if argument is None or at + 3 >= len(found):
        return
    literal = argument.kind is TokenKind.STRING and found[at + 3].text in (b",", b")")
    source = argument.kind is TokenKind.WORD and found[at + 3].kind is TokenKind.STRING
    if not literal and not source:
        raise access_denied("the address of url() must be one literal string")
    if any(_FILE_ADDRESS.match(token.value or b"") for token in found if token.kind is TokenKind.STRING):
        raise access_denied("addresses with file: are not allowed")


def _check_definition(found: Sequence[Token]) -> None:
    for token, after in pairwise(found):
        if found[0].word == b"ATTACH" and token.word == b"FROM" and after.kind is TokenKind.STRING:
            raise access_denied("ATTACH … FROM a directory is not allowed: restore a backup instead")
        if token.text in (b"=",) and after.word in (b"FILESYSTEM", b"SQLITE", b"EXECUTABLE", b"FILELOG"):
            raise _denied(after.text)


def _denied(name: bytes) -> StatementError:
    shown = name.decode("utf-8", "replace")
    return access_denied(f"Not enough privileges: `{shown}` would reach out of the warehouse; send the data over HTTP")


def query_in_a_dictionary(statement: Statement) -> list[bytes]:
    """The queries that a dictionary's source holds as strings."""
    if statement.kind is not Kind.DDL or b"DICTIONARY" not in {token.word for token in statement.tokens[:5]}:
        return []
    return [
        after.value or b""
        for token, after in pairwise(statement.tokens)
        if token.word == b"QUERY" and after.kind is TokenKind.STRING
    ]
