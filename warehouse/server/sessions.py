"""Sessions: state that lives between a client's queries (`USE`, `SET`, temporary tables), with a time-out.

A session of somebody who may write keeps one handle. A reader's handle is sealed (`readonly = 1`), and the mark of the
next query could not be set on it; all that a reader can change is the database and query parameters, so a reader's
session remembers those statements and says them again on the fresh handle of each query.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from warehouse.server.errors import ClickHouseError
from warehouse.server.request import QueryRequest
from warehouse.server.session_log import SessionLog
from warehouse.server.sql import Kind

#: Seconds that a session outlives its last query, and the longest a client may ask for; ClickHouse's defaults.
DEFAULT_TIMEOUT = 60
MAX_TIMEOUT = 3600


@dataclass
class Session:
    """One session of one user."""

    handle: Any = None
    repeated: list[tuple[Kind, bytes]] = field(default_factory=list)  # a reader's SET and USE
    chosen: dict[tuple[bytes, ...], bytes] = field(default_factory=dict)  # a writer's SET statements by what they set
    lost: str = ""  # the session's own database, since it was dropped
    settings: dict[str, str] = field(default_factory=dict)  # values as they were read, until a statement may change one
    busy: bool = False
    expiry: asyncio.TimerHandle | None = None
    database: str = ""
    parameters: dict[str, str] = field(default_factory=dict)

    def close(self) -> None:
        """Forget everything. A handle may refuse to close after an error; the engine lives on."""
        if self.handle is not None:
            with contextlib.suppress(Exception):
                self.handle.close()
            self.handle = None


class SessionBook:
    """All sessions of this server by user and id."""

    def __init__(self, log: SessionLog | None = None) -> None:
        self._sessions: dict[tuple[str, str], Session] = {}
        self._log = log

    @contextmanager
    def session_of(self, request: QueryRequest, user: str) -> Iterator[Session | None]:
        """The session that a request names, locked while in the context; None when it names none.

        Raises ClickHouseError 372, 373 or 374.
        """
        name = request.parameters.get("session_id")
        if not name:
            yield None
            return
        key, timeout = (user, name), _timeout(request)
        agent = request.headers.get("user-agent", "")
        session = self._open(key, agent, must_exist=request.parameters.get("session_check") == "1")
        session.busy = True
        try:
            yield session
        finally:
            session.busy = False
            if request.flag("close_session"):
                self._forget(key)
            else:
                session.expiry = asyncio.get_running_loop().call_later(timeout, self._forget, key)

    def close_all(self) -> None:
        """End every session."""
        for key in list(self._sessions):
            self._forget(key)

    def _open(self, key: tuple[str, str], agent: str, *, must_exist: bool) -> Session:
        session = self._sessions.get(key)
        if session is None:
            if must_exist:
                raise ClickHouseError(372, f"Session {key[1]} not found")
            session = self._sessions[key] = Session()
            if self._log:
                self._log.opened(*key, agent)
        if session.busy:
            raise ClickHouseError(373, f"Session {key[1]} is locked by a concurrent client")
        if session.expiry is not None:
            session.expiry.cancel()
        return session

    def _forget(self, key: tuple[str, str]) -> None:
        session = self._sessions.pop(key, None)
        if session is not None:
            if session.expiry is not None:
                session.expiry.cancel()
            session.close()
            if self._log:
                self._log.ended(*key)


def _timeout(request: QueryRequest) -> int:
    text = request.parameters.get("session_timeout")
    if text is None:
        return DEFAULT_TIMEOUT
    if not text.isdecimal():
        raise ClickHouseError(374, f"Invalid session timeout: '{text}'")
    if int(text) > MAX_TIMEOUT:
        raise ClickHouseError(
            374,
            f"Session timeout '{text}' is larger than max_session_timeout: {MAX_TIMEOUT}. "
            "Maximum session timeout could be modified in configuration file.",
        )
    return int(text)
