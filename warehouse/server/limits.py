"""How many queries run at once, over all and per user: a short queue, then ClickHouse's own error 202."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from warehouse.server.errors import ClickHouseError
from warehouse.server.users import ServerLimits, User


class Gate:
    """Lets queries in, first come first served among those whose user has room."""

    def __init__(self, limits: ServerLimits) -> None:
        self._limits = limits
        self._running: Counter[str] = Counter()
        self._waiting: deque[tuple[User, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def turn(self, user: User) -> AsyncIterator[None]:
        """Hold a place while in the context. Raises ClickHouseError 202 when none comes free in time."""
        if self._refusal(user) is None and not self._waiting:
            self._running[user.name] += 1
        else:
            await self._wait(user)
        try:
            yield
        finally:
            self._leave(user)

    async def _wait(self, user: User) -> None:
        if len(self._waiting) >= self._limits.queue_length:
            raise self._refused(user)
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (user, place)
        self._waiting.append(entry)
        self._admit()
        try:
            await asyncio.wait_for(asyncio.shield(place), self._limits.queue_seconds)
        except TimeoutError:
            raise self._refused(user) from None
        finally:
            if not place.done():
                self._waiting.remove(entry)
                place.cancel()
            elif asyncio.current_task() and asyncio.current_task().cancelling():  # type: ignore[union-attr]
                self._leave(user)

    def _leave(self, user: User) -> None:
        self._running[user.name] -= 1
        self._admit()

    def _admit(self) -> None:
        """Wake everybody who may go; a user without room does not hold up others."""
        for entry in list(self._waiting):
            user, place = entry
            if self._refusal(user) is None:
                self._waiting.remove(entry)
                self._running[user.name] += 1
                place.set_result(None)

    def _refusal(self, user: User) -> str | None:
        most, total = self._limits.max_concurrent_queries, self._running.total()
        if most and total >= most:
            return f"Too many simultaneous queries. Maximum: {most}"
        mine, allowed = self._running[user.name], user.max_concurrent_queries
        if allowed and mine >= allowed:
            return f"Too many simultaneous queries for user {user.name}. Current: {mine}, maximum: {allowed}"
        return None

    def _refused(self, user: User) -> ClickHouseError:
        return ClickHouseError(202, self._refusal(user) or "Too many simultaneous queries: the queue is full")
