"""Where a request's statement ends and its data begins: the text may be in the URL, in the body, or in both."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from warehouse.server.body import Body
from warehouse.server.errors import ClickHouseError
from warehouse.server.request import QueryRequest
from warehouse.server.sql import Kind, Statement, StatementError, parse

#: Bytes of a body that are looked at to find the statement; ClickHouse's `max_query_size`.
HEAD = 1 << 18

#: Longest statement that is accepted at all, in bytes, whatever `max_query_size` says.
_LONGEST = 64 << 20

#: Statements from this size on are read in a thread.
_THREAD_FROM = 1 << 14


@dataclass
class Question:
    """A statement and the body that may carry its data."""

    statement: Statement
    body: Body
    beside: bool = False

    async def data(self) -> AsyncIterator[bytes]:
        """The rows of an insert: what stands behind the statement, then the rest of the body."""
        inline = self.statement.inline_data
        if inline:
            yield inline
        async for piece in self.body:
            if inline and self.beside:  # the query parameter ends in data: the body is its next line
                yield b"\n"
                inline = None
            yield piece


def takes_data(statement: Statement) -> bool:
    """True for an insert whose rows come in the request, behind the statement or in the body."""
    return statement.kind is Kind.INSERT and (statement.needs_data or statement.inline_data is not None)


async def read_question(request: QueryRequest, body: Body) -> Question:
    """Find the statement. Raises StatementError or ClickHouseError."""
    text = request.parameters.get("query", "").encode("utf-8", "surrogateescape")
    head, complete = await body.head(HEAD)
    if text.strip():
        return await _beside_a_body(text, head, body)
    statement = await _statement_at_the_head(head, complete, body)
    body.drop_head()
    return Question(statement, body)


async def _beside_a_body(text: bytes, head: bytes, body: Body) -> Question:
    """The statement is in the URL; a body is its data, or else the rest of the statement."""
    if not head.strip():
        return Question(await _parse(text), body)
    try:
        statement = await _parse(text)
    except StatementError:
        statement = None
    if statement and takes_data(statement):
        return Question(statement, body, beside=True)
    return Question(await _parse(text + b"\n" + await _whole(body)), body)


async def _statement_at_the_head(head: bytes, complete: bool, body: Body) -> Statement:
    if complete:
        return await _parse(head)
    try:
        statement = await _parse(head)
        if takes_data(statement):
            return statement
    except StatementError:
        pass  # the head may have cut the statement in two
    return await _parse(await _whole(body))


async def _whole(body: Body) -> bytes:
    pieces, size = [], 0
    async for piece in body:
        pieces.append(piece)
        size += len(piece)
        if size > _LONGEST:
            raise ClickHouseError(62, f"Max query size exceeded: the statement is longer than {_LONGEST} bytes")
    return b"".join(pieces)


async def _parse(text: bytes) -> Statement:
    return parse(text) if len(text) < _THREAD_FROM else await run_in_threadpool(parse, text)
