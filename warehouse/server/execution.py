"""One query in the engine: runs in a worker thread, can be killed from the event loop, tells its figures."""

import asyncio
import logging
import os
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

from warehouse.server.engine import Engine, engine_error
from warehouse.server.errors import ClickHouseError
from warehouse.server.identity import Identity

#: ClickHouse's code for a text that it cannot read.
SYNTAX_ERROR = 62

_log = logging.getLogger(__name__)

#: Seconds between two attempts to reach a query that has not yet registered itself with the engine.
_KILL_INTERVAL = 0.01

#: Seconds beyond a user's time limit after which this layer ends a query that the engine did not.
_GRACE = 1.0


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


#: Another way to run a statement than to let the engine write into the pipe: gets execution, handle and text.
Way = Callable[["Execution", Any, bytes], Figures]


@dataclass
class Execution:
    """A statement on a handle.

    In the worker thread `prepare` gives handle and text, `restore` sets the handle back before the outcome is known
    (told whether the query succeeded), `release` gives it away afterwards. `engine_end` is the end of a pipe that
    belongs to the engine while the query runs. `plain` is the statement as the client wrote it. `longest` (in seconds,
    0 for none) is enforced from outside as well, whatever the query did to its own settings.
    """

    engine: Engine
    identity: Identity
    prepare: Callable[[], tuple[Any, bytes]]
    restore: Callable[[Any, bool], None]
    release: Callable[[Any], None]
    plain: bytes
    parameters: dict[str, str] = field(default_factory=dict)
    inserts: bool = False
    engine_end: int | None = None
    way: Way | None = None
    longest: int = 0
    progress: Figures = field(default_factory=Figures)
    abandoned: bool = False

    def __post_init__(self) -> None:
        self.mark = self.identity.mark
        self._because: ClickHouseError | None = None
        self._overdue: asyncio.Task[None] | None = None

    def start(self, pool: Executor) -> "asyncio.Future[Figures]":
        """Begin in a thread of `pool`."""
        loop = asyncio.get_running_loop()
        self.outcome: asyncio.Future[Figures] = loop.create_future()
        pool.submit(self._work, loop)
        if self.longest:
            timer = loop.call_later(self.longest + _GRACE, self._end_overdue)
            self.outcome.add_done_callback(lambda _: timer.cancel())
        return self.outcome

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        """In the worker thread: run, tell the event loop, and only then tidy up what nobody waits for."""
        handle, figures, error = None, None, None
        try:
            if self.abandoned:
                raise ClickHouseError(394, "Query was cancelled")
            handle, text = self.prepare()
            figures = self._query(handle, text)
        except BaseException as raised:  # noqa: BLE001 - it is raised again where the outcome is awaited
            error = raised
        if handle is not None:
            self._hand_back(self.restore, handle, figures is not None)
        if self.engine_end is not None:
            os.close(self.engine_end)
        loop.call_soon_threadsafe(self._settle, figures, error)
        if handle is not None:
            self._hand_back(self.release, handle)

    def _hand_back(self, step: Callable[..., None], *arguments: Any) -> None:
        """Set a handle back or close it; one whose query failed may refuse, but the engine lives on."""
        try:
            step(*arguments)
        except Exception:  # noqa: BLE001 - the binding raises many kinds
            _log.warning("a handle could not be given back", exc_info=True)

    def _settle(self, figures: Figures | None, error: BaseException | None) -> None:
        if self.outcome.done():
            return
        if figures is not None:
            self.outcome.set_result(figures)
        elif isinstance(error, ClickHouseError):
            self.outcome.set_exception(self._because or error)
        else:
            self.outcome.set_exception(error or RuntimeError("a query ended without figures"))

    def _query(self, handle: Any, text: bytes) -> Figures:
        handle.set_progress_callback(self.progress.take_progress)
        try:
            if self.way is not None:
                return self.way(self, handle, text)
            result = handle.query(text, "Null", params=self.parameters)
            return Figures.of_result(result, inserted=self.inserts)
        except ClickHouseError:
            raise
        except Exception as error:
            found = engine_error(error)
            raise (self._as_client_wrote(handle) or found) if found.code == SYNTAX_ERROR else found from error

    def _as_client_wrote(self, handle: Any) -> ClickHouseError | None:
        """The syntax error of the client's own text, whose positions and words are the client's."""
        try:
            handle.query(self.plain, "Null", params=self.parameters)
        except Exception as error:  # noqa: BLE001 - the binding raises many kinds
            return engine_error(error)
        return None

    def _end_overdue(self) -> None:
        error = ClickHouseError(159, f"Timeout exceeded: maximum: {self.longest * 1000} ms")
        self._overdue = asyncio.create_task(self.kill(error))

    async def kill(self, because: ClickHouseError | None = None) -> None:
        """Stop the query; return when the engine knows of it or the query has ended. `because` replaces its error.

        A query that has not yet registered itself is tried again: whoever closes a pipe after this returned can be sure
        that the engine does not take its end for the end of the data.
        """
        self.abandoned = True
        self._because = because
        loop = asyncio.get_running_loop()
        while not self.outcome.done():
            if await loop.run_in_executor(None, self.engine.kill, self.mark):
                return
            await asyncio.wait([self.outcome], timeout=_KILL_INTERVAL)
