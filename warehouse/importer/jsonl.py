"""JSONL: one object a line. Numbers keep the digits they were written with."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain, islice
from typing import IO, Any, NamedTuple

import pyarrow as pa

from warehouse.importer.batch import Batch, Reject, shown
from warehouse.importer.delimited import BATCH_CHARACTERS, BATCH_ROWS
from warehouse.importer.errors import SourceError
from warehouse.importer.text import read_lines

#: Rows that are looked at to learn the keys.
FIRST_ROWS = 1000

_ESCAPED = re.compile("[\udc00-\udcff]")
#: A NUL, or a high surrogate without the low one or the other way round: neither can be stored as UTF-8 text.
_BAD_ESCAPE = re.compile(
    r"(?<!\\)(?:\\\\)*(?:\\u0000|\\u[dD][89abAB]..(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F])"
)


def _number(text: str) -> str:
    """A number without exponent, as decimals are written."""
    return format(Decimal(text), "f") if "e" in text or "E" in text else text


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


_DECODER = json.JSONDecoder(parse_float=_number, parse_int=str, parse_constant=_refuse_constant)


class _Line(NamedTuple):
    number: int
    text: str
    consumed: int


class JsonLines:
    """Reads objects in batches. `names` are the keys of the first objects, or those that the mapping lists."""

    def __init__(self, stream: IO[bytes], name: str, encoding: str, names: list[str] | None) -> None:
        self._lines = _numbered(stream, encoding, name)
        self._peeked: list[_Line | Reject] = []
        self.names = names if names is not None else self._keys(name)

    def _keys(self, name: str) -> list[str]:
        """Keys in order of appearance among the first rows: an object may leave out keys."""
        keys: dict[str, None] = {}
        for item in islice(self._lines, FIRST_ROWS):
            self._peeked.append(item)
            if isinstance(item, _Line) and isinstance(found := _parse(item.text), dict):
                keys.update(dict.fromkeys(found))
        if not keys:
            raise SourceError(f"no JSON object in the first lines of {name}; JSONL has one object on each line")
        return list(keys)

    def batches(self) -> Iterator[Batch]:
        """All rows; a key that is missing is NULL."""
        part, consumed = _Part(), 0
        for item in chain(self._peeked, self._lines):
            if isinstance(item, _Line):
                consumed = item.consumed
            part.add(item)
            if part.is_full():
                yield part.batch(self.names, consumed)
                part = _Part()
                self._peeked = []
        yield part.batch(self.names, consumed)


@dataclass
class _Part:
    """Rows on their way into a batch."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    characters: int = 0

    def add(self, item: "_Line | Reject") -> None:
        if isinstance(item, Reject):
            self.rejects.append(item)
            return
        if not item.text or item.text.isspace():
            return
        found = _parse(item.text)
        self.characters += len(item.text)
        if isinstance(found, str):
            self.rejects.append(Reject(item.number, "", found, shown(item.text.rstrip("\r\n"))))
            return
        self.rows.append(found)
        self.lines.append(item.number)
        self.texts.append(item.text)

    def is_full(self) -> bool:
        return len(self.rows) + len(self.rejects) >= BATCH_ROWS or self.characters >= BATCH_CHARACTERS

    def batch(self, names: list[str], consumed: int) -> Batch:
        columns = [_column([row.get(name) for row in self.rows]) for name in names]
        return Batch(self.lines, columns, self._raw, self.rejects, consumed)

    def _raw(self, index: int) -> str:
        return shown(self.texts[index].rstrip("\r\n"))


def _numbered(stream: IO[bytes], encoding: str, name: str) -> Iterator[_Line | Reject]:
    for block in read_lines(stream, encoding, name):
        for offset, text in enumerate(block.lines):
            yield _Line(block.first + offset, text, block.consumed)
        yield from block.rejects


def _parse(text: str) -> dict[str, Any] | str:
    """The object, or why there is none."""
    if not text.isascii() and (bad := _ESCAPED.search(text)):
        return f"contains a byte that is not text in this encoding: 0x{ord(bad[0]) - 0xDC00:02x}"
    if "\0" in text or ("\\u" in text and _BAD_ESCAPE.search(text)):
        return "contains a NUL character or half a surrogate pair"
    try:
        found = _DECODER.decode(text)
    except (ValueError, RecursionError, ArithmeticError) as error:
        return f"not JSON: {error}"
    return found if isinstance(found, dict) else "not a JSON object"


def _column(values: list[Any]) -> pa.Array:
    """Texts as they are; other values as JSON writes them."""
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        return pa.array([_text(value) for value in values], pa.string())


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
