"""What a reader may not do on top of what nobody may."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from warehouse.server.sql.errors import access_denied, read_only, syntax_error
from warehouse.server.sql.names import (
    ENGINE_LOGS,
    HARMLESS,
    NAMING,
    OTHERS_TABLES,
    REMOTE,
    SYSTEM_DATABASES,
    mentions,
)
from warehouse.server.sql.statement import Kind, Statement
from warehouse.server.sql.tokens import Token

_SUSPICIOUS = REMOTE | NAMING | OTHERS_TABLES | {ENGINE_LOGS}
_ALLOWED = (Kind.SELECT, Kind.SET, Kind.USE, Kind.KILL)

#: First words of statements that ClickHouse knows and that have no kind of their own here.
_RARE = {b"GRANT", b"REVOKE", b"BEGIN", b"COMMIT", b"ROLLBACK", b"EXECUTE", b"EXTERNAL", b"MOVE", b"WATCH", b"CLUSTER"}


def refuse_writing(statement: Statement) -> None:
    """Raise StatementError 164 for everything that changes data, definitions or the server."""
    found = statement.tokens
    if statement.kind is Kind.OTHER and found[0].word not in _RARE:
        # A word that begins no statement is the reader's typing error, and a server says so before it asks for rights.
        shown = statement.text[found[0].start :][:100].decode("utf-8", "replace")
        word = found[0].text.decode("utf-8", "replace")
        raise syntax_error(
            f"Syntax error: failed at position {found[0].start + 1} ({word}): {shown}. Expected one of: Query"
        )
    kill = statement.kind is Kind.KILL and len(found) > 1 and found[1].word == b"QUERY"
    if statement.kind not in _ALLOWED or (statement.kind is Kind.KILL and not kill):
        raise read_only("Cannot execute query in readonly mode.")
    for token, after in pairwise(found):
        if token.word == b"PARALLEL" and after.word == b"WITH":
            raise read_only("Cannot execute query in readonly mode.")


def refuse_foreign_tables(statement: Statement, database: str, names: Sequence[bytes]) -> None:
    """Raise StatementError 497 for other machines, for others' rows and accounts, however they are named.

    `names` are the identifiers that query parameters stand for.
    """
    found = statement.tokens if mentions(statement.text, _SUSPICIOUS) else ()
    for at, token in enumerate(found):
        name = token.identifier
        if name is None:
            continue
        called = at + 1 < len(found) and found[at + 1].text == b"("
        if called and name.lower() in REMOTE:
            raise access_denied(f"Not enough privileges: a reader may not use {name.decode('utf-8', 'replace')}()")
        if called and name.lower() in NAMING:
            _check_arguments(list(_arguments(found, at + 1)), name.lower(), database)
        if _is_others(name) and (database == "system" or _qualified(found, at)):
            raise _denied(name)
    for name in names:
        if _is_others(name.split(b".")[-1]):
            raise _denied(name)


def _is_others(name: bytes) -> bool:
    return name in OTHERS_TABLES or name.startswith(ENGINE_LOGS)


def _qualified(found: Sequence[Token], at: int) -> bool:
    """Whether the name stands behind `system.`, written or as a parameter."""
    if at < 2 or found[at - 1].text != b".":
        return False
    return found[at - 2].text == b"}" or (found[at - 2].identifier or b"").lower() == b"system"


def _arguments(found: Sequence[Token], opening: int) -> Iterator[Token]:
    depth = 0
    for token in found[opening:]:
        depth += (token.text == b"(") - (token.text == b")")
        if depth == 0:
            return
        yield token


def _check_arguments(arguments: list[Token], function: bytes, database: str) -> None:
    """Tables named by strings and patterns: none of `system` by pattern, none of the withheld ones at all."""
    written = [(token.identifier if token.value is None else token.value) or b"" for token in arguments]
    for text in written:
        if any(_is_others(part) for part in text.split(b".")):
            raise _denied(text)
    if function != b"merge":
        return
    patterned = len(arguments) < 4 and database in ("system",)
    named = written[1].lower() if len(written) > 1 else b""
    computed = len(arguments) > 2 and arguments[2].text == b"(" and named not in (b"currentdatabase", b"database")
    computed = computed or (len(arguments) > 1 and arguments[1].text == b"{")
    if patterned or computed or named in SYSTEM_DATABASES or (database == "system" and b"database" in named):
        raise access_denied("Not enough privileges: a reader may not use merge() over `system` or over a pattern")


def _denied(name: bytes) -> Exception:
    shown = name.decode("utf-8", "replace")
    return access_denied(f"Not enough privileges: `{shown}` shows what other users do")


def known_table_functions() -> frozenset[bytes]:
    """Every table function that the policy has an opinion on; a test compares it with the engine's list."""
    from warehouse.server.sql.names import LOCAL

    return LOCAL | REMOTE | HARMLESS
