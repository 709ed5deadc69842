"""How fast the simulator fills a warehouse, and that its memory does not grow with the company."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from gtc.settings import PROJECT_ROOT, Dataset
from simulator.order import Order
from simulator.run import simulate
from simulator.world_file import read_world

pytestmark = pytest.mark.bench

RecordFigure = Callable[..., None]

#: People who leave a little more than a million product events in thirteen months.
MILLION = 22_000

_DRAW = """
import json, resource, sys
from datetime import date
from pathlib import Path
from simulator.order import Order
from simulator.run import draw
from simulator.world_file import read_world
order = Order(read_world(), int(sys.argv[1]), date(2025, 1, 1), date(2025, 12, 31), 1)
rows = draw(order, [], truth=Path(sys.argv[2]))
print(json.dumps({"events": rows["user_events"], "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


def test_a_million_events_reach_the_warehouse_in_twenty_seconds(
    client: Client, tmp_path: Path, record_figure: RecordFigure
) -> None:
    order = Order(read_world(), MILLION, date(2025, 1, 1), date(2026, 1, 31), 1)
    begun, worked = time.monotonic(), time.process_time()
    rows = simulate(client, Dataset("bench_simulator"), order, truth=tmp_path).rows
    seconds, processor = time.monotonic() - begun, time.process_time() - worked
    assert rows["user_events"] >= 1_000_000
    per_million = seconds / rows["user_events"] * 1e6
    record_figure("simulator: rows a second into the warehouse, all tables", sum(rows.values()) / seconds, "rows/s")
    own = processor / rows["user_events"] * 1e6
    record_figure("simulator: its own processor time for a million user_events", own, "s", 10)
    record_figure("simulator: a million user_events into the warehouse, other tables beside", per_million, "s", 20)


def test_ten_times_the_people_take_no_more_memory(tmp_path: Path, record_figure: RecordFigure) -> None:
    few, many = (_drawn(users, tmp_path / str(users)) for users in (20_000, 200_000))
    assert many["events"] > 9 * few["events"]
    record_figure("simulator: memory at 20,000 people", few["mib"], "MiB")
    record_figure("simulator: growth of memory at ten times the people", many["mib"] - few["mib"], "MiB", 150)


def _drawn(users: int, folder: Path) -> dict[str, float]:
    command = [sys.executable, "-c", _DRAW, str(users), str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT_ROOT)}
    answer = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    return dict(json.loads(answer))
