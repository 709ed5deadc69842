"""What somebody ordered: a world, a size, a range and a seed; and the name that these give the load."""

import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np

from simulator.horizon import Horizon, add_months
from simulator.people import CELL
from simulator.scenario import Scenario
from simulator.world_file import World

#: Raise it when the same parameters give other rows than before.
REVISION = 1

_LOADS = uuid.UUID("6d3b0a52-5a0c-4d0a-9c1e-1f5a0f2d7c11")


class OrderError(ValueError):
    """The order makes no sense; the text names the option."""


@dataclass(frozen=True)
class Order:
    """`users` people who visit between `first` and `last` (both included, UTC days)."""

    world: World
    users: int
    first: date
    last: date
    seed: int

    def __post_init__(self) -> None:
        if self.users < 1:
            raise OrderError(f"--users must be 1 or more: {self.users}")
        if self.seed < 0:
            raise OrderError(f"--seed must be 0 or more: {self.seed}")
        if self.last < self.first:
            raise OrderError(f"--to lies before --from: {self.last} < {self.first}")
        if self.first.year < 1971 or self.last.year > 2100:
            raise OrderError(f"--from and --to must lie between 1971 and 2100: {self.first}, {self.last}")

    @cached_property
    def scenario(self) -> Scenario:
        """The world laid over the range."""
        return Scenario(self.world, Horizon(self.first, self.last), self.seed)

    def parameters(self) -> dict[str, Any]:
        """Everything that decides the rows, as plain JSON."""
        return {
            "revision": REVISION,
            "users": self.users,
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
            "seed": self.seed,
            "world": self.world.model_dump(mode="json"),
        }

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of the parameters; the order of keys in the world counts, since draws follow it."""
        return hashlib.sha256(json.dumps(self.parameters(), ensure_ascii=False).encode()).hexdigest()

    @property
    def load_id(self) -> uuid.UUID:
        """The same for the same parameters, so that a rerun repeats rows instead of adding some."""
        return uuid.uuid5(_LOADS, self.content_hash)

    def cells(self) -> list[tuple[int, int]]:
        """Number and size of each cell."""
        return [(number, min(CELL, self.users - begin)) for number, begin in enumerate(range(0, self.users, CELL))]


def thirteen_months(last: date | None = None) -> tuple[date, date]:
    """The default range: thirteen months that end on `last`, or else yesterday (UTC)."""
    last = last or datetime.now(UTC).date() - timedelta(days=1)
    midnight = np.array([np.datetime64(last, "ms").astype(np.int64)])
    before = add_months(midnight, np.array([-13]))[0].astype("datetime64[ms]").astype("datetime64[D]")
    return date.fromisoformat(str(before)) + timedelta(days=1), last
