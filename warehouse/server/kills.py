"""The answer to KILL QUERY, with the ids and users that clients know in place of the engine's own."""

import json
import re
from typing import Any

from warehouse.server.engine import Engine, quote
from warehouse.server.execution import Execution, Figures, Way
from warehouse.server.identity import MARK_OF_ROW
from warehouse.server.native_blocks import BlockWriter, write_result

_COLUMNS = ("kill_status", "query_id", "user", "query")
_ADDED = re.compile(r"\s*INTO OUTFILE '/proc/self/fd/\d+' TRUNCATE(?: FORMAT \w+)?")


def killed(engine: Engine, output_format: str, writer: BlockWriter | None) -> Way:
    """The way to run a KILL QUERY: the engine's rows are put into the client's words, then into its format."""

    def run(execution: Execution, handle: Any, text: bytes) -> Figures:
        assert execution.engine_end is not None
        marks = dict(engine.rows(f"SELECT query_id, {MARK_OF_ROW} FROM system.processes"))  # SYNC leaves none behind
        result = handle.query(text, "JSONCompactStringsEachRow", params=execution.parameters)
        lines = bytes(result.bytes() or b"").decode("utf-8", "surrogateescape").splitlines()
        rows = [_in_clients_words(json.loads(line), marks) for line in lines if line]
        scratch = engine.fresh()
        try:
            write_result(scratch.query(_table(rows), output_format), writer, execution.engine_end)
        finally:
            scratch.close()
        figures = Figures.of_result(result, inserted=False)
        figures.result_rows = len(rows)
        return figures

    return run


def _in_clients_words(row: list[str], marks: dict[str, str]) -> list[str]:
    status, query_id, user, query = row
    mark = json.loads(marks.get(query_id) or "{}")
    return [status, mark.get("q", query_id), mark.get("u", user), _ADDED.sub("", query)]


def _table(rows: list[list[str]]) -> bytes:
    """A query for these rows; none of them still gives the columns."""
    values = ", ".join("(" + ", ".join(quote(value) for value in row) + ")" for row in rows)
    fields = ", ".join(f"r.{at} AS {name}" for at, name in enumerate(_COLUMNS, 1))
    kind = f"Array(Tuple({', '.join(['String'] * len(_COLUMNS))}))"
    sql = f"SELECT {fields} FROM (SELECT arrayJoin(CAST([{values}] AS {kind})) AS r)"
    return sql.encode("utf-8", "surrogateescape")
