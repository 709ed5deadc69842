"""Answers on their way out: held back until they are surely good, compressed, with true headers."""

import asyncio
import tempfile
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.types import Send

from warehouse.server.block_compression import BlockEncoder
from warehouse.server.compression import Encoder, encoder_for
from warehouse.server.errors import ClickHouseError
from warehouse.server.execution import Figures
from warehouse.server.extra_headers import overridden
from warehouse.server.headers import RawHeaders, exception_block, exception_tag, summary
from warehouse.server.request import QueryRequest

#: Bytes of a result that are kept back before the headers are sent; ClickHouse's own figure.
HOLD_BACK = 1 << 20

#: Bytes of a result that `wait_end_of_query` keeps in memory before it goes to a temporary file.
_IN_MEMORY = 8 << 20

#: Pieces from this size on are compressed in a thread.
_THREAD_FROM = 1 << 16


class Answer:
    """The answer to one query. `write` takes pieces of the result; `finish` or `fail` ends it."""

    def __init__(
        self,
        send: Send,
        request: QueryRequest,
        headers: RawHeaders,
        content_type: str,
        spool: Path,
        extra: RawHeaders | None = None,
    ) -> None:
        self._send, self._headers, self._spool_directory, self._extra = send, headers, spool, extra or []
        self._request = request
        self.at_once = request.parameters.get("wait_end_of_query") in ("0", "false")
        self._head_only = request.method == "HEAD"
        self._encoders: list[Encoder] = [BlockEncoder()] if request.flag("compress") else []
        accepted = request.headers.get("accept-encoding", "") if request.flag("enable_http_compression") else ""
        level = request.number("http_zlib_compression_level", 3)
        if chosen := encoder_for(accepted, level):
            self._encoders.append(chosen[1])
            headers.append((b"Content-Encoding", chosen[0].encode()))
        headers.append((b"Content-Type", content_type.encode()))
        self._waits = request.waits_for_the_end
        self._limit = max(HOLD_BACK, request.number("buffer_size", 0), request.number("http_response_buffer_size", 0))
        self._held: list[bytes] = []
        self._held_size = 0
        self._spool: tempfile.SpooledTemporaryFile[bytes] | None = None
        self._tag = exception_tag()
        self.started = False

    async def begin(self, figures: Figures) -> None:
        """Send the headers now: from here on an error can only be told in the body."""
        await self._start(figures)

    async def write(self, data: bytes, figures: Figures) -> None:
        """Take a piece of the result; the last piece stays here, so that an error can still replace it."""
        if self.started:
            held, self._held = self._held, [data]
            await self._body(b"".join(held))
            return
        self._held.append(data)
        self._held_size += len(data)
        if self._waits:
            await self._to_disk()
        elif self._held_size > self._limit:
            await self._start(figures)
            held, self._held = self._held[:-1], self._held[-1:]
            await self._body(b"".join(held))

    async def finish(self, figures: Figures) -> None:
        """Send what is left; the query was successful."""
        if self._spool is not None:
            await self._send_spool(figures)
            return
        rest = await self._encode(b"".join(self._held), last=True)
        if not self.started:
            self._headers.append((b"content-length", str(len(rest)).encode()))
            await self._start(figures)
        await self._send({"type": "http.response.body", "body": b"" if self._head_only else rest})

    async def fail(self, error: ClickHouseError, version: str) -> None:
        """Report an error after the first bytes have gone; the connection then breaks off without a proper end."""
        self._request.broken_off = True
        block = exception_block(self._tag, error.text(version))
        await self._send(
            {"type": "http.response.body", "body": await self._encode(block, last=True), "more_body": True}
        )

    def __enter__(self) -> "Answer":
        return self

    def __exit__(self, *_: object) -> None:
        """Give back the temporary file, if any."""
        if self._spool is not None:
            self._spool.close()

    async def _start(self, figures: Figures) -> None:
        self.started = True
        self._headers += [
            (b"X-ClickHouse-Summary", summary(figures).encode()),
            (b"X-ClickHouse-Exception-Tag", self._tag.encode()),
        ]
        headers = overridden(self._headers, self._extra)
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})

    async def _body(self, data: bytes) -> None:
        packed = await self._encode(data)
        if packed and not self._head_only:
            await self._send({"type": "http.response.body", "body": packed, "more_body": True})

    async def _encode(self, data: bytes, *, last: bool = False) -> bytes:
        if not self._encoders:
            return data
        if len(data) < _THREAD_FROM:
            return self._encode_now(data, last)
        return await asyncio.get_running_loop().run_in_executor(None, self._encode_now, data, last)

    def _encode_now(self, data: bytes, last: bool) -> bytes:
        for encoder in self._encoders:
            data = (encoder.encode(data) if data else b"") + (encoder.finish() if last else b"")
        return data

    async def _to_disk(self) -> None:
        if self._spool is None:
            self._spool = tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(self._spool_directory))  # noqa: SIM115 - see __exit__
        held, self._held = self._held, []
        await run_in_threadpool(self._spool.writelines, held)

    async def _send_spool(self, figures: Figures) -> None:
        assert self._spool is not None
        await self._start(figures)
        await run_in_threadpool(self._spool.seek, 0)
        while piece := await run_in_threadpool(self._spool.read, HOLD_BACK):
            await self._body(piece)
        await self._send({"type": "http.response.body", "body": await self._encode(b"", last=True)})


async def send_done(send: Send, headers: RawHeaders, figures: Figures) -> None:
    """The answer to a statement without rows."""
    more = [(b"Content-Type", b"text/plain; charset=UTF-8"), (b"X-ClickHouse-Summary", summary(figures).encode())]
    await send_plain(send, 200, [*headers, *more], b"")


async def send_plain(
    send: Send, status: int, headers: RawHeaders, text: str | bytes, *, head_only: bool = False
) -> None:
    """A whole small answer at once."""
    body = text.encode() if isinstance(text, str) else text
    headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head_only else body})
