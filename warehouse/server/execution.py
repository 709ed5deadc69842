"""One query in the engine: runs in a worker thread, can be killed from the event loop, tells its figures."""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

from warehouse.server.engine import Engine, engine_error
from warehouse.server.errors import ClickHouseError
from warehouse.server.identity import Identity

#: Seconds between two attempts to reach a query that has not yet registered itself with the engine.
_KILL_INTERVAL = 0.01


@dataclass
class Figures:
    """What a query read, wrote and returned; rows, bytes and nanoseconds."""

    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    total_rows_to_read: int = 0
    result_rows: int = 0
    result_bytes: int = 0
    elapsed_ns: int = 0

    @classmethod
    def of_result(cls, result: Any, *, inserted: bool) -> "Figures":
        """The figures of a finished query; an insert through a pipe reads what it writes."""
        written, written_bytes = result.rows_written(), result.bytes_written()
        read, read_bytes = result.storage_rows_read(), result.storage_bytes_read()
        if inserted and written:
            read, read_bytes = max(read, written), max(read_bytes, written_bytes)
        return cls(
            read_rows=read,
            read_bytes=read_bytes,
            written_rows=written,
            written_bytes=written_bytes,
            total_rows_to_read=0 if inserted else read,
            result_rows=written if inserted else result.rows_read(),
            result_bytes=written_bytes if inserted else result.bytes_read(),
            elapsed_ns=int(result.elapsed() * 1e9),
        )

    def take_progress(self, progress: dict[str, int]) -> None:
        """Bring the figures up to the engine's last word on a running query."""
        for name in vars(self):
            if name in progress:
                setattr(self, name, progress[name])


@dataclass
class Execution:
    """A statement on a handle. `prepare` runs in the worker thread and gives handle and text."""

    engine: Engine
    identity: Identity
    prepare: Callable[[], tuple[Any, bytes]]
    parameters: dict[str, str] = field(default_factory=dict)
    inserts: bool = False
    closes_handle: bool = True
    engine_end: int | None = None  # the end of a pipe that belongs to the engine while the query runs
    progress: Figures = field(default_factory=Figures)

    def __post_init__(self) -> None:
        self.abandoned = False
        self._started = time.monotonic()
        self._killed_because: ClickHouseError | None = None

    def start(self, pool: Executor) -> "asyncio.Future[Figures]":
        """Begin in a thread of `pool`."""
        self.outcome = asyncio.get_running_loop().run_in_executor(pool, self._run)
        return self.outcome

    def _run(self) -> Figures:
        handle = None
        try:
            if self.abandoned:
                raise ClickHouseError(394, "Query was cancelled")
            handle, text = self.prepare()
            return self._query(handle, text)
        except ClickHouseError as error:
            raise self._killed_because or error from error
        finally:
            if self.engine_end is not None:
                os.close(self.engine_end)
            if handle is not None and self.closes_handle:
                with contextlib.suppress(Exception):  # a handle that failed may refuse to close; the engine lives on
                    handle.close()

    def _query(self, handle: Any, text: bytes) -> Figures:
        handle.set_progress_callback(self.progress.take_progress)
        try:
            result = handle.query(text, "Null", params=self.parameters)
            return Figures.of_result(result, inserted=self.inserts)
        except Exception as error:
            raise engine_error(error) from error

    async def kill(self, because: ClickHouseError | None = None) -> None:
        """Stop the query; return when the engine knows of it or the query has ended. `because` replaces its error."""
        self.abandoned = True
        self._killed_because = because
        loop = asyncio.get_running_loop()
        while not self.outcome.done():
            if await loop.run_in_executor(None, self.engine.kill, self.identity.mark):
                return
            await asyncio.wait([self.outcome], timeout=_KILL_INTERVAL)
