"""One query from request to answer: who asks, what, may they; then the part that runs its kind."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from starlette.types import Receive, Scope, Send

from warehouse.server.answers import send_plain
from warehouse.server.authentication import Authentication
from warehouse.server.block_compression import BlockDecoder
from warehouse.server.body import Body, ClientVanishedError
from warehouse.server.compression import decoder_for
from warehouse.server.engine import Engine
from warehouse.server.errors import ClickHouseError
from warehouse.server.execution import Figures
from warehouse.server.external import is_form, read_form
from warehouse.server.headers import common_headers, summary
from warehouse.server.identity import Identity
from warehouse.server.inserts import run_alone, take_rows
from warehouse.server.limits import Gate
from warehouse.server.protected_settings import check_clauses
from warehouse.server.request import QueryRequest
from warehouse.server.results import send_rows
from warehouse.server.running import RunningQueries
from warehouse.server.sessions import Session, SessionBook
from warehouse.server.sql import Access, Kind, Statement, StatementError, authorise, rewrite_for_control
from warehouse.server.statements import Question, read_question, takes_data
from warehouse.server.task import Task
from warehouse.server.users import User

#: Seconds between an error in mid-stream and the end of its connection. Clients such as aiohttp forget what they have
#: not yet read when a connection breaks off, and that would be the error's text.
_FAREWELL = 0.25

_CHANGES = {Kind.INSERT, Kind.DDL, Kind.SYSTEM, Kind.KILL}


@dataclass(frozen=True)
class Services:
    """What every query needs."""

    engine: Engine
    authentication: Authentication
    gate: Gate
    running: RunningQueries
    pool: ThreadPoolExecutor
    spool: Path
    sessions: SessionBook = field(default_factory=SessionBook)


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
            if request.roles:
                raise ClickHouseError(511, f"There is no role `{request.roles[0]}` in user directories")
            await self._answer(request, user, _decoded(request, Body(receive)), send)
            if request.broken_off:
                await asyncio.sleep(_FAREWELL)
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
        text = error.text(engine.version)
        await send_plain(send, error.http_status, headers, text, head_only=request.method == "HEAD")

    async def _answer(self, request: QueryRequest, user: User, body: Body, send: Send) -> None:
        services = self._services
        tables = await read_form(request, body, services.spool) if is_form(request) else []
        try:
            question = await read_question(request, body)
            identity = Identity(request.query_id, user.name, not user.read_only)
            replaces = request.parameters.get("replace_running_query") == "1"
            with services.sessions.session_of(request, user.name) as session:
                async with services.running.registered(identity, replaces=replaces), services.gate.turn(user):
                    statement = _permitted(question.statement, request, user, session)
                    task = Task(
                        services.engine,
                        services.pool,
                        services.spool,
                        request,
                        user,
                        identity,
                        statement,
                        body,
                        session,
                        tables,
                    )
                    await _run(task, question, send)
        finally:
            for table in tables:
                table.content.close()


async def _run(task: Task, question: Question, send: Send) -> None:
    if takes_data(task.statement):
        await take_rows(task, question, send)
    elif task.statement.returns_rows:
        await send_rows(task, send)
    else:
        await run_alone(task, send)


def _permitted(statement: Statement, request: QueryRequest, user: User, session: Session | None) -> Statement:
    """The statement in the engine's terms. Raises StatementError or ClickHouseError when the user may not."""
    used, kept = (session.database, session.parameters) if session else ("", {})
    # A reader's session says its USE again behind the request's own database, the session of a writer before it.
    database = (used or request.database) if user.read_only else (request.database or used)
    access = Access(
        user=user.name,
        read_only=user.read_only,
        database=database or "default",
        parameters={**kept, **request.query_parameters},
    )
    authorise(statement, access)
    check_clauses(user, statement)
    if request.method in ("GET", "HEAD") and statement.kind in _CHANGES:
        raise ClickHouseError(
            164,
            f"{user.name}: Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly. "
            "You should use method POST for modifying queries.",
        )
    return rewrite_for_control(statement, access)


def _decoded(request: QueryRequest, body: Body) -> Body:
    """The body with its compressions undone: first HTTP's, then ClickHouse's own."""
    if decoder := decoder_for(request.headers.get("content-encoding", "")):
        body.decode_with(decoder)
    if request.flag("decompress"):
        check = not request.flag("http_native_compression_disable_checksumming_on_decompress")
        body.decode_with(BlockDecoder(check=check))
    return body
