"""Where rows go: the warehouse, or files with the raw tables' names."""

import csv
import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from clickhouse_connect.driver.client import Client

from gtc.settings import Dataset

FileFormat = Literal["parquet", "csv", "jsonl"]

#: A range of many years has more months than a server's limit for one insert. Repeats stay as they were delivered
#: until a merge meets them, as they would have come in one by one; joining them at insert costs time, too.
_SETTINGS = {"max_partitions_per_insert_block": 0, "optimize_on_insert": 0}


class Sink(Protocol):
    """Takes rows of raw tables."""

    def write(self, table: str, rows: pa.Table) -> None:
        """Take some rows."""

    def close(self) -> None:
        """Return when all rows are where they belong."""


class WarehouseSink:
    """Inserts Arrow into the raw tables of a data set, while the next rows are being drawn."""

    def __init__(self, client: Client, dataset: Dataset) -> None:
        self.client, self.database = client, dataset.raw_database
        self.worker = ThreadPoolExecutor(1, thread_name_prefix="insert")
        self.waiting: list[Future[None]] = []

    def write(self, table: str, rows: pa.Table) -> None:
        """Queue rows; a failed insert raises here or in `close`."""
        while len(self.waiting) > 8:
            self.waiting.pop(0).result()
        if rows.num_rows:
            self.waiting.append(self.worker.submit(self._insert, table, rows))

    def _insert(self, table: str, rows: pa.Table) -> None:
        self.client.insert_arrow(table, rows, database=self.database, settings=_SETTINGS)

    def close(self) -> None:
        """Wait for all inserts."""
        try:
            for future in self.waiting:
                future.result()
        finally:
            self.worker.shutdown(cancel_futures=True)


class FileSink:
    """Writes one file a raw table, with the raw column names: identifiers, times and maps as text where needed."""

    def __init__(self, folder: Path, form: FileFormat) -> None:
        self.folder, self.form = folder, form
        self.open: dict[str, Any] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, table: str, rows: pa.Table) -> None:
        """Append rows to the table's file."""
        rows = plain(rows)
        if self.form == "parquet":
            self._parquet(table, rows)
        else:
            self._text(table, rows)

    def _parquet(self, table: str, rows: pa.Table) -> None:
        if table not in self.open:
            self.open[table] = pq.ParquetWriter(self.folder / f"{table}.parquet", rows.schema, compression="zstd")
        self.open[table].write_table(rows)

    def _text(self, table: str, rows: pa.Table) -> None:
        fresh = table not in self.open
        if fresh:
            self.open[table] = (self.folder / f"{table}.{self.form}").open("w", encoding="utf-8", newline="")
        file = self.open[table]
        if self.form == "jsonl":
            file.writelines(
                f"{json.dumps(row, ensure_ascii=False, default=str)}\n" for row in _text_rows(rows, maps=dict)
            )
        else:
            writer = csv.DictWriter(file, rows.column_names, lineterminator="\n")
            if fresh:
                writer.writeheader()
            writer.writerows(_text_rows(rows, maps=lambda pairs: json.dumps(dict(pairs), ensure_ascii=False)))

    def close(self) -> None:
        """Finish all files."""
        for file in self.open.values():
            file.close()


def plain(rows: pa.Table) -> pa.Table:
    """The table without the columns that loading adds, UUIDs as text, dictionaries unpacked."""
    columns = {}
    for name in rows.column_names:
        if name in ("load_id", "source"):
            continue
        column = rows[name].combine_chunks()
        if pa.types.is_fixed_size_binary(column.type):
            column = uuid_text(column)
        elif pa.types.is_dictionary(column.type):
            column = column.cast(pa.string())
        columns[name] = column
    return pa.table(columns)


def uuid_text(column: pa.Array) -> pa.Array:
    """16 bytes as `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`."""
    data = np.frombuffer(column.buffers()[1], dtype=np.uint8)[column.offset * 16 : (column.offset + len(column)) * 16]
    digits = np.frombuffer(data.tobytes().hex().encode(), dtype=np.uint8).reshape(-1, 32)
    written = np.full((len(column), 36), ord("-"), dtype=np.uint8)
    written[:, [place for place in range(36) if place not in (8, 13, 18, 23)]] = digits
    offsets = np.arange(len(column) + 1, dtype=np.int32) * 36
    return pa.StringArray.from_buffers(len(column), pa.py_buffer(offsets), pa.py_buffer(written))


def _text_rows(rows: pa.Table, maps: Any) -> Iterator[dict[str, Any]]:
    stamps = [name for name in rows.column_names if pa.types.is_timestamp(rows.schema.field(name).type)]
    pairs = [name for name in rows.column_names if pa.types.is_map(rows.schema.field(name).type)]
    for batch in rows.to_batches(max_chunksize=20_000):
        for row in batch.to_pylist():
            row |= {name: row[name].strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] for name in stamps}
            row |= {name: maps(row[name]) for name in pairs}
            yield row
