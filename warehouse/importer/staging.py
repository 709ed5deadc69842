"""Where a load stands until it is complete: two tables beside the target, and the move into it."""

from collections.abc import Sequence

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from warehouse.importer.journal import Load
from warehouse.importer.statements import TargetColumn, quoted

#: Loads that were given up leave tables; after this many days any import removes them.
FORGOTTEN_AFTER_DAYS = 3

#: One insert may touch any number of months; a batch becomes one block, so that it is inserted wholly or not at all.
INSERT_SETTINGS = {"max_partitions_per_insert_block": 0, "max_insert_threads": 1, "insert_deduplicate": 0}

_ARROW_TYPES = {
    "int8": "Int8", "int16": "Int16", "int32": "Int32", "int64": "Int64", "uint8": "UInt8", "uint16": "UInt16",
    "uint32": "UInt32", "uint64": "UInt64", "float": "Float32", "halffloat": "Float32", "double": "Float64",
    "date32[day]": "Date32", "timestamp[us, tz=UTC]": "DateTime64(6, 'UTC')", "string": "String",
}  # fmt: skip


def engine_type(kind: pa.DataType) -> str:
    """The engine's type for a column of a batch; text for what it does not know."""
    if pa.types.is_decimal(kind):
        return f"Decimal({kind.precision}, {kind.scale})"
    return _ARROW_TYPES.get(str(kind), "String")


def _implied_default(kind: str) -> str:
    """Maps and nullable columns may stay empty although the table says nothing about a default."""
    return "map()" if kind.startswith("Map(") else "NULL" if "Nullable(" in kind else ""


class Staging:
    """The tables of one load. `text` holds a batch as it was read, `rows` what was computed so far."""

    def __init__(self, client: Client, database: str, load: Load) -> None:
        self.client, self.database, self.load = client, database, load
        name = f"_load_{load.load_id.hex}"
        self.text, self.rows = f"{database}.{name}_text", f"{database}.{name}_rows"
        self.target = f"{database}.{load.target_table}"

    def target_columns(self) -> list[TargetColumn]:
        """Columns of the raw table that a row brings, empty when there is no such table."""
        found = self.client.query(
            "select name, type, default_expression from system.columns "
            "where database = {a:String} and table = {b:String} and default_kind in ('', 'DEFAULT') order by position",
            parameters={"a": self.database, "b": self.load.target_table},
        )
        return [
            TargetColumn(name, kind, default or _implied_default(kind)) for name, kind, default in found.result_rows
        ]

    def create(self, file: Sequence[tuple[str, str]]) -> None:
        """Begin anew, with columns for the file's (name and engine type)."""
        self.drop()
        cells = ", ".join(f"_c{index} Nullable({kind})" for index, (_, kind) in enumerate(file, 1))
        self.client.command(f"create table {self.text} (_line UInt64, {cells}) engine = Memory")
        if self._engine().startswith("Distributed"):
            # a cluster's rows are copied at the end, not moved
            self.client.command(f"create table {self.rows} as {self.target} engine = MergeTree order by tuple()")
        else:
            self.client.command(f"create table {self.rows} as {self.target}")

    def fill_text(self, lines: Sequence[int], columns: Sequence[pa.Array]) -> None:
        """Replace the batch in the text table."""
        self.client.command(f"truncate table {self.text}")
        names = ["_line", *(f"_c{index}" for index in range(1, len(columns) + 1))]
        table = pa.Table.from_arrays([pa.array(lines, pa.uint64()), *columns], names)
        name = self.text.removeprefix(f"{self.database}.")
        self.client.insert_arrow(name, table, database=self.database)

    def count(self) -> int:
        """Rows computed so far."""
        return int(self.client.query(f"select count() from {self.rows}").result_rows[0][0])

    def is_complete(self) -> bool:
        """Whether an earlier try left computed rows."""
        name = self.rows.removeprefix(f"{self.database}.")
        query = "select count() from system.tables where database = {a:String} and name = {b:String}"
        return bool(self.client.query(query, parameters={"a": self.database, "b": name}).result_rows[0][0])

    def publish(self, *, again: bool = False) -> None:
        """Move everything into the target, one partition after the other, each at once.

        `again`: an earlier try died while it moved. A partition that it had copied but not yet removed here is
        removed from the target first, so that a row never stands there twice.
        """
        if self._engine().startswith("Distributed"):
            names = ", ".join(quoted(column.name) for column in self.target_columns())
            copy = f"insert into {self.target} ({names}) select {names} from {self.rows}"
            self.client.command(
                copy, settings={"max_partitions_per_insert_block": 0, "distributed_foreground_insert": 1}
            )
            return
        for partition in self._partitions():
            if again:
                self._remove_half_moved(partition)
            self.client.command(f"alter table {self.rows} move partition id '{partition}' to table {self.target}")

    def _partitions(self) -> list[str]:
        query = (
            "select distinct partition_id from system.parts "
            "where active and database = {a:String} and table = {b:String} order by partition_id"
        )
        name = self.rows.removeprefix(f"{self.database}.")
        return [str(row[0]) for row in self.client.query(query, parameters={"a": self.database, "b": name}).result_rows]

    def _remove_half_moved(self, partition: str) -> None:
        mine = f"load_id = '{self.load.load_id}' and _partition_id = '{partition}'"
        if self.client.query(f"select 1 from {self.target} where {mine} limit 1").result_rows:
            self.client.command(f"alter table {self.target} delete where {mine}", settings={"mutations_sync": 2})

    def _engine(self) -> str:
        name = self.load.target_table
        query = "select engine from system.tables where database = {a:String} and name = {b:String}"
        return str(self.client.query(query, parameters={"a": self.database, "b": name}).result_rows[0][0])

    def drop(self) -> None:
        """Remove both tables, and those that other loads left long ago."""
        for table in (self.text, self.rows):
            self.client.command(f"drop table if exists {table} sync")
        forgotten = self.client.query(
            "select name from system.tables where database = {a:String} and match(name, '^_load_[0-9a-f]{32}_') "
            f"and metadata_modification_time < now() - interval {FORGOTTEN_AFTER_DAYS} day",
            parameters={"a": self.database},
        )
        for (name,) in forgotten.result_rows:
            self.client.command(f"drop table if exists {self.database}.{name} sync")
