"""The ways in which the rows of a statement get into the pipe that the client's answer is read from.

1. The engine writes into the pipe itself (`INTO OUTFILE`): SELECTs, in any format, of any size.
2. Block by block, for a client that asked for Native format in a protocol version of its own.
3. The whole result at once: SHOW, KILL and their kin ignore INTO OUTFILE, and are small.
"""

import time
from collections.abc import Callable
from typing import Any

from warehouse.server.errors import ClickHouseError
from warehouse.server.execution import Execution, Figures, Way
from warehouse.server.handles import apply_settings, open_handle, seal_handle
from warehouse.server.kills import killed
from warehouse.server.native_blocks import BlockWriter, Columns, check_revision, write_result, write_stream
from warehouse.server.sql import Kind, Statement
from warehouse.server.task import Task

_SELECTS = (b"SELECT", b"WITH", b"FROM")

#: Seconds for which the columns of a result may be looked up; scalar subqueries are computed once more for it.
_DESCRIBE_SECONDS = "2"


def way_of(task: Task, descriptor: int) -> tuple[bytes, Way | None]:
    """What the engine is to be given, and how it is run; None for the first way. Raises ClickHouseError."""
    statement, default = task.statement, task.request.default_format
    output_format = statement.format or default
    revision = task.request.number("client_protocol_version", 0) if output_format == "Native" else 0
    check_revision(revision)
    writer = BlockWriter(revision, _describer(task)) if revision else None
    if statement.kind is Kind.KILL:
        return _bare(statement), killed(task.engine, output_format, writer)
    if not _selects(statement):
        return statement.engine_text(), _at_once(output_format, writer)
    if writer is None:
        return statement.to_pipe(descriptor, default), None
    return statement.engine_text(), _block_by_block(writer)


def _selects(statement: Statement) -> bool:
    first = statement.tokens[0]
    return first.word in _SELECTS or first.text == b"("


def _bare(statement: Statement) -> bytes:
    """The statement without FORMAT, which the engine is told beside the text."""
    text, span = statement.text, statement.tail.settings_span
    body = text[: statement.tail.body_end]
    return body + b" " + text[slice(*span)] if span else body


def _at_once(output_format: str, writer: BlockWriter | None) -> Way:
    def run(execution: Execution, handle: Any, text: bytes) -> Figures:
        assert execution.engine_end is not None
        result = handle.query(text, output_format, params=execution.parameters)
        write_result(result, writer, execution.engine_end)
        return Figures.of_result(result, inserted=False)

    return run


def _block_by_block(writer: BlockWriter) -> Way:
    def run(execution: Execution, handle: Any, text: bytes) -> Figures:
        assert execution.engine_end is not None
        started = time.monotonic_ns()
        rows, size = write_stream(handle, text, execution.parameters, writer, execution.engine_end)
        figures = execution.progress
        figures.result_rows, figures.result_bytes = rows, size
        figures.elapsed_ns = time.monotonic_ns() - started
        return figures

    return run


def _describer(task: Task) -> Callable[[], Columns]:
    """Looks up the columns of the task's result, on a handle beside the one whose stream is open.

    What only the session's own handle knows, such as its temporary tables, is not found; then no zone is named.
    """

    def describe() -> Columns:
        request = task.request
        try:
            handle = open_handle(task.engine, task.identity, task.user, request.database, request.settings, seal=False)
        except ClickHouseError:
            return []
        try:
            apply_settings(handle, {"log_queries": "0", "max_execution_time": _DESCRIBE_SECONDS})
            if task.user.read_only:
                seal_handle(handle)
            text = b"DESCRIBE TABLE (" + _bare(task.statement) + b"\n)"
            result = handle.query(text, "TabSeparatedRaw", params=request.query_parameters)
            lines = bytes(result.bytes() or b"").decode("utf-8", "surrogateescape").split("\n")
            return [(fields[0], fields[1]) for fields in (line.split("\t") for line in lines) if len(fields) > 1]
        except Exception:  # noqa: BLE001 - without an answer the type names no zone, as in older versions of the protocol
            return []
        finally:
            handle.close()

    return describe
