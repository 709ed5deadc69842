"""Cuts a byte stream into numbered lines, with bounded memory and without losing undecodable bytes."""

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from warehouse.importer.batch import Reject, shown
from warehouse.importer.errors import SourceError

#: Bytes decoded at a time.
BLOCK = 1 << 20
#: Characters of the longest line or quoted record; a longer one is rejected, so that memory stays bounded.
LONGEST = 4 << 20

_ESCAPED = re.compile("[\udc00-\udcff]")
_SIGNATURES = {b"PK\x03\x04": "a ZIP archive or spreadsheet", b"PAR1": "a Parquet file", b"%PDF": "a PDF",
               b"BZh": "a bzip2 archive", b"SQLite": "an SQLite database", b"\x7fELF": "a program",
               b"\x89PNG": "a picture", b"ARROW1": "an Arrow file", b"7z\xbc\xaf": "a 7z archive"}  # fmt: skip


def _escape_undecodable(error: UnicodeError) -> tuple[str, int]:
    """Bytes that are no text become lone surrogates U+DC00 + byte, in any encoding: they mark the row for rejection."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error("mark-undecodable", _escape_undecodable)


@dataclass
class Lines:
    """Lines in a row; `first` is the number of the first one. Line ends are kept. `dirty`: look for bad characters."""

    first: int
    lines: list[str]
    consumed: int
    dirty: bool = False
    at_end: bool = False
    rejects: list[Reject] = field(default_factory=list)


def read_lines(stream: IO[bytes], encoding: str, name: str) -> Iterator[Lines]:
    """All lines of the stream in blocks. Raises SourceError when it is not text in that encoding."""
    block = stream.read(BLOCK)
    _refuse_binary(block, encoding, name)
    decode = codecs.getincrementaldecoder(_without_mark(encoding))("mark-undecodable").decode
    number, consumed, rest, skipping = 1, 0, "", False
    while True:
        consumed += len(block)
        text = decode(block, final=not block)
        if skipping:  # the rest of a line that was too long
            _, end, text = text.partition("\n")
            number, skipping = number + len(end), not end
        text = rest + text
        found = io.StringIO(text, newline="").readlines()
        rest = _unfinished(found) if block else ""
        part = Lines(number, found, consumed, _is_dirty(text), at_end=not block)
        number += len(found)
        if len(rest) > LONGEST:
            part.rejects.append(Reject(number, "", f"line longer than {LONGEST:,} characters", shown(rest)))
            rest, skipping = "", True
        yield part
        if not block:
            return
        block = stream.read(BLOCK)


def _without_mark(encoding: str) -> str:
    """UTF-8 may begin with a byte order mark, which is not part of the first column's name."""
    return "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding


def _unfinished(found: list[str]) -> str:
    """Take off the last line when more of it may follow; a lone CR may be the first half of CRLF."""
    return found.pop() if found and not found[-1].endswith("\n") else ""


def _is_dirty(text: str) -> bool:
    return "\0" in text or (not text.isascii() and _ESCAPED.search(text) is not None)


def _refuse_binary(head: bytes, encoding: str, name: str) -> None:
    for signature, kind in _SIGNATURES.items():
        if head.startswith(signature):
            raise SourceError(f"not a text file but {kind}: {name}")
    if encoding.lower().replace("_", "-").startswith(("utf-16", "utf-32")):
        return
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise SourceError(f"the file looks like UTF-16: set `encoding: utf-16` in the mapping's `file`: {name}")
    sample = head[: 1 << 16]
    text = sample.decode(encoding, "mark-undecodable")
    odd = sum(text.count(chr(code)) for code in range(32) if chr(code) not in "\t\n\r\f\x1b") + len(
        _ESCAPED.findall(text)
    )
    if odd >= 8 and odd > 0.05 * len(text):
        raise SourceError(
            f"not a text file in {encoding}: {name} (if it is one, set `encoding` in the mapping's `file`)"
        )
