"""Queries that return rows: from the engine's pipe to the client, piece by piece."""

import asyncio
import contextlib
import os

from starlette.types import Send

from warehouse.server.answers import Answer
from warehouse.server.errors import ClickHouseError
from warehouse.server.execution import Execution
from warehouse.server.extra_headers import extra_headers
from warehouse.server.headers import RawHeaders
from warehouse.server.pipes import PipeReader, open_pipe
from warehouse.server.task import Task
from warehouse.server.ways import way_of

#: Seconds in which a small query may end before its result is read piece by piece.
_PATIENCE = 0.005

#: Seconds after which a client that said `wait_end_of_query=0` gets its headers, whether or not there are rows yet.
_PROMPTNESS = 0.1


async def send_rows(task: Task, send: Send) -> None:
    """Run the statement and stream its rows. Raises ClickHouseError while nothing has been sent."""
    reading, writing = open_pipe()
    reader = PipeReader(reading)
    try:
        text, way = way_of(task, writing)
        extra = extra_headers(task.request, task.statement.settings)
    except ClickHouseError:
        reader.close()
        os.close(writing)
        raise
    execution = task.execution(text, engine_end=writing, way=way)
    outcome = execution.start(task.pool)
    watch = asyncio.create_task(kill_on_disconnect(task, execution))
    try:
        await _stream(task, send, reader, execution, extra)
    finally:
        watch.cancel()
        reader.close()  # before the query is killed: who writes into a full pipe must not wait for a reader
        if not outcome.done():
            await execution.kill()
        with contextlib.suppress(ClickHouseError):  # it was reported above, or nobody is there to hear it
            await outcome


async def _stream(task: Task, send: Send, reader: PipeReader, execution: Execution, extra: RawHeaders) -> None:
    output_format = task.statement.format or task.request.default_format
    content_type = task.engine.content_types.get(output_format) or "text/plain; charset=UTF-8"
    headers = [*task.headers(), (b"X-ClickHouse-Format", output_format.encode())]
    with Answer(send, task.request, headers, content_type, task.spool, extra) as answer:
        try:
            # A small result fits into the pipe: to wait for its end first saves waking up for each piece.
            await asyncio.wait([execution.outcome], timeout=_PATIENCE)
            if answer.at_once:
                await asyncio.wait([execution.outcome], timeout=_PROMPTNESS)
                if not execution.outcome.done():
                    await answer.begin(execution.progress)
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
