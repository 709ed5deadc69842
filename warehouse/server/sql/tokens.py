"""Cuts SQL into the tokens that ClickHouse's own lexer sees; works on bytes, so offsets hold for any text."""

import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from warehouse.server.sql.errors import syntax_error


class TokenKind(Enum):
    """What a token is, as far as statements are told apart by it."""

    WORD = "word"  # keyword or plain identifier
    QUOTED = "quoted"  # identifier in backquotes, double quotes or typographic double quotes
    STRING = "string"  # literal in single or typographic quotes, heredoc, x'..', b'..'
    NUMBER = "number"
    MARK = "mark"  # operator or punctuation
    END = "end"  # a semicolon


class Token(NamedTuple):
    """One token with its place in the text."""

    kind: TokenKind
    text: bytes
    start: int
    end: int
    #: The upper-case text of a bare word, empty for everything else: keywords are never quoted.
    word: bytes = b""

    @property
    def identifier(self) -> bytes | None:
        """The name that a bare word or quoted identifier stands for."""
        if self.kind is TokenKind.WORD:
            return self.text
        return unquote(self.text) if self.kind is TokenKind.QUOTED else None

    @property
    def value(self) -> bytes | None:
        """The bytes that a string literal stands for."""
        return unquote(self.text) if self.kind is TokenKind.STRING else None


# White space beyond ASCII is skipped as the engine does for text pasted from a word processor: NEL, no-break space,
# U+1680, U+180E, U+2000 to U+200D, line and paragraph separator, U+202F, U+205F, U+2060, U+3000, byte order mark.
_SPACE = (
    rb"(?:[ \t\n\r\f\v]|\xc2[\x85\xa0]|\xe1\x9a\x80|\xe1\xa0\x8e|\xe2\x80[\x80-\x8d\xa8\xa9\xaf]|\xe2\x81[\x9f\xa0]"
    rb"|\xe3\x80\x80|\xef\xbb\xbf)+"
)
_TOKEN = re.compile(
    rb"(?P<space>" + _SPACE + rb")"
    rb"|(?P<line>(?:--|//|\#[ !])[^\n]*)"
    rb"|(?P<block>/\*)"
    rb"|(?P<heredoc>\$(?P<tag>[A-Za-z0-9_]*)\$.*?\$(?P=tag)\$)"
    rb"|(?P<string>'[^'\\]*(?:(?:\\.|'')[^'\\]*)*'(?!')|[xX]'[0-9A-Fa-f]*'|[bB]'[01]*'|\xe2\x80\x98.*?\xe2\x80\x99)"
    rb"|(?P<word>(?:[A-Za-z_$][A-Za-z0-9_$]*|[0-9]+[A-Za-z_][A-Za-z0-9_]*))"
    rb"|(?P<quoted>`[^`\\]*(?:(?:\\.|``)[^`\\]*)*`(?!`)|\"[^\"\\]*(?:(?:\\.|\"\")[^\"\\]*)*\"(?!\")"
    rb"|\xe2\x80\x9c.*?\xe2\x80\x9d)"
    rb"|(?P<number>[0-9]+)"
    rb"|(?P<end>;)"
    rb"|(?P<mark>->|::|[()\[\]{},.+\-*/%=!<>?:|@^&~]|\xe2\x88\x92)",
    re.DOTALL,
)
_BLOCK_EDGE = re.compile(rb"/\*|\*/")
_KINDS = {
    "word": TokenKind.WORD,
    "quoted": TokenKind.QUOTED,
    "string": TokenKind.STRING,
    "heredoc": TokenKind.STRING,
    "tag": TokenKind.STRING,
    "number": TokenKind.NUMBER,
    "mark": TokenKind.MARK,
    "end": TokenKind.END,
}


def tokens(text: bytes, start: int = 0) -> Iterator[Token]:
    """Every significant token from `start` on, lazily; raises StatementError where the engine's lexer would fail."""
    position, size, match = start, len(text), _TOKEN.match
    while position < size:
        found = match(text, position)
        if found is None:
            raise _unreadable(text, position)
        group = found.lastgroup or ""
        if group == "block":
            position = _end_of_comment(text, position)
            continue
        begin, position = position, found.end()
        kind = _KINDS.get(group)
        if kind is TokenKind.WORD:
            written = found.group()
            yield Token(kind, written, begin, position, written.upper())
        elif kind is not None:
            yield Token(kind, found.group(), begin, position)


def _end_of_comment(text: bytes, start: int) -> int:
    """Where the comment that opens at `start` closes; comments nest."""
    depth = 0
    for edge in _BLOCK_EDGE.finditer(text, start):
        depth += 1 if edge.group() == b"/*" else -1
        if depth == 0:
            return edge.end()
    raise syntax_error(f"Multiline comment is not closed: Syntax error: failed at position {start + 1}")


_NOT_CLOSED = {
    b"'": "Single quoted string is not closed",
    b'"': "Double quoted string is not closed",
    b"`": "Back quoted string is not closed",
}


def _unreadable(text: bytes, position: int) -> Exception:
    reason = _NOT_CLOSED.get(text[position : position + 1], "Unrecognized token")
    shown = text[position : position + 40].decode("utf-8", "replace")
    return syntax_error(f"{reason}: Syntax error: failed at position {position + 1} ({shown})")


_ESCAPE = re.compile(rb"\\x(..)|\\(.)|(['`\"])\3", re.DOTALL)
# `\N` stands for nothing; before any other character the backslash is kept, as in the engine's ReadHelpers.
_ESCAPED = {
    **{b"abtnvfre0"[at : at + 1]: b"\a\b\t\n\v\f\r\x1b\0"[at : at + 1] for at in range(9)},
    **{mark: mark for mark in (b"\\", b"'", b"`", b'"', b"/", b"=")},
    b"N": b"",
}


def unquote(text: bytes) -> bytes:
    """The bytes that a quoted token stands for, quotes and escapes resolved."""
    if text[:1] in (b"'", b"`", b'"'):
        inner, quote = text[1:-1], text[:1]
        if b"\\" not in inner and quote not in inner:
            return inner
        return _ESCAPE.sub(lambda found: _unescape(found, quote), inner)
    if text[:3] in (b"\xe2\x80\x98", b"\xe2\x80\x9c"):
        return text[3:-3]
    if text[:1] == b"$":
        tag_end = text.index(b"$", 1) + 1
        return text[tag_end:-tag_end]
    digits = text[2:-1].decode("ascii")
    if text[:1] in b"xX":
        return bytes.fromhex(digits if len(digits) % 2 == 0 else "0" + digits)
    return int(digits or "0", 2).to_bytes((len(digits) + 7) // 8, "big")


def _unescape(found: "re.Match[bytes]", quote: bytes) -> bytes:
    code, escaped, doubled = found.groups()
    if code is not None:
        return bytes([(_hex_digit(code[0]) * 16 + _hex_digit(code[1])) & 0xFF])
    if escaped is not None:
        return _ESCAPED.get(escaped, escaped if escaped < b" " else b"\\" + escaped)
    return doubled if doubled == quote else doubled * 2


def _hex_digit(character: int) -> int:
    """The engine takes what is no hexadecimal digit for 255."""
    return b"0123456789abcdef".find(bytes([character]).lower()) % 256
