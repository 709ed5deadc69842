"""Runs an order: draws cells, hands their rows to sinks, keeps the truth."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
from clickhouse_connect.driver.client import Client

from gtc.settings import Dataset
from simulator import loads
from simulator.cells import CellRows, cell_rows, marked
from simulator.company import machine_tables, market_tables, spend_table
from simulator.delivery import reject_table
from simulator.draws import Ints
from simulator.order import Order
from simulator.people import CELL
from simulator.sinks import FileFormat, FileSink, Sink, WarehouseSink
from simulator.truth import FILE as TRUTH_FILE
from simulator.truth import Truth, truth_of
from warehouse.migrations import migrate, read_retention

#: People whose rows are inserted together; any multiple of a cell gives the same rows.
BLOCK_USERS = 10_000

Progress = Callable[[int, int], None]


@dataclass
class Summary:
    """What a simulation did. `rows` counts deliveries by raw table, repeats included."""

    load_id: str
    content_hash: str
    already_there: bool = False
    truth: str = ""
    rows: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def total(self) -> int:
        """Rows in all tables."""
        return sum(self.rows.values())


def draw(
    order: Order,
    sinks: Iterable[Sink],
    *,
    truth: Path | None = None,
    progress: Progress | None = None,
    block_users: int = BLOCK_USERS,
) -> dict[str, int]:
    """Draw an order's rows into the sinks and its truth into a folder, in bounded memory; returns rows by table."""
    company = _Company(order, list(sinks), Truth(order, truth) if truth else None)
    cells = order.cells()
    size = max(1, block_users // CELL)
    for begin in range(0, len(cells), size):
        company.add(
            [
                cell_rows(order.scenario, number, count, order.load_id.bytes)
                for number, count in cells[begin : begin + size]
            ]
        )
        if progress:
            progress(min((begin + size) * CELL, order.users), order.users)
    company.finish()
    return dict(company.rows)


class _Company:
    """Joins cells to blocks, numbers rejected messages, counts paid clicks, adds what belongs to nobody."""

    def __init__(self, order: Order, sinks: list[Sink], truth: Truth | None) -> None:
        self.order, self.sinks, self.truth, self.scenario = order, sinks, truth, order.scenario
        self.rows: Counter[str] = Counter()
        self.clicks: Ints = np.zeros(
            (len(self.scenario.countries), self.scenario.horizon.days, len(self.scenario.sources)), dtype=np.int64
        )
        self.delivered: Counter[str] = Counter()

    def add(self, cells: list[CellRows]) -> None:
        """Send the rows of some cells as one block."""
        for name in cells[0].tables:
            self.send(name, pa.concat_tables([cell.tables[name] for cell in cells]))
        rejects, lines = [], []
        for cell in cells:
            rejects += cell.rejects
            lines += [self.delivered[reject["target_table"]] + reject["position"] + 1 for reject in cell.rejects]
            self.delivered.update({name: table.num_rows for name, table in cell.tables.items()})
            self.delivered.update(reject["target_table"] for reject in cell.rejects)
            self._count_clicks(cell)
        if self.truth:
            self.truth.add(cells)
        self.send("load_rejects", reject_table(rejects, np.array(lines, dtype=np.int64)))

    def _count_clicks(self, cell: CellRows) -> None:
        stream = cell.stream
        landing = stream.source >= 0
        day = self.scenario.horizon.day_of(stream.moment[landing])
        np.add.at(self.clicks, (cell.life.people.country[stream.person[landing]], day, stream.source[landing]), 1)

    def finish(self) -> None:
        """Send the tables that belong to no person."""
        self.send_marked("marketing_spend", spend_table(self.scenario, self.clicks))
        for table in machine_tables(self.scenario):
            self.send_marked("system_metrics", table)
        for name, table in market_tables(self.scenario).items():
            self.send_marked(name, table)
        if self.truth:
            self.truth.write(dict(self.rows))

    def send_marked(self, name: str, table: pa.Table) -> None:
        """Send rows that have no source and load yet."""
        self.send(name, marked(table, self.order.load_id.bytes))

    def send(self, name: str, table: pa.Table) -> None:
        """Send rows to all sinks."""
        self.rows[name] += table.num_rows
        for sink in self.sinks:
            sink.write(name, table)


def simulate(
    client: Client,
    dataset: Dataset,
    order: Order,
    *,
    truth: Path,
    replace: bool = False,
    progress: Progress | None = None,
    block_users: int = BLOCK_USERS,
) -> Summary:
    """Fill the raw tables of `dataset`, once: the same order again changes nothing, an interrupted one is completed.

    The truth goes to the folder `truth`, and is drawn again when it is missing there. Raises OtherSimulationError when
    the data set holds another simulation and `replace` is off, SimulationRunsError while one is being written.
    """
    with loads.alone(truth):
        return _simulate(client, dataset, order, truth, replace, progress, block_users)


def _simulate(
    client: Client,
    dataset: Dataset,
    order: Order,
    truth: Path,
    replace: bool,
    progress: Progress | None,
    block_users: int,
) -> Summary:
    started = datetime.now(UTC)
    summary = Summary(str(order.load_id), order.content_hash, truth=str(truth / TRUTH_FILE))
    migrate(client, dataset, ttl_days={**read_retention(), "load_rejects": 0})  # simulated rejects may be years old
    known = loads.known_loads(client, dataset)
    if not replace:
        loads.refuse_others(order, dataset, known)
    if any(load.load_id == order.load_id and load.status == "done" for load in known):
        summary.already_there = True
        if (truth_of(truth) or {}).get("content_hash") != order.content_hash:
            draw(order, [], truth=truth, progress=progress, block_users=block_users)
        return summary
    loads.remove(client, dataset, known)
    loads.note(client, dataset, order, "running", started)
    sink = WarehouseSink(client, dataset)
    try:
        try:
            summary.rows = draw(order, [sink], truth=truth, progress=progress, block_users=block_users)
        finally:
            sink.close()
    except BaseException as error:
        loads.note_failure(client, dataset, order, started, error)
        raise
    summary.seconds = (datetime.now(UTC) - started).total_seconds()
    loads.note(client, dataset, order, "done", started, rows=summary.rows)
    return summary


def export(order: Order, folder: Path, form: FileFormat, *, truth: Path, progress: Progress | None = None) -> Summary:
    """Write what `simulate` would load as files `<raw table>.<form>`, and the truth; no warehouse is needed."""
    started = datetime.now(UTC)
    sink = FileSink(folder, form)
    try:
        rows = draw(order, [sink], truth=truth, progress=progress)
    finally:
        sink.close()
    seconds = (datetime.now(UTC) - started).total_seconds()
    return Summary(str(order.load_id), order.content_hash, truth=str(truth / TRUTH_FILE), rows=rows, seconds=seconds)
