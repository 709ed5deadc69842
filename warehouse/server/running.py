"""The queries that run now, by the clients' ids: one id runs once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from warehouse.server.engine import Engine
from warehouse.server.errors import ClickHouseError
from warehouse.server.identity import Identity

#: Seconds that a query which is to be replaced gets to end.
_REPLACE_SECONDS = 5.0


class RunningQueries:
    """Refuses a second query with the id of one that runs, unless it asks to replace its own user's."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._running: dict[str, tuple[Identity, asyncio.Event]] = {}

    @asynccontextmanager
    async def registered(self, identity: Identity, *, replaces: bool) -> AsyncIterator[None]:
        """Hold the id while in the context. Raises ClickHouseError 216."""
        if identity.query_id in self._running:
            await self._make_room(identity, replaces=replaces)
        ended = asyncio.Event()
        self._running[identity.query_id] = (identity, ended)
        try:
            yield
        finally:
            del self._running[identity.query_id]
            ended.set()

    async def _make_room(self, identity: Identity, *, replaces: bool) -> None:
        other, ended = self._running[identity.query_id]
        if replaces and other.user == identity.user:
            await asyncio.to_thread(self._engine.kill, other.mark)
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), _REPLACE_SECONDS)
        if identity.query_id in self._running:
            raise ClickHouseError(216, f"Query with id = {identity.query_id} is already running.")
