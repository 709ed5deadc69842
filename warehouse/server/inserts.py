"""Inserts whose rows come in the request: from the client to the engine's pipe, never with a false end."""

import asyncio
import contextlib

from starlette.types import Send

from warehouse.server.answers import send_done
from warehouse.server.errors import ClickHouseError
from warehouse.server.execution import Execution, Figures
from warehouse.server.pipes import PipeWriter, open_pipe
from warehouse.server.results import kill_on_disconnect
from warehouse.server.sql import Kind
from warehouse.server.statements import Question
from warehouse.server.task import Task


async def take_rows(task: Task, question: Question, send: Send) -> None:
    """Run an insert over the body. Raises ClickHouseError, or ClientVanishedError when the body broke off."""
    reading, writing = open_pipe()
    writer = PipeWriter(writing)
    text = task.statement.from_pipe(reading, default_format=task.request.given_format)
    execution = task.execution(text, inserts=True, engine_end=reading)
    execution.start(task.pool)
    await _feed(question, writer, execution)
    await _finished(task, execution, send)


async def run_alone(task: Task, send: Send) -> None:
    """Run a statement that neither takes nor returns rows over the wire."""
    execution = task.execution(task.statement.engine_text(), inserts=task.statement.kind is Kind.INSERT)
    execution.start(task.pool)
    await _finished(task, execution, send)


async def _feed(question: Question, writer: PipeWriter, execution: Execution) -> None:
    """Write the rows. When they break off, the query is killed first and the pipe closed after: otherwise the engine
    would take the broken end for the end of the data and commit it.
    """
    try:
        async for piece in question.data():
            if not await writer.write(piece):
                break
    except BaseException:
        await execution.kill()
        writer.close()
        with contextlib.suppress(ClickHouseError):  # the client hears why its body was refused, not that we gave up
            await execution.outcome
        raise
    writer.close()


async def _finished(task: Task, execution: Execution, send: Send) -> None:
    """Wait for the end and answer with the figures; a client that leaves meanwhile cancels the query."""
    watch = asyncio.create_task(kill_on_disconnect(task, execution)) if task.body.complete else None
    try:
        figures: Figures = await execution.outcome
    except asyncio.CancelledError:
        await execution.kill()
        raise
    finally:
        if watch:
            watch.cancel()
    await send_done(send, task.headers(), figures)
