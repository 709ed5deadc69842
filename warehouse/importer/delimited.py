"""CSV and TSV: records with true line numbers, quoted line breaks, and every bad row told apart from its neighbours."""

import csv
import re
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain, islice
from typing import IO, TYPE_CHECKING

import pyarrow as pa

from warehouse.importer.batch import Batch, Reject, shown
from warehouse.importer.errors import SourceError
from warehouse.importer.text import LONGEST, Lines, read_lines

#: Rows in a batch: large enough that a round trip to the warehouse does not matter, some 10 MB of text.
BATCH_ROWS = 100_000
#: Characters in a batch, for rows that are long.
BATCH_CHARACTERS = 32 << 20

_OPEN = "a quoted field is not closed"
_BAD_CHARACTER = re.compile("[\0\udc00-\udcff]")
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "0": "\0", "b": "\b", "f": "\f"}

if TYPE_CHECKING:
    from _csv import _reader

csv.field_size_limit(2 * LONGEST)


@dataclass(frozen=True)
class Dialect:
    """How fields are written. `quote` None: quotes are ordinary characters; `backslash`: escapes as in ClickHouse."""

    delimiter: str = ","
    quote: str | None = '"'
    backslash: bool = False

    def reader(self, lines: Iterator[str]) -> "_reader":
        """Python's own CSV reader, strict: it complains rather than guess."""
        if self.quote is None:
            return csv.reader(lines, delimiter=self.delimiter, quoting=csv.QUOTE_NONE, strict=True)
        return csv.reader(lines, delimiter=self.delimiter, quotechar=self.quote, strict=True)


@dataclass
class Rows:
    """Rows that were read in one go. Row i has `fields[i]` and stands in lines `starts[i]` to `stops[i]` of `lines`."""

    first: int
    lines: list[str]
    fields: list[list[str]] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    stops: list[int] = field(default_factory=list)

    def text(self, index: int) -> str:
        """Row i as it came, without the end of its last line."""
        return shown("".join(self.lines[self.starts[index] : self.stops[index]]).rstrip("\r\n"))

    def numbers(self) -> list[int]:
        """The number of the line on which each row begins."""
        return [self.first + start for start in self.starts]

    def without(self, indexes: Collection[int]) -> "Rows":
        """The other rows."""
        kept = [index for index in range(len(self.fields)) if index not in indexes]
        starts, stops = [self.starts[index] for index in kept], [self.stops[index] for index in kept]
        return Rows(self.first, self.lines, [self.fields[index] for index in kept], starts, stops)


