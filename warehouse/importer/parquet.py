"""Parquet: columns keep the types of the file. A row's number takes the place of its line number."""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from warehouse.importer.batch import Batch, Reject, shown
from warehouse.importer.errors import SourceError

#: Rows in a batch; fewer than for text, since row groups are decoded column by column.
BATCH_ROWS = 100_000


class Parquet:
    """Reads a Parquet file in batches with bounded memory, whatever the size of its row groups."""

    def __init__(self, path: Path, name: str, size: int) -> None:
        try:
            self._file = pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
        except (pa.ArrowInvalid, OSError) as error:
            raise SourceError(f"not a Parquet file, or damaged: {name} ({_first_line(error)})") from None
        self.name, self.size = name, size
        self.names = list(self._file.schema_arrow.names)
        if len(set(self.names)) != len(self.names):
            raise SourceError(f"{name}: a column stands twice in the file")

    def batches(self) -> Iterator[Batch]:
        """All rows, numbered from 1. Raises SourceError when the file is damaged further on."""
        number, total = 1, max(self._file.metadata.num_rows, 1)
        try:
            for part in self._file.iter_batches(batch_size=BATCH_ROWS):
                done = number - 1 + part.num_rows
                yield _batch(part, number, self.size * done // total)
                number += part.num_rows
        except (pa.ArrowInvalid, OSError) as error:
            raise SourceError(f"the Parquet file is damaged: {self.name} ({_first_line(error)})") from None


def _batch(part: pa.RecordBatch, number: int, consumed: int) -> Batch:
    plain = [_plain(column) for column in part.columns]
    lines, rejects = list(range(number, number + part.num_rows)), list[Reject]()
    raw = lambda index: shown(json.dumps(part.slice(index, 1).to_pylist()[0], default=str, ensure_ascii=False))  # noqa: E731
    return Batch(lines, plain, raw, rejects, consumed)


def _plain(column: pa.Array) -> pa.Array:
    """Types that the warehouse reads as they are; the others become text."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.dictionary_decode())
    if pa.types.is_large_string(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return _as_text(column)
    if pa.types.is_timestamp(kind):
        return _instants(column, kind)
    if pa.types.is_map(kind) or pa.types.is_struct(kind) or pa.types.is_list(kind):
        return pa.array([_json(value, kind) for value in column.to_pylist()], pa.string())
    if pa.types.is_null(kind) or pa.types.is_boolean(kind) or pa.types.is_time(kind) or pa.types.is_duration(kind):
        return pc.cast(column, pa.string())
    return column


def _instants(column: pa.Array, kind: pa.TimestampType) -> pa.Array:
    """Time stamps with a zone are instants; those without are local time, and read like text, in the file's zone."""
    exact = pc.cast(column, pa.timestamp("us", "UTC" if kind.tz else None), safe=False)
    return exact if kind.tz else pc.cast(exact, pa.string())


def _as_text(column: pa.Array) -> pa.Array:
    try:
        return pc.cast(column, pa.string())
    except pa.ArrowInvalid:  # bytes that are no UTF-8: shown as escapes
        texts = [None if value is None else value.decode("utf-8", "backslashreplace") for value in column.to_pylist()]
        return pa.array(texts, pa.string())


def _json(value: object, kind: pa.DataType) -> str | None:
    if value is None:
        return None
    found = dict(value) if pa.types.is_map(kind) else value  # type: ignore[call-overload]
    return json.dumps(found, default=str, ensure_ascii=False)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
