"""One cell as rows of raw tables, as they arrive."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from simulator.columns import constant, stamps
from simulator.delivery import Arrivals, draw_arrivals, malformed
from simulator.draws import Ints
from simulator.life import Life, live
from simulator.product_rows import ProductRows, Stream, stream_of
from simulator.request_rows import request_rows
from simulator.revenue_rows import RevenueRows
from simulator.scenario import Scenario

SOURCE = "simulator"


@dataclass(frozen=True)
class CellRows:
    """What a cell sends: tables as delivered, rejects, and what the truth is computed from."""

    tables: dict[str, pa.Table]
    rejects: list[dict[str, Any]]
    arrivals: dict[str, Arrivals]
    life: Life
    stream: Stream
    revenue: RevenueRows
    exposures: dict[str, Ints]


def cell_rows(scenario: Scenario, cell: int, count: int, load_id: bytes) -> CellRows:
    """Draw a cell and build its rows."""
    life = live(scenario, cell, count)
    stream = stream_of(life)
    product = ProductRows(scenario, life, stream)
    revenue = RevenueRows(scenario, life)
    exposures, exposed = product.exposures()
    requests, _ = request_rows(scenario, life.people, stream, product.users)
    planted = {
        "user_events": product.user_events(),
        "calculator_usage": product.calculator_usage(),
        "revenue_events": revenue.table(),
        "experiment_exposures": exposures,
        "performance_metrics": requests,
    }
    tables, rejects, arrivals = {}, [], {}
    for name, table in planted.items():
        moments = table["event_at"].to_numpy().astype("datetime64[ms]").astype(np.int64)
        arrivals[name] = draw_arrivals(scenario, name, cell, moments)
        tables[name] = _delivered(table, arrivals[name], load_id)
        rejects += malformed(scenario, name, cell, tables[name], load_id)
    return CellRows(tables, rejects, arrivals, life, stream, revenue, exposed)


def _delivered(table: pa.Table, arrivals: Arrivals, load_id: bytes) -> pa.Table:
    """Rows in the order of their deliveries, with the columns that loading adds."""
    sent = table.take(pa.array(arrivals.rows)) if arrivals.repeats else table
    return marked(sent.append_column("received_at", stamps(arrivals.received)), load_id)


def marked(table: pa.Table, load_id: bytes) -> pa.Table:
    """The table with `source` and `load_id`."""
    loads = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(16), table.num_rows, [None, pa.py_buffer(load_id * table.num_rows)]
    )
    return table.append_column("source", constant(SOURCE, table.num_rows)).append_column("load_id", loads)
