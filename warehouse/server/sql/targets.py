"""Which statements would change the engine's own databases."""

from collections.abc import Iterator, Sequence

from warehouse.server.sql.names import FORWARDING, SYSTEM_DATABASES
from warehouse.server.sql.statement import Kind, Statement
from warehouse.server.sql.tokens import Token

_READING = (b"SELECT", b"WITH")
_NAMES_A_DATABASE = (b"DATABASE", b"SCHEMA", b"EXISTS", b"FROM")


def changes_system(statement: Statement, value_of: "dict[bytes, bytes]") -> bool:
    """Whether an insert or a definition names something in `system` or INFORMATION_SCHEMA as its target.

    `value_of` gives the identifier that each known query parameter stands for.
    """
    return any(_hits(part, value_of) for part in _parts(statement) if part and part[0].word != b"BACKUP")


def _parts(statement: Statement) -> Iterator[list[Token]]:
    """The statements that `PARALLEL WITH` joins, each without the queries that it only reads from."""
    part: list[Token] = []
    found = statement.tokens
    for at, token in enumerate(found):
        if token.word == b"PARALLEL" and at + 1 < len(found) and found[at + 1].word == b"WITH":
            yield _target(part, insert=statement.kind is Kind.INSERT)
            part = []
        elif not (token.word == b"WITH" and at and found[at - 1].word == b"PARALLEL"):
            part.append(token)
    yield _target(part, insert=statement.kind is Kind.INSERT)


def _target(part: Sequence[Token], *, insert: bool) -> list[Token]:
    """The tokens up to the query, structure or condition that is only read."""
    result: list[Token] = []
    depth = 0
    started = not insert
    for at, token in enumerate(part):
        started = started or token.word == b"INSERT"
        if not started:
            continue
        depth += (token.text == b"(") - (token.text == b")")
        if at and (token.word == b"WHERE" or token.word in _READING or (token.word == b"AS" and depth == 0)):
            if depth == 0:
                return result + _engine(part[at:])
            if token.word in _READING and part[at - 1].text == b"(":
                return result
        result.append(token)
    return result


def _engine(rest: Sequence[Token]) -> list[Token]:
    """`ENGINE = x(…)` behind `AS table`, which may forward to another table."""
    for at, token in enumerate(rest):
        if token.word in _READING:
            return []
        if token.word == b"ENGINE":
            return list(rest[at:])
    return []


def _hits(part: Sequence[Token], value_of: "dict[bytes, bytes]") -> bool:
    forwards = any((token.identifier or b"").lower() in FORWARDING for token in part)
    for at, token in enumerate(part):
        name = _name(part, at, value_of)
        written = (name if name is not None else token.value or b"").lower()
        if forwards and written.split(b".")[0] in SYSTEM_DATABASES:
            return True
        if name is None or written.split(b".")[0] not in SYSTEM_DATABASES:
            continue
        after = part[at + 1].text if at + 1 < len(part) else b""
        before = part[at - 1] if at else token
        renamed = before.word == b"TO" and part[0].word == b"RENAME"
        if b"." in (after, before.text if before.text == b"}" else b"") or b"." in written:
            return True
        if before.word in _NAMES_A_DATABASE or renamed or token.text == b"{":
            return True
    return False


def _name(part: Sequence[Token], at: int, value_of: "dict[bytes, bytes]") -> bytes | None:
    """The name at `at`: an identifier, or the value of the parameter whose bracket opens there."""
    if part[at].text == b"{" and at + 1 < len(part):
        return value_of.get(part[at + 1].text)
    return part[at].identifier
