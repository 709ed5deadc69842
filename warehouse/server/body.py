"""The request body as it comes: piece by piece, decompressed, and never taken for complete when it is not."""

from collections.abc import AsyncIterator, Iterator
from typing import Protocol

from starlette.concurrency import run_in_threadpool
from starlette.types import Receive

#: Pieces from this size on are decompressed in a thread, so that the event loop answers others meanwhile.
_THREAD_FROM = 1 << 16


class ClientVanishedError(Exception):
    """The client closed the connection, or what it sent is not the whole body it announced."""


class Decoder(Protocol):
    """Undoes one compression, piece by piece."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decoded pieces of bounded size. Raises ClickHouseError for damaged data."""
        ...

    def finish(self) -> None:
        """Raise ClickHouseError unless the compressed data ended where it should."""
        ...


class Body:
    """One request body. Iterate over it once; `head` may be looked at before."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._decoders: list[Decoder] = []
        self._head: list[bytes] = []
        self._source: AsyncIterator[bytes] | None = None
        self.complete = False

    def decode_with(self, decoder: Decoder) -> None:
        """Undo this compression too, after those given before."""
        self._decoders.append(decoder)

    async def head(self, limit: int) -> tuple[bytes, bool]:
        """At least the first `limit` bytes if there are so many, and whether they are the whole body."""
        size = 0
        async for piece in self._pieces():
            self._head.append(piece)
            size += len(piece)
            if size >= limit:
                break
        head = b"".join(self._head)
        self._head = [head] if head else []
        return head, self.complete

    def drop_head(self) -> None:
        """Forget what `head` returned: it was the statement."""
        self._head = []

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Every decoded piece, those of the head first."""
        head, self._head = self._head, []
        for piece in head:
            yield piece
        async for piece in self._pieces():
            yield piece

    async def wait_for_disconnect(self) -> None:
        """Return when the client is gone; only to be called when the body is complete."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def _pieces(self) -> AsyncIterator[bytes]:
        if self._source is None:
            source = self._raw()
            for decoder in self._decoders:
                source = _decoded(source, decoder)
            self._source = self._ended(source)
        return self._source

    async def _ended(self, source: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for piece in source:
            if piece:
                yield piece
        self.complete = True

    async def _raw(self) -> AsyncIterator[bytes]:
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientVanishedError
            more = message.get("more_body", False)
            if not more:
                self.complete = not self._decoders
            yield message.get("body", b"")


async def _decoded(source: AsyncIterator[bytes], decoder: Decoder) -> AsyncIterator[bytes]:
    async for data in source:
        pieces = decoder.feed(data)
        if len(data) < _THREAD_FROM:
            for piece in pieces:
                yield piece
            continue
        while piece := await run_in_threadpool(next, pieces, b""):
            yield piece
    decoder.finish()
