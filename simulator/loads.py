"""The simulation's lines in load_log: whether it may run, and what it left behind."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from clickhouse_connect.driver.client import Client
from filelock import FileLock, Timeout

from gtc.settings import Dataset
from simulator.cells import SOURCE
from simulator.order import Order

#: Raw tables that a simulation fills; all rows carry its load_id.
FILLED = (
    "user_events",
    "calculator_usage",
    "revenue_events",
    "experiment_exposures",
    "performance_metrics",
    "marketing_spend",
    "system_metrics",
    "competitor_pricing",
    "competitor_features",
    "competitor_seo",
    "market_trends",
    "load_rejects",
)


class OtherSimulationError(Exception):
    """The data set holds another simulation already; the text says what to do."""


class SimulationRunsError(Exception):
    """Another process writes the same truth at this moment."""


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other simulations out of this folder of truth, and so out of its data set. Raises SimulationRunsError."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".lock", timeout=0):
            yield
    except Timeout:
        raise SimulationRunsError(
            f"another simulation is writing {folder}: wait for it, or choose --truth DIR"
        ) from None


class Load(NamedTuple):
    """A simulation that the data set knows."""

    load_id: uuid.UUID
    content_hash: str
    status: str
    started_at: datetime


def known_loads(client: Client, dataset: Dataset) -> list[Load]:
    """Simulations that were begun in this data set."""
    rows = client.query(
        f"select load_id, content_hash, status, started_at from {dataset.raw_database}.load_log final "
        f"where source = '{SOURCE}' and target_table = '*' order by started_at"
    ).result_rows
    return [
        Load(uuid.UUID(str(load_id)), str(digest), str(status), started) for load_id, digest, status, started in rows
    ]


def refuse_others(order: Order, dataset: Dataset, loads: list[Load]) -> None:
    """Raise OtherSimulationError unless all loads are of this order."""
    others = [load for load in loads if load.load_id != order.load_id]
    if others:
        raise OtherSimulationError(
            f"the data set {dataset.name} holds another simulation (load {others[0].load_id}, {others[0].status}): "
            "choose an empty one with --dataset NAME, or drop the old one with --replace"
        )


def remove(client: Client, dataset: Dataset, loads: list[Load]) -> None:
    """Delete all rows of these loads, finished or not, and their lines in load_log."""
    if not loads:
        return
    names = ", ".join(f"'{load.load_id}'" for load in loads)
    for table in (*FILLED, "load_log"):
        place, rows = f"{dataset.raw_database}.{table}", f"where load_id in ({names})"
        if client.query(f"select 1 from {place} {rows} limit 1").result_rows:  # a mutation costs time even over nothing
            client.command(f"alter table {place} delete {rows}", settings={"mutations_sync": 2})


def note(
    client: Client,
    dataset: Dataset,
    order: Order,
    status: str,
    started: datetime,
    rows: dict[str, int] | None = None,
    details: str = "",
) -> None:
    """Write the newest state of this order's load; `rows` counts deliveries by table."""
    counts = rows or {}
    rejected = counts.get("load_rejects", 0)
    line: dict[str, Any] = {
        "load_id": order.load_id,
        "target_table": "*",
        "source": SOURCE,
        "content_hash": order.content_hash,
        "status": status,
        "rows_read": sum(counts.values()),
        "rows_loaded": sum(counts.values()) - rejected,
        "rows_rejected": rejected,
        "details": details or json.dumps(counts),
        "started_at": started,
        "logged_at": datetime.now(UTC),
    }
    client.insert("load_log", [list(line.values())], column_names=list(line), database=dataset.raw_database)


def note_failure(client: Client, dataset: Dataset, order: Order, started: datetime, error: BaseException) -> None:
    """Write down why a load ended early, if the warehouse still answers; the first error is what counts."""
    with suppress(Exception):
        note(client, dataset, order, "failed", started, details=f"{type(error).__name__}: {error}"[:2000])
