"""Forms: `multipart/form-data` with the query, its parameters, and external tables for it to join with."""

import asyncio
import os
import re
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from warehouse.server.body import Body
from warehouse.server.engine import engine_error, quote
from warehouse.server.errors import ClickHouseError
from warehouse.server.request import QueryRequest

#: Bytes of an external table that stay in memory before it goes to a temporary file.
_IN_MEMORY = 1 << 20

#: Largest field that is not a file, in bytes: a query or a parameter.
_LARGEST_FIELD = 64 << 20

_TABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FORMAT_NAME = re.compile(r"[A-Za-z0-9]+")
_DESCRIPTIONS = ("_format", "_types", "_structure")


@dataclass
class Part:
    """One part of a form: a field, or a file that becomes an external table."""

    name: str
    is_file: bool
    content: IO[bytes]
    size: int = 0


@dataclass
class ExternalTable:
    """Data that came with the query, readable as a temporary table for as long as the query runs."""

    name: str
    structure: str
    format: str
    content: IO[bytes]

    def create(self, handle: Any) -> None:
        """Make the temporary table on the query's handle. Raises ClickHouseError."""
        self.content.flush()
        self.content.seek(0)
        source = f"/proc/self/fd/{self.content.fileno()}"
        try:
            handle.query(f"CREATE TEMPORARY TABLE `{self.name}` ({self.structure})", "Null")
            if os.fstat(self.content.fileno()).st_size:
                handle.query(f"INSERT INTO `{self.name}` FROM INFILE {quote(source)} FORMAT {self.format}", "Null")
        except Exception as error:
            raise engine_error(error) from error


def is_form(request: QueryRequest) -> bool:
    """True for a request whose body is a form."""
    return request.headers.get("content-type", "").startswith("multipart/form-data")


async def read_form(request: QueryRequest, body: Body, spool: Path) -> list[ExternalTable]:
    """Take the form's fields as parameters of the request; return its files as tables."""
    _, options = parse_options_header(request.headers["content-type"])
    boundary = options.get(b"boundary")
    if not boundary:
        raise ClickHouseError(36, "The form has no boundary")
    reader = _FormReader(boundary, spool)
    await reader.read(aiter(body))
    fields = [part for part in reader.parts if not part.is_file]
    request.add_parameters([(part.name, _text(part)) for part in fields])
    return [_table(part, request) for part in reader.parts if part.is_file]


def _text(part: Part) -> str:
    part.content.seek(0)
    return part.content.read().decode("utf-8", "surrogateescape")


def _table(part: Part, request: QueryRequest) -> ExternalTable:
    """The table of a file, described by `name_structure` or `name_types`, and `name_format`."""
    name, parameters = part.name, request.parameters
    structure = parameters.pop(f"{name}_structure", "")
    types = parameters.pop(f"{name}_types", "")
    data_format = parameters.pop(f"{name}_format", "TabSeparated")
    if not _TABLE_NAME.fullmatch(name) or not _FORMAT_NAME.fullmatch(data_format):
        raise ClickHouseError(36, f"Not a name of an external table and a format: {name}, {data_format}")
    if not structure:
        if not types:
            raise ClickHouseError(36, f"Neither structure nor types have been provided for external table {name}")
        structure = ", ".join(f"_{number} {type_}" for number, type_ in enumerate(_split(types), 1))
    return ExternalTable(name, structure, data_format, part.content)


def _split(types: str) -> list[str]:
    """Types at commas that stand outside brackets and quotes."""
    found, depth, quoted, start = [], 0, False, 0
    for at, letter in enumerate(types):
        quoted ^= letter == "'"
        depth += (letter == "(") - (letter == ")") if not quoted else 0
        if letter == "," and not depth and not quoted:
            found.append(types[start:at].strip())
            start = at + 1
    return [*found, types[start:].strip()]


class _FormReader:
    """Feeds the parser and keeps each part in a file of its own, on disk when it is large."""

    def __init__(self, boundary: bytes, spool: Path) -> None:
        self.parts: list[Part] = []
        self._spool = spool
        self._field, self._value = bytearray(), bytearray()
        self._headers: dict[bytes, bytes] = {}
        self._ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._headers.clear,
                "on_header_field": lambda data, start, end: self._field.extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
                "on_header_end": self._header_end,
                "on_headers_finished": self._part,
                "on_part_data": self._data,
                "on_end": self._end,
            },
        )

    async def read(self, pieces: AsyncIterator[bytes]) -> None:
        """Take the whole form. Raises ClickHouseError when it is damaged or not complete."""
        try:
            async for piece in pieces:
                await asyncio.to_thread(self._parser.write, piece)
            self._parser.finalize()
        except MultipartParseError as error:
            raise ClickHouseError(36, f"Cannot read the form: {error}") from error
        if not self._ended:
            raise ClickHouseError(36, "Cannot read the form: its last boundary is missing")

    def _header_end(self) -> None:
        self._headers[bytes(self._field).lower()] = bytes(self._value)
        self._field.clear()
        self._value.clear()

    def _part(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        content: Any = tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(self._spool))  # noqa: SIM115 - lives with the part
        name = options.get(b"name", b"").decode("utf-8", "surrogateescape")
        self.parts.append(Part(name, b"filename" in options, content))

    def _data(self, data: bytes, start: int, end: int) -> None:
        part = self.parts[-1]
        part.size += end - start
        if not part.is_file and part.size > _LARGEST_FIELD:
            raise ClickHouseError(36, f"Form field {part.name} is too long")
        part.content.write(data[start:end])

    def _end(self) -> None:
        self._ended = True
