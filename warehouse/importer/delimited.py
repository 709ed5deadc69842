"""CSV and TSV: records with true line numbers, quoted line breaks, and every bad row told apart from its neighbours."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import pyarrow as pa

from warehouse.importer.batch import Batch, Reject, shown
from warehouse.importer.errors import SourceError
from warehouse.importer.text import LONGEST, Lines, read_lines

#: Rows in a batch: large enough that a round trip to the warehouse does not matter, some 10 MB of text.
BATCH_ROWS = 100_000
#: Characters in a batch, for rows that are long.
BATCH_CHARACTERS = 32 << 20

_BAD_CHARACTER = re.compile("[\0\udc00-\udcff]")
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "0": "\0", "b": "\b", "f": "\f"}

csv.field_size_limit(2 * LONGEST)


@dataclass(frozen=True)
class Dialect:
    """How fields are written. `quote` None: quotes are ordinary characters; `backslash`: escapes as in ClickHouse."""

    delimiter: str = ","
    quote: str | None = '"'
    backslash: bool = False

    def reader(self, lines: Iterator[str]) -> Iterator[list[str]]:
        """Python's own CSV reader, strict: it complains rather than guess."""
        quoting = csv.QUOTE_NONE if self.quote is None else csv.QUOTE_MINIMAL
        quote = self.quote or '"'
        return csv.reader(lines, delimiter=self.delimiter, quotechar=quote, quoting=quoting, strict=True)


@dataclass(frozen=True)
class Record:
    """One row: its fields, its first line number, and the lines that it spans."""

    fields: list[str]
    line: int
    text: list[str]


class Delimited:
    """Reads a delimited stream in batches. `names` are the columns of the file, known once the header was read."""

    def __init__(self, stream: IO[bytes], name: str, encoding: str, dialect: Dialect, names: list[str] | None) -> None:
        self.dialect, self.name = dialect, name
        self._blocks = _Records(read_lines(stream, encoding, name), dialect)
        self._records = iter(self._blocks)
        self.names = names if names is not None else self._header()

    def _header(self) -> list[str]:
        for item in self._records:
            if isinstance(item, Reject):
                raise SourceError(f"{self.name}: the header in line {item.line} cannot be read: {item.reason}")
            names = [field.strip() for field in item.fields]
            twice = {name for name in names if names.count(name) > 1}
            if twice:
                raise SourceError(f"{self.name}: the header names a column twice: {min(twice)!r}")
            return names
        raise SourceError(f"the file is empty: {self.name}")

    def batches(self) -> Iterator[Batch]:
        """All rows after the header; rejects travel with the batch in which they were found."""
        width, records, rejects, characters = len(self.names), list[Record](), list[Reject](), 0
        for item in self._records:
            if isinstance(item, Reject):
                rejects.append(item)
            elif fault := self._fault(item, width):
                rejects.append(fault)
            else:
                records.append(item)
                characters += sum(map(len, item.text))
            if len(records) + len(rejects) >= BATCH_ROWS or characters >= BATCH_CHARACTERS:
                yield self._batch(records, rejects)
                records, rejects, characters = [], [], 0
        yield self._batch(records, rejects)

    def _fault(self, record: Record, width: int) -> Reject | None:
        if len(record.fields) != width:
            return self._reject(record, "", f"{width} fields expected, {len(record.fields)} found")
        if self._blocks.dirty:
            for name, text in zip(self.names, record.fields, strict=True):
                if bad := _BAD_CHARACTER.search(text):
                    return self._reject(record, name, _describe(bad[0]))
        return None

    def _reject(self, record: Record, column: str, reason: str) -> Reject:
        return Reject(record.line, column, reason, shown("".join(record.text).rstrip("\r\n")))

    def _batch(self, records: list[Record], rejects: list[Reject]) -> Batch:
        rows = [record.fields for record in records]
        texts = list(zip(*rows, strict=True)) if rows else [()] * len(self.names)
        if self.dialect.backslash:
            columns = [pa.array([_unescape(text) for text in column], pa.string()) for column in texts]
        else:
            columns = [pa.array(column, pa.string()) for column in texts]
        raw = lambda index: shown("".join(records[index].text).rstrip("\r\n"))  # noqa: E731
        return Batch([record.line for record in records], columns, raw, rejects, self._blocks.consumed)


class _Records:
    """Records out of blocks of lines. A record that never ends costs its first line: reading resumes on the next."""

    def __init__(self, blocks: Iterator[Lines], dialect: Dialect) -> None:
        self.blocks, self.dialect = blocks, dialect
        self.consumed, self.dirty = 0, False

    def __iter__(self) -> Iterator[Record | Reject]:
        carried: list[str] = []
        for block in self.blocks:
            first, lines = block.first - len(carried), carried + block.lines
            self.consumed, self.dirty = block.consumed, block.dirty or bool(carried and self.dirty)
            start = 0
            while start < len(lines):
                start = yield from self._run(lines, start, first)
                if start < len(lines):  # the record beginning here is broken, or goes on in the next block
                    if not block.at_end and not block.rejects and self._may_continue(lines, start):
                        break
                    yield Reject(first + start, "", self._reason, shown(lines[start].rstrip("\r\n")))
                    start += 1
            carried = lines[start:]
            yield from block.rejects

    def _run(self, lines: list[str], start: int, first: int) -> Iterator[Record]:  # type: ignore[misc]
        """Yield records from line `start` on; return the line at which a record failed, or the number of lines."""
        reader = self.dialect.reader(lines[index] for index in range(start, len(lines))) if start else None
        reader = reader or self.dialect.reader(iter(lines))
        begin = start
        try:
            for fields in reader:
                end = start + reader.line_num  # type: ignore[attr-defined]
                if fields:
                    yield Record(fields, first + begin, lines[begin:end])
                begin = end
        except csv.Error as error:
            self._open_at_end = "unexpected end of data" in str(error)
            self._reason = "a quoted field is not closed" if self._open_at_end else f"bad quoting: {error}"
        return begin

    def _may_continue(self, lines: list[str], start: int) -> bool:
        return self._open_at_end and sum(map(len, lines[start:])) <= LONGEST


def _describe(character: str) -> str:
    if character == "\0":
        return "contains a NUL byte"
    return f"contains a byte that is not text in this encoding: 0x{ord(character) - 0xDC00:02x}"


def _unescape(text: str) -> str | None:
    if "\\" not in text:
        return text
    return None if text == "\\N" else re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text, flags=re.S)
