"""Queries that return rows: from the engine's pipe to the client, piece by piece."""

import asyncio
import contextlib

from starlette.types import Send

from warehouse.server.answers import Answer
from warehouse.server.errors import ClickHouseError
from warehouse.server.execution import Execution
from warehouse.server.pipes import PipeReader, open_pipe
from warehouse.server.task import Task

#: Seconds in which a small query may end before its result is read piece by piece.
_PATIENCE = 0.005


async def send_rows(task: Task, send: Send) -> None:
    """Run the statement and stream its rows. Raises ClickHouseError while nothing has been sent."""
    reading, writing = open_pipe()
    reader = PipeReader(reading)
    text = task.statement.to_pipe(writing, task.request.default_format)
    execution = task.execution(text, engine_end=writing)
    outcome = execution.start(task.pool)
    watch = asyncio.create_task(kill_on_disconnect(task, execution))
    try:
        await _stream(task, send, reader, execution)
    finally:
        watch.cancel()
        if not outcome.done():
            await execution.kill()
        reader.close()
        with contextlib.suppress(ClickHouseError):  # it was reported above, or nobody is there to hear it
            await outcome


async def _stream(task: Task, send: Send, reader: PipeReader, execution: Execution) -> None:
    output_format = task.statement.format or task.request.default_format
    content_type = task.engine.content_types.get(output_format) or "text/plain; charset=UTF-8"
    headers = [*task.headers(), (b"X-ClickHouse-Format", output_format.encode())]
    with Answer(send, task.request, headers, content_type, task.spool) as answer:
        try:
            # A small result fits into the pipe: to wait for its end first saves waking up for each piece.
            await asyncio.wait([execution.outcome], timeout=_PATIENCE)
            while data := await reader.read():
                await answer.write(data, execution.progress)
            await answer.finish(await execution.outcome)
        except ClickHouseError as error:
            if not answer.started:
                raise
            await answer.fail(error, task.engine.version)


async def kill_on_disconnect(task: Task, execution: Execution) -> None:
    """Cancel the query when its client goes away."""
    await task.body.wait_for_disconnect()
    await execution.kill()
