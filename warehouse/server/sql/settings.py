"""Every setting that a statement sets, at whatever depth its SETTINGS clause stands."""

from collections.abc import Iterator, Sequence

from warehouse.server.sql.tail import operator_expected
from warehouse.server.sql.tokens import Token, TokenKind

_OPENING, _CLOSING = (b"(", b"[", b"{"), (b")", b"]", b"}")


def settings_in(found: Sequence[Token]) -> Iterator[tuple[bytes, bytes]]:
    """Name and value (unquoted where it is one literal) of each setting; for `SET` statements as well."""
    if found and found[0].word == b"SET":
        yield from _items(found, 1)
        return
    for at, token in enumerate(found):
        if at and token.word == b"SETTINGS" and at + 1 < len(found):
            opened = found[at + 1].text == b"("
            if opened or operator_expected(found, at):
                yield from _items(found, at + 1 + opened)


def _items(found: Sequence[Token], at: int) -> Iterator[tuple[bytes, bytes]]:
    """`name [= value] [, …]`, as long as the grammar goes on."""
    size = len(found)
    while at < size:
        name, at = _name(found, at)
        if not name:
            return
        value: list[Token] = []
        if at < size and found[at].text in (b"=", b"=="):
            value, at = _value(found, at + 1)
        literal = value[0].value if len(value) == 1 else None
        yield name, literal if literal is not None else b"".join(token.text for token in value)
        if at >= size or found[at].text != b",":
            return
        at += 1


def _name(found: Sequence[Token], at: int) -> tuple[bytes, int]:
    parts = []
    while at < len(found) and (name := found[at].identifier) is not None:
        parts.append(name)
        if at + 1 >= len(found) or found[at + 1].text != b".":
            return b".".join(parts), at + 1
        at += 2
    return b".".join(parts), at


def _value(found: Sequence[Token], at: int) -> tuple[list[Token], int]:
    """A literal, a signed number, a name with arguments, or a group of brackets."""
    start, depth = at, 0
    while at < len(found):
        token = found[at]
        if depth == 0 and at > start and not _goes_on(found, at):
            break
        if depth == 0 and token.text in (b",", *_CLOSING):
            break
        depth += (token.text in _OPENING) - (token.text in _CLOSING)
        at += 1
    return list(found[start:at]), at


def _goes_on(found: Sequence[Token], at: int) -> bool:
    before, token = found[at - 1], found[at]
    return (
        token.text in _OPENING
        or before.text in (b"-", b"+")
        or token.text == b"."
        or (before.text == b"." and token.kind in (TokenKind.WORD, TokenKind.NUMBER, TokenKind.QUOTED))
    )
