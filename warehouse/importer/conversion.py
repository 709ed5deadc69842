"""Hands batches to the warehouse and finds out which rows do not fit, and why."""

import re
from bisect import bisect_left
from collections.abc import Sequence

import pyarrow as pa
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError

from warehouse.importer.batch import Batch, Reject
from warehouse.importer.conversions import literal
from warehouse.importer.errors import MappingError
from warehouse.importer.journal import Load
from warehouse.importer.mapping import Mapping, nearest
from warehouse.importer.staging import INSERT_SETTINGS, Staging, engine_type
from warehouse.importer.statements import Statements

#: Errors of the engine that one row causes. All others stop the load.
_DATA_ERRORS = re.compile(
    r"\((CANNOT_PARSE_\w+|CANNOT_CONVERT_TYPE|DECIMAL_OVERFLOW|VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE|BAD_ARGUMENTS|"
    r"ARGUMENT_OUT_OF_BOUND|ILLEGAL_DIVISION|FUNCTION_THROW_IF_VALUE_IS_NON_ZERO|INCORRECT_DATA|"
    r"CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN|TOO_LARGE_STRING_SIZE|SIZES_OF_ARRAYS_DONT_MATCH|BAD_TYPE_OF_FIELD)\)"
)


class Converter:
    """Computes the raw columns of each batch inside the warehouse."""

    def __init__(self, staging: Staging, mapping: Mapping, load: Load) -> None:
        self.staging, self.mapping, self.load = staging, mapping, load
        self.target = staging.target_columns()
        if not self.target:
            raise MappingError(f"{mapping.name}: {staging.database} has no table `{mapping.table}`{self._near()}")
        self._statements: Statements | None = None

    def _near(self) -> str:
        found = self.staging.client.query(
            "select distinct table as name from system.columns where database = {a:String} and system.columns.name = "
            "'load_id' and not startsWith(table, '_load_') and table not in ('load_log', 'load_rejects') order by name",
            parameters={"a": self.staging.database},
        )
        known = [str(row[0]) for row in found.result_rows]
        return nearest(self.mapping.table, known) if known else " (run `gtc migrate` first)"

    def convert(self, names: list[str], batch: Batch) -> list[Reject]:
        """Compute and keep the rows of a batch that fit; return the others."""
        if self._statements is None:
            self._statements = self._prepare(names, [column.type for column in batch.columns])
        if not batch.lines:
            return []
        self.staging.fill_text(batch.lines, batch.columns)
        return self._insert(self._statements, batch, 0, len(batch.lines))

    def _prepare(self, names: list[str], types: Sequence[pa.DataType]) -> Statements:
        file = [(name, engine_type(kind)) for name, kind in zip(names, types, strict=True)]
        statements = Statements(self.mapping, self.target, file, self._defaults())
        self.staging.create(file)
        self._check_expressions(statements, names)
        return statements

    def _defaults(self) -> dict[str, str]:
        """What rows get that bring no value of their own: an id out of content and line, and the time of this load."""
        content = literal(f"{self.load.content_hash}:")
        moment = self.load.started_at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        return {
            "event_id": f"reinterpretAsUUID(MD5(concat({content}, toString(_line))))",
            "received_at": f"toDateTime64('{moment}', 3, 'UTC')",
            "source": literal(self.load.source),
        }

    def _check_expressions(self, statements: Statements, names: list[str]) -> None:
        """Let the engine look at each expression, all together first; a wrong one is told apart by its column."""
        try:
            types = self._types(statements, list(statements.expressions))
        except DatabaseError:
            types = {}
            for column in statements.expressions:
                try:
                    types |= self._types(statements, [column])
                except DatabaseError as error:
                    advice = _advice(str(error), names)
                    raise MappingError(f"{self.mapping.name}: column `{column}`: {advice}") from None
        statements.settle(types)

    def _types(self, statements: Statements, columns: list[str]) -> dict[str, str]:
        rows = self.staging.client.query(statements.probe(self.staging.text, columns)).result_rows
        found = {str(row[0]): str(row[1]) for row in rows}
        return {column: found[f"raw:{column}"] for column in columns}

    def _insert(self, statements: Statements, batch: Batch, start: int, stop: int) -> list[Reject]:
        """Rows from `start` to `stop`. When one makes the engine fail, halves are tried until it is found."""
        lines = (batch.lines[start], batch.lines[stop - 1])
        client, text, rows = self.staging.client, self.staging.text, self.staging.rows
        try:
            faults = client.query(statements.find_faults(text, lines)).result_rows
            if len(faults) < stop - start:
                insert = statements.insert(rows, text, lines, str(self.load.load_id))
                client.command(insert, settings=INSERT_SETTINGS)
        except ClickHouseError as error:
            if not _DATA_ERRORS.search(str(error)):
                raise
            if stop - start == 1:
                return [Reject(lines[0], self._failing_column(statements, lines), _message(error), batch.raw(start))]
            middle = (start + stop) // 2
            return [*self._insert(statements, batch, start, middle), *self._insert(statements, batch, middle, stop)]
        return [self._reject(statements, batch, *fault) for fault in faults]

    def _reject(self, statements: Statements, batch: Batch, line: int, number: int, given: object) -> Reject:
        fault = statements.faults[number - 1]
        value = str(given)
        cut = f"{value[:100]}…" if len(value) > 100 else value
        reason = fault.expected if fault.expected == "missing" else f"not {fault.expected}: {cut!r}"
        return Reject(line, fault.column, reason, batch.raw(bisect_left(batch.lines, line)))

    def _failing_column(self, statements: Statements, lines: tuple[int, int]) -> str:
        for column in statements.expressions:
            try:
                self.staging.client.query(statements.value(self.staging.text, column, lines))
            except ClickHouseError:
                return column
        return ""


def _advice(text: str, names: list[str]) -> str:
    unknown = re.search(r"identifier [`'](.+?)[`']", text)
    if "UNKNOWN_IDENTIFIER" in text and unknown:
        return f"the file has no column `{unknown[1]}`{nearest(unknown[1], names)}"
    return _message(text)


def _message(error: object) -> str:
    """The engine's words, without code, query and the frame of the driver."""
    text = " ".join(str(error).split())
    found = re.search(
        r"DB::Exception: (.*?)(?:\.? ?:? ?(?:In scope|while executing|While processing|: while)|\. \([A-Z_]+\)|$)", text
    )
    return (found[1] if found else text)[:300]
