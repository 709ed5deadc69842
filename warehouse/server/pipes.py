"""Pipes between the engine's threads and the event loop: no thread waits, memory is bounded by the pipe."""

import asyncio
import contextlib
import fcntl
import os

#: Size of a pipe, in bytes; also the largest piece that is read at once.
PIPE_SIZE = 1 << 20

#: The first piece of a result: to set a megabyte aside for a few bytes takes longer than to read them.
_FIRST_PIECE = 1 << 14


def open_pipe() -> tuple[int, int]:
    """A pipe as large as the kernel grants: read end, write end."""
    reading, writing = os.pipe()
    with contextlib.suppress(OSError):  # beyond its share of pipe memory a process keeps 64 KiB pipes
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
    return reading, writing


class PipeReader:
    """The read end of a pipe that the engine writes to; the engine's thread closes the other end."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._open = True
        self._piece = _FIRST_PIECE
        os.set_blocking(descriptor, False)

    async def read(self) -> bytes:
        """The next bytes, or nothing at the end."""
        while True:
            try:
                data = os.read(self._descriptor, self._piece)
            except BlockingIOError:
                await _ready(self._descriptor, writing=False)
                continue
            if len(data) == self._piece:
                self._piece = PIPE_SIZE
            return data

    def close(self) -> None:
        """Stop reading. May be called twice."""
        if self._open:
            self._open = False
            os.close(self._descriptor)


class PipeWriter:
    """The write end of a pipe that the engine reads from; closing it tells the engine that the data is complete."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._open = True
        os.set_blocking(descriptor, False)

    async def write(self, data: bytes) -> bool:
        """Hand over all of `data`; False when the engine stopped reading."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:
                await _ready(self._descriptor, writing=True)
            except BrokenPipeError:
                return False
        return True

    def close(self) -> None:
        """Say that the data is complete. May be called twice."""
        if self._open:
            self._open = False
            os.close(self._descriptor)


async def _ready(descriptor: int, *, writing: bool) -> None:
    """Wait until the descriptor can be read from or written to."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    watch, forget = (loop.add_writer, loop.remove_writer) if writing else (loop.add_reader, loop.remove_reader)
    watch(descriptor, _resolve, ready)
    try:
        await ready
    finally:
        forget(descriptor)


def _resolve(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)
