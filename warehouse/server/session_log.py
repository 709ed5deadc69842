"""`system.session_log`: which sessions were opened and ended, and which log-ins were refused.

The engine's own log knows the one user that all handles share, so this layer writes the table itself: in memory first,
then at most every two seconds in one insert, so that no request waits for it.
"""

import asyncio
import contextlib
import json
import threading
import time
from typing import Any

from warehouse.server.engine import Engine
from warehouse.server.identity import ENGINE_LOG_PREFIX

TABLE = f"system.{ENGINE_LOG_PREFIX}session_log"

#: Seconds between two writes.
_INTERVAL = 2.0

#: Events that wait for their write; what comes beyond is dropped, so that refused log-ins cannot fill the memory.
_MOST = 100_000

_CREATE = f"""
CREATE TABLE IF NOT EXISTS {TABLE}
(
    hostname LowCardinality(String) DEFAULT hostName(),
    type Enum8('LoginFailure' = 0, 'LoginSuccess' = 1, 'Logout' = 2),
    session_id String,
    event_date Date DEFAULT toDate(event_time),
    event_time DateTime DEFAULT toDateTime(event_time_microseconds),
    event_time_microseconds DateTime64(6),
    user Nullable(String),
    client_address IPv6 DEFAULT '::ffff:127.0.0.1',
    interface Enum8('TCP' = 1, 'HTTP' = 2) DEFAULT 'HTTP',
    http_user_agent String,
    failure_reason String
)
ENGINE = MergeTree PARTITION BY toYYYYMM(event_date) ORDER BY (event_date, event_time)
TTL event_date + INTERVAL 7 DAY DELETE
"""


class SessionLog:
    """Collects events and writes them in the background."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._timer: asyncio.TimerHandle | None = None
        engine.run(_CREATE)

    def opened(self, user: str, session_id: str, agent: str) -> None:
        """A session with a name was opened."""
        self._add(type="LoginSuccess", user=user, session_id=session_id, http_user_agent=agent)

    def ended(self, user: str, session_id: str) -> None:
        """A session with a name ran out of time or was closed."""
        self._add(type="Logout", user=user, session_id=session_id)

    def refused(self, user: str, reason: str, agent: str) -> None:
        """A log-in was refused."""
        self._add(type="LoginFailure", user=user, failure_reason=reason, http_user_agent=agent)

    def _add(self, **event: Any) -> None:
        with self._lock:
            if len(self._waiting) < _MOST:
                self._waiting.append({"event_time_microseconds": f"{time.time():.6f}", **event})
        if self._timer is None:
            with contextlib.suppress(RuntimeError):  # without an event loop the server is about to end
                self._timer = asyncio.get_running_loop().call_later(_INTERVAL, self._write_soon)

    def _write_soon(self) -> None:
        self._timer = None
        asyncio.get_running_loop().run_in_executor(None, self.flush)

    def flush(self) -> None:
        """Write what waits."""
        with self._lock:
            events, self._waiting = self._waiting, []
        if events:
            lines = "\n".join(json.dumps(event) for event in events)
            self._engine.run(f"INSERT INTO {TABLE} FORMAT JSONEachRow\n{lines}")
