"""One query from request to answer: who, what, may they, run it, stream it."""

import asyncio
import contextlib
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.types import Receive, Scope, Send

from warehouse.server.answers import Answer, send_plain
from warehouse.server.authentication import Authentication
from warehouse.server.block_compression import BlockDecoder
from warehouse.server.body import Body, ClientVanishedError
from warehouse.server.compression import decoder_for
from warehouse.server.engine import Engine
from warehouse.server.errors import ClickHouseError
from warehouse.server.execution import Execution, Figures
from warehouse.server.handles import open_handle
from warehouse.server.headers import common_headers, summary
from warehouse.server.identity import Identity
from warehouse.server.limits import Gate
from warehouse.server.pipes import PipeReader, PipeWriter, open_pipe
from warehouse.server.request import QueryRequest
from warehouse.server.sql import Access, Kind, Statement, StatementError, authorise, rewrite_for_control
from warehouse.server.statements import Question, read_question
from warehouse.server.users import User

_log = logging.getLogger("warehouse.server")

_CHANGES = {Kind.INSERT, Kind.DDL, Kind.SYSTEM, Kind.KILL}


@dataclass(frozen=True)
class Services:
    """What every query needs."""

    engine: Engine
    authentication: Authentication
    gate: Gate
    pool: ThreadPoolExecutor
    spool: Path


class QueryEndpoint:
    """The ASGI endpoint for queries."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a client that is gone gets nothing."""
        request = QueryRequest.from_scope(scope)
        if request.method in ("GET", "HEAD") and not scope["query_string"]:
            headers = [(b"Content-Type", b"text/html; charset=UTF-8")]
            await send_plain(send, 200, headers, "Ok.\n", head_only=request.method == "HEAD")
            return
        try:
            user = await self._services.authentication.authenticate(request)
            await self._answer(request, user, Body(receive), send)
        except ClientVanishedError:
            return
        except ClickHouseError as error:
            await self._refuse(send, request, error)
        except StatementError as error:
            await self._refuse(send, request, ClickHouseError(error.code, error.message, error.name))

    async def _refuse(self, send: Send, request: QueryRequest, error: ClickHouseError) -> None:
        engine = self._services.engine
        headers = [
            *common_headers(engine, request.query_id),
            (b"Content-Type", b"text/plain; charset=UTF-8"),
            (b"X-ClickHouse-Exception-Code", str(error.code).encode()),
            (b"X-ClickHouse-Summary", summary(Figures()).encode()),
        ]
        if error.code == 516 and "authorization" not in request.headers and "x-clickhouse-user" not in request.headers:
            headers.append((b"WWW-Authenticate", b'Basic realm="ClickHouse server HTTP API"'))
        text = error.text(engine.version)
        await send_plain(send, error.http_status, headers, text, head_only=request.method == "HEAD")

    async def _answer(self, request: QueryRequest, user: User, body: Body, send: Send) -> None:
        if decoder := decoder_for(request.headers.get("content-encoding", "")):
            body.decode_with(decoder)
        if request.flag("decompress"):
            body.decode_with(
                BlockDecoder(check=not request.flag("http_native_compression_disable_checksumming_on_decompress"))
            )
        question = await read_question(request, body)
        statement = self._permitted(question.statement, request, user)
        identity = Identity(request.query_id, user.name, not user.read_only)
        async with self._services.gate.turn(user):
            if statement.kind is Kind.INSERT and statement.needs_data:
                await self._insert(question, statement, request, user, identity, send)
            elif statement.returns_rows:
                await self._select(statement, body, request, user, identity, send)
            else:
                await self._run(statement, body, request, user, identity, send)

    def _permitted(self, statement: Statement, request: QueryRequest, user: User) -> Statement:
        access = Access(user=user.name, read_only=user.read_only)
        authorise(statement, access)
        if request.method in ("GET", "HEAD") and statement.kind in _CHANGES:
            raise ClickHouseError(
                164,
                f"{user.name}: Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly. "
                "You should use method POST for modifying queries.",
            )
        return rewrite_for_control(statement, access)

    def _execution(
        self, request: QueryRequest, user: User, identity: Identity, text: bytes, **options: Any
    ) -> Execution:
        engine = self._services.engine
        settings, database = request.settings, request.database

        def prepare() -> tuple[Any, bytes]:
            return open_handle(engine, identity, user, database, settings), text

        return Execution(engine, identity, prepare, request.query_parameters, **options)

    async def _select(
        self, statement: Statement, body: Body, request: QueryRequest, user: User, identity: Identity, send: Send
    ) -> None:
        engine = self._services.engine
        output_format = statement.format or request.default_format
        reading, writing = open_pipe()
        reader = PipeReader(reading)
        execution = self._execution(
            request, user, identity, statement.to_pipe(writing, request.default_format), engine_end=writing
        )
        answer = None
        outcome = execution.start(self._services.pool)
        watch = asyncio.create_task(self._kill_on_disconnect(body, execution))
        try:
            headers = [*common_headers(engine, request.query_id), (b"X-ClickHouse-Format", output_format.encode())]
            content_type = engine.content_types.get(output_format) or "text/plain; charset=UTF-8"
            answer = Answer(send, request, headers, content_type, self._services.spool)
            while data := await reader.read():
                await answer.write(data, execution.progress)
            await answer.finish(await outcome)
        except ClickHouseError as error:
            if answer is None or not answer.started:
                raise
            await answer.fail(error, engine.version)
        finally:
            watch.cancel()
            if not outcome.done():
                await execution.kill()
            reader.close()
            if answer:
                answer.discard()
            with contextlib.suppress(ClickHouseError):
                await outcome

    async def _kill_on_disconnect(self, body: Body, execution: Execution) -> None:
        await body.wait_for_disconnect()
        await execution.kill()

    async def _insert(
        self,
        question: Question,
        statement: Statement,
        request: QueryRequest,
        user: User,
        identity: Identity,
        send: Send,
    ) -> None:
        reading, writing = open_pipe()
        writer = PipeWriter(writing)
        execution = self._execution(
            request, user, identity, statement.from_pipe(reading), engine_end=reading, inserts=True
        )
        outcome = execution.start(self._services.pool)
        try:
            async for piece in question.data():
                if not await writer.write(piece):
                    break
        except BaseException:
            await execution.kill()
            raise
        finally:
            writer.close()
            if execution.abandoned:
                with contextlib.suppress(ClickHouseError):
                    await outcome
        watch = (
            asyncio.create_task(self._kill_on_disconnect(question.body, execution)) if question.body.complete else None
        )
        try:
            figures = await outcome
        finally:
            if watch:
                watch.cancel()
        await self._done(request, figures, send)

    async def _run(
        self, statement: Statement, body: Body, request: QueryRequest, user: User, identity: Identity, send: Send
    ) -> None:
        inserts = statement.kind is Kind.INSERT
        execution = self._execution(request, user, identity, statement.engine_text(), inserts=inserts)
        outcome = execution.start(self._services.pool)
        watch = asyncio.create_task(self._kill_on_disconnect(body, execution))
        try:
            figures = await outcome
        finally:
            watch.cancel()
            if not outcome.done():
                await execution.kill()
        await self._done(request, figures, send)

    async def _done(self, request: QueryRequest, figures: Figures, send: Send) -> None:
        headers = [
            *common_headers(self._services.engine, request.query_id),
            (b"Content-Type", b"text/plain; charset=UTF-8"),
            (b"X-ClickHouse-Summary", summary(figures).encode()),
        ]
        await send_plain(send, 200, headers, b"", head_only=request.method == "HEAD")
