"""Finds `FORMAT name` and `SETTINGS …` at the end of a statement, where a column may bear the same names."""

from collections.abc import Sequence

from warehouse.server.sql.statement import Tail
from warehouse.server.sql.tokens import Token, TokenKind

# Behind these words an operand must follow, so that FORMAT or SETTINGS there is the name of a column or table.
_OPERAND_FOLLOWS = frozenset(
    (
        b"SELECT DISTINCT FROM WHERE PREWHERE HAVING QUALIFY BY ON USING AND OR NOT IN LIKE ILIKE REGEXP BETWEEN AS"
        b" JOIN LIMIT OFFSET CASE WHEN THEN ELSE INTERVAL WITH GLOBAL DIV MOD TABLE VIEW DATABASE DICTIONARY"
        b" SETTINGS FORMAT INTO"
    ).split()
)
# Of these, what stands before `FORMAT name` at the end of a statement only as a name itself (`GROUP BY table`).
_NAME_BEFORE_FORMAT = frozenset(
    b"TABLE VIEW DATABASE DICTIONARY CASE WHEN THEN ELSE SETTINGS FORMAT INTO LIMIT OFFSET WITH USING GLOBAL".split()
)
# And what starts an operand, or goes on with an operator, where an operand is expected.
_OPERAND_STARTS = frozenset(b"SELECT DISTINCT NOT CASE INTERVAL".split())
_TWO_WORDS = frozenset(
    (first, second)
    for first, rest in ((b"NOT", b"IN LIKE ILIKE REGEXP BETWEEN"), (b"GLOBAL", b"IN NOT JOIN"), (b"DISTINCT", b"ON"))
    for second in rest.split()
)
_UNITS = frozenset(
    b"NANOSECOND MICROSECOND MILLISECOND SECOND MINUTE HOUR DAY WEEK MONTH QUARTER YEAR"
    b" NANOSECONDS MICROSECONDS MILLISECONDS SECONDS MINUTES HOURS DAYS WEEKS MONTHS QUARTERS YEARS".split()
)
_OPENING, _CLOSING = (b"(", b"[", b"{"), (b")", b"]", b"}")


def read_tail(found: Sequence[Token]) -> Tail:
    """The trailing clauses of a statement without data."""
    end = len(found)
    format_at = settings_at = None
    while True:
        at = _last_clause(found, end)
        if at is None:
            break
        if found[at].word == b"FORMAT" and format_at is None and at + 2 == end:
            format_at = at
        elif found[at].word == b"SETTINGS" and settings_at is None:
            settings_at = at
        else:
            break
        end = at
    return _tail(found, end, format_at, settings_at)


def _tail(found: Sequence[Token], end: int, format_at: int | None, settings_at: int | None) -> Tail:
    last = len(found)
    format_end = settings_end = last
    if format_at is not None and settings_at is not None:
        format_end = settings_at if format_at < settings_at else last
        settings_end = format_at if settings_at < format_at else last
    name = found[format_at + 1].identifier if format_at is not None else None
    return Tail(
        body_end=found[end - 1].end if end else found[0].start,
        format=name.decode("utf-8", "replace") if name is not None else None,
        format_span=_span(found, format_at, format_end),
        settings_span=_span(found, settings_at, settings_end),
        settings=settings_of(found[settings_at + 1 : settings_end]) if settings_at is not None else {},
    )


def _span(found: Sequence[Token], first: int | None, last: int) -> tuple[int, int] | None:
    return None if first is None else (found[first].start, found[last - 1].end)


def _last_clause(found: Sequence[Token], end: int) -> int | None:
    """Index of the last FORMAT or SETTINGS outside brackets that starts a clause reaching up to `end`."""
    depth = 0
    for at in range(end - 1, 0, -1):
        token = found[at]
        if token.kind is TokenKind.MARK:
            depth += (token.text in _CLOSING) - (token.text in _OPENING)
            if depth < 0:
                return None
        elif depth == 0 and token.kind is TokenKind.WORD and _starts_clause(found, at, end):
            return at
    return None


def _starts_clause(found: Sequence[Token], at: int, end: int) -> bool:
    word, before = found[at].word, found[at - 1].word
    if word == b"FORMAT":
        shape = at + 2 == end and found[at + 1].identifier is not None
        if before in _NAME_BEFORE_FORMAT:
            return shape
        if before == b"INTERVAL":
            return shape and found[at + 1].word not in _UNITS
    elif word == b"SETTINGS":
        shape = at + 3 < end and found[at + 1].identifier is not None and found[at + 2].text in (b"=", b".")
    else:
        return False
    return shape and operator_expected(found, at)


def operator_expected(found: Sequence[Token], at: int) -> bool:
    """Whether the token before `at` ends an operand, so that a clause may start here."""
    before = found[at - 1]
    if before.kind is TokenKind.WORD:
        return before.word not in _OPERAND_FOLLOWS or _is_name(found, at - 1)
    if before.kind is not TokenKind.MARK:
        return True
    if before.text == b"*":
        return at < 2 or not operator_expected(found, at - 1)
    return before.text in _CLOSING


def _is_name(found: Sequence[Token], at: int) -> bool:
    """Whether the keyword at `at` stands where only a name can: `t.select`, `AS table`, `ORDER BY offset`."""
    if at == 0:
        return False
    word, before = found[at].word, found[at - 1]
    if before.text == b"." or before.word == b"AS":
        return True
    if word in _OPERAND_STARTS or (before.word, word) in _TWO_WORDS:
        return False
    return not operator_expected(found, at)


def settings_of(found: Sequence[Token]) -> dict[str, str]:
    """`a = 1, b = 'x'` as a dictionary; strings without their quotes, everything else as written."""
    result: dict[str, str] = {}
    for item in split_by_comma(found):
        equals = next((at for at, token in enumerate(item) if token.text == b"="), None)
        if not equals:
            continue
        name = b"".join(token.identifier or token.text for token in item[:equals])
        value = item[equals + 1 :]
        plain = value[0].value if len(value) == 1 else None
        written = plain if plain is not None else b"".join(token.text for token in value)
        result[name.decode("utf-8", "replace")] = written.decode("utf-8", "replace")
    return result


def split_by_comma(found: Sequence[Token]) -> list[Sequence[Token]]:
    """The parts between commas that stand outside brackets."""
    parts: list[Sequence[Token]] = []
    depth = start = 0
    for at, token in enumerate(found):
        if token.text in _OPENING:
            depth += 1
        elif token.text in _CLOSING:
            depth -= 1
        elif token.text == b"," and depth == 0:
            parts.append(found[start:at])
            start = at + 1
    return [*parts, found[start:]]
