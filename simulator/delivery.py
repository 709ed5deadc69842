"""The way from the product to the warehouse: delays, late arrivals, repeats, and messages that do not fit."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from simulator.draws import Flags, Ints, generator, uuids
from simulator.horizon import HOUR_MS
from simulator.scenario import Scenario

#: An event that arrives this much later than it happened counts as late.
LATE_MS = HOUR_MS


@dataclass(frozen=True)
class Arrivals:
    """When rows arrive. `rows` names the row of each delivery: all rows once, then the repeated ones again."""

    rows: Ints
    received: Ints
    late: Flags  # by row: the first delivery is late

    @property
    def repeats(self) -> int:
        """Number of deliveries beyond the first of each row."""
        return len(self.rows) - len(self.late)


def draw_arrivals(scenario: Scenario, table: str, cell: int, moments: Ints) -> Arrivals:
    """Nothing arrives before it happens or after the range, so that a rerun on another day gives the same rows."""
    rules, end = scenario.world.delivery, scenario.horizon.end
    random = generator(scenario.seed, f"delivery/{table}", cell)
    count = len(moments)
    usual = 1 + random.exponential(rules.normal_delay_mean_seconds * 1000, count).astype(np.int64)
    low, high = np.log(rules.late_hours[0] * HOUR_MS), np.log(rules.late_hours[1] * HOUR_MS)
    long = np.ceil(np.exp(random.uniform(low, high, count))).astype(np.int64)
    late = (random.random(count) < rules.late.get(table, 0)) & (moments + long < end)
    received = np.minimum(moments + np.where(late, long, np.minimum(usual, LATE_MS - 1)), end - 1)
    room = np.minimum(end - received - 1, int(rules.duplicate_within_hours * HOUR_MS))
    wait = 1 + (random.random(count) * room).astype(np.int64)
    again = np.flatnonzero((random.random(count) < rules.duplicated.get(table, 0)) & (room > 1))
    rows = np.concatenate([np.arange(count, dtype=np.int64), again])
    return Arrivals(rows, np.concatenate([received, (received + wait)[again]]), late)


#: Numeric columns that a broken sender may fill with nonsense.
_NUMBER = {"calculator_usage": "duration_ms", "revenue_events": "unit_price", "performance_metrics": "status_code"}


def malformed(scenario: Scenario, table: str, cell: int, sent: pa.Table, load_id: bytes) -> list[dict[str, Any]]:
    """Rejects of messages that came broken beside the good ones, as the collector would log them."""
    random = generator(scenario.seed, f"malformed/{table}", cell)
    count = random.binomial(sent.num_rows, scenario.world.delivery.malformed.get(table, 0))
    if not count:
        return []
    rows = np.sort(random.integers(0, sent.num_rows, count))
    kinds = random.choice(_kinds(table), count)
    fresh = uuids(scenario.seed, f"malformed/{table}", cell * 2**32 + np.arange(count))
    wanted = [name for name in sent.column_names if name not in ("load_id", "properties", "source")]
    samples = sent.select(wanted).take(pa.array(rows)).to_pylist()
    return [
        {"load_id": load_id, "target_table": table, "position": int(row), "rejected_at": sample["received_at"]}
        | _broken(table, str(kind), {**_plain(sample), "event_id": key.tobytes().hex()})
        for row, kind, sample, key in zip(rows, kinds, samples, fresh, strict=True)
    ]


def _kinds(table: str) -> list[str]:
    number = ["negative_number", "not_a_number"] if table in _NUMBER else []
    return ["bad_timestamp", "unknown_column", "broken_json", "missing_event_id", *number]


def _plain(sample: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in sample.items() if name != "received_at" and value not in ("", None)}
    return {name: value if isinstance(value, int | float) else str(value) for name, value in kept.items()}


def _broken(table: str, kind: str, message: dict[str, Any]) -> dict[str, str]:
    """Column, reason and text of a message that was broken in this way."""
    column, reason, number = "", "", _NUMBER.get(table, "")
    if kind == "bad_timestamp":
        column, message["event_at"] = "event_at", message["event_at"].replace("-", "-99", 1)
        reason = f"bad_timestamp: not a date and time: {message['event_at']}"
    elif kind == "unknown_column":
        column, message["colour_scheme"] = "colour_scheme", "dark"
        reason = "unknown_column: the table has no column colour_scheme"
    elif kind == "missing_event_id":
        column, reason = "event_id", "missing_event_id: event_id is required"
        message.pop("event_id")
    elif kind == "negative_number":
        column, message[number] = number, -7
        reason = f"negative_number: {number} must not be negative: -7"
    elif kind == "not_a_number":
        column, message[number] = number, "NaN$"
        reason = f"not_a_number: {number} is not a number: NaN$"
    line = json.dumps(message, ensure_ascii=False)
    if kind == "broken_json":
        line, reason = line[: len(line) * 2 // 3], "broken_json: unexpected end of the message"
    return {"column_name": column, "reason": reason, "raw_row": line}


def reject_table(rejects: list[dict[str, Any]], line_numbers: Ints) -> pa.Table:
    """Rows of load_rejects."""
    texts = ("target_table", "column_name", "reason", "raw_row")
    columns = {name: pa.array([str(reject[name]) for reject in rejects], pa.string()) for name in texts}
    return pa.table(
        {
            "load_id": pa.array([reject["load_id"] for reject in rejects], pa.binary(16)),
            "line_number": pa.array(line_numbers.astype(np.uint64)),
            **columns,
            "rejected_at": pa.array([reject["rejected_at"] for reject in rejects], pa.timestamp("ms", "UTC")),
        }
    )