class Delimited:
    """Reads a delimited stream in batches. `names` are the columns of the file, known once the header was read."""

    def __init__(self, stream: IO[bytes], name: str, encoding: str, dialect: Dialect, names: list[str] | None) -> None:
        self.dialect, self.name = dialect, name
        self._records = Records(read_lines(stream, encoding, name), dialect)
        self._items = iter(self._records)
        self._after_header: list[Rows] = []
        self.names = names if names is not None else self._header()

    def _header(self) -> list[str]:
        for item in self._items:
            if isinstance(item, Reject):
                raise SourceError(f"{self.name}: the header in line {item.line} cannot be read: {item.reason}")
            if item.fields:
                self._after_header = [item.without({0})]
                return self._checked_names([text.strip() for text in item.fields[0]])
        raise SourceError(f"the file is empty: {self.name}")

    def _checked_names(self, names: list[str]) -> list[str]:
        if twice := {name for name in names if names.count(name) > 1}:
            raise SourceError(f"{self.name}: the header names a column twice: {min(twice)!r}")
        if "" in names:
            raise SourceError(f"{self.name}: the header names no column {names.index('') + 1}")
        return names

    def batches(self) -> Iterator[Batch]:
        """All rows after the header; rejects travel with the batch in which they were found."""
        parts, rejects, count, characters = list[Rows](), list[Reject](), 0, 0
        for item in chain(self._after_header, self._items):
            if isinstance(item, Reject):
                rejects.append(item)
                count += 1
                continue
            faults = self._faults(item)
            rejects += faults.values()
            parts.append(item.without(faults) if faults else item)
            count += len(item.fields)
            characters += sum(map(len, item.lines))
            if count >= BATCH_ROWS or characters >= BATCH_CHARACTERS:
                yield self._batch(parts, rejects)
                parts, rejects, count, characters = [], [], 0, 0
        yield self._batch(parts, rejects)

    def _faults(self, rows: Rows) -> dict[int, Reject]:
        """Rows with too few or too many fields or with characters that cannot be stored."""
        width, faults = len(self.names), dict[int, Reject]()
        if any(len(fields) != width for fields in rows.fields):
            for index, fields in enumerate(rows.fields):
                if len(fields) != width:
                    reason = f"{width} fields expected, {len(fields)} found"
                    faults[index] = Reject(rows.first + rows.starts[index], "", reason, rows.text(index))
        if self._records.dirty:
            for index, fields in enumerate(rows.fields):
                if index not in faults and _BAD_CHARACTER.search("".join(fields)):
                    faults[index] = self._bad_character(rows, index)
        return faults

    def _bad_character(self, rows: Rows, index: int) -> Reject:
        found = ((name, _BAD_CHARACTER.search(text)) for name, text in zip(self.names, rows.fields[index], strict=True))
        column, character = next((name, match[0]) for name, match in found if match)
        return Reject(rows.first + rows.starts[index], column, _describe(character), rows.text(index))

    def _batch(self, parts: list[Rows], rejects: list[Reject]) -> Batch:
        lines = [number for part in parts for number in part.numbers()]
        texts = (
            zip(*(fields for part in parts for fields in part.fields), strict=True) if lines else [()] * len(self.names)
        )
        columns = [pa.array(self._values(column), pa.string()) for column in texts]
        ends = list(accumulate(len(part.fields) for part in parts))

        def raw(index: int) -> str:
            at = bisect_right(ends, index)
            return parts[at].text(index - (ends[at - 1] if at else 0))

        return Batch(lines, columns, raw, rejects, self._records.consumed)

    def _values(self, column: Sequence[str]) -> Sequence[str | None]:
        return [_unescape(text) for text in column] if self.dialect.backslash else column


class Records:
    """Rows out of blocks of lines. A record that never ends costs its first line: reading resumes on the next."""

    def __init__(self, blocks: Iterator[Lines], dialect: Dialect) -> None:
        self.blocks, self.dialect = blocks, dialect
        self.consumed, self.dirty = 0, False

    def __iter__(self) -> Iterator[Rows | Reject]:
        carried: list[str] = []
        for block in self.blocks:
            first, lines, start = block.first - len(carried), carried + block.lines, 0
            self.consumed, self.dirty = block.consumed, block.dirty or bool(carried and self.dirty)
            while start < len(lines):
                rows, start, fault = self._read(lines, start, first)
                yield rows
                if start < len(lines):  # the record beginning here is broken, or goes on in the next block
                    is_open = fault == _OPEN and not block.at_end and not block.rejects
                    if is_open and sum(map(len, lines[start:])) <= LONGEST:
                        break
                    yield Reject(first + start, "", fault, shown(lines[start].rstrip("\r\n")))
                    start += 1
            carried = lines[start:]
            yield from block.rejects

    def _read(self, lines: list[str], start: int, first: int) -> tuple[Rows, int, str]:
        """Rows from line `start` on, the line at which a record failed (or the number of lines), and why."""
        rows, begin = Rows(first, lines), start
        reader = self.dialect.reader(islice(lines, start, None))
        try:
            for fields in reader:
                stop = start + reader.line_num
                if fields:
                    rows.fields.append(fields)
                    rows.starts.append(begin)
                    rows.stops.append(stop)
                begin = stop
        except csv.Error as error:
            return rows, begin, _OPEN if "unexpected end of data" in str(error) else f"bad quoting: {error}"
        return rows, begin, ""


def _describe(character: str) -> str:
    if character == "\0":
        return "contains a NUL byte"
    return f"contains a byte that is not text in this encoding: 0x{ord(character) - 0xDC00:02x}"


def _unescape(text: str) -> str | None:
    if "\\" not in text:
        return text
    return None if text == "\\N" else re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text, flags=re.S)
