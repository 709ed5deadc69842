"""Chooses the reader for a file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from warehouse.importer.batch import Batch
from warehouse.importer.delimited import Delimited, Dialect
from warehouse.importer.errors import MappingError
from warehouse.importer.jsonl import JsonLines
from warehouse.importer.mapping import Mapping
from warehouse.importer.parquet import Parquet
from warehouse.importer.source import Source

_FORMATS = {".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}


class Reader(Protocol):
    """Any of the readers: names of the file's columns, and its rows."""

    names: list[str]

    def batches(self) -> Iterator[Batch]:
        """All rows, in batches that fit into memory."""
        ...


@contextmanager
def open_reader(source: Source, mapping: Mapping, scratch: Path) -> Iterator[Reader]:
    """A reader at the first row. Raises SourceError, or MappingError when the format is not known."""
    file, form = mapping.file, _format(source, mapping)
    if form == "parquet":
        with source.seekable(scratch) as path:
            yield Parquet(path, source.name, source.size)
        return
    with source.open() as stream:
        if form == "jsonl":
            yield JsonLines(stream, source.name, file.encoding, file.columns)
            return
        dialect = Dialect(file.delimiter or ("\t" if form == "tsv" else ","), file.quote, file.escape == "backslash")
        reader = Delimited(stream, source.name, file.encoding, dialect, None if file.header else file.columns)
        yield reader


def _format(source: Source, mapping: Mapping) -> str:
    if mapping.file.format:
        return mapping.file.format
    for suffix in reversed(Path(source.name).suffixes):
        if suffix.lower() in _FORMATS:
            return _FORMATS[suffix.lower()]
    raise MappingError(f"cannot tell the format of {source.name}: set `format` in the mapping's `file`")
