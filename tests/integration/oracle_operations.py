"""Oracle of the marts about requests and the quality of the data, in plain Python, written from the definitions."""

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any

from oracle_events import Row, day_cutter, each_once, end_of_day
from oracle_marts import share
from oracle_product import quantile

SATISFIED_MS = 500
LATE = timedelta(minutes=60)
MILLISECOND = timedelta(milliseconds=1)

REQUEST_COLUMNS = (
    "event_id, event_at, received_at, route, method, status_code, duration_ms, response_bytes, server, row_version"
)


def latency(duration: float) -> int:
    """Whole milliseconds, rounded up; what is no time counts as 0."""
    if not duration > 0:
        return 0
    return 86_400_000 if math.isinf(duration) else min(math.ceil(duration), 86_400_000)


def apdex(satisfied: int, tolerating: int, total: int) -> float:
    """(satisfied + tolerating / 2) / total."""
    return (2 * satisfied + tolerating) / (2 * total)


def figures(requests: list[Row]) -> Row:
    """What every mart about requests says of some of them."""
    times = [latency(request["duration_ms"]) for request in requests]
    failed = [request["status_code"] >= 500 for request in requests]
    fine = [time for time, fails in zip(times, failed, strict=True) if not fails]
    satisfied = sum(time <= SATISFIED_MS for time in fine)
    tolerating = sum(SATISFIED_MS < time <= 4 * SATISFIED_MS for time in fine)
    return {
        "requests": len(requests),
        "server_errors": sum(failed),
        "client_errors": sum(400 <= request["status_code"] < 500 for request in requests),
        "satisfied_requests": satisfied,
        "tolerating_requests": tolerating,
        "error_rate": share(sum(failed), len(requests)),
        "apdex": apdex(satisfied, tolerating, len(requests)),
        **{f"p{percent}_latency_ms": quantile(times, percent) for percent in (50, 90, 95, 99)},
        "latency_histogram": dict(sorted(Counter(times).items())),
    }


def minute_of(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def performance_metrics(
    raw: list[Row], as_of: date, complete_until: datetime, time_zone: str = "UTC"
) -> tuple[list[Row], list[Row]]:
    """Rows by day, route and method, and by route, method and minute."""
    day_of = day_cutter(time_zone)
    days: dict[Any, list[Row]] = defaultdict(list)
    minutes: dict[Any, list[Row]] = defaultdict(list)
    for request in each_once(raw):
        day = day_of(request["event_at"])
        if day <= as_of:
            minutes[request["route"], request["method"], minute_of(request["event_at"]), day].append(request)
            days[day, request["route"], request["method"]].append(request)
    daily = [
        {"request_date": day, "route": route, "method": method}
        | figures(requests)
        | {
            "response_bytes": sum(request["response_bytes"] for request in requests),
            "is_partial": end_of_day(day, time_zone) > complete_until,
        }
        for (day, route, method), requests in sorted(days.items())
    ]
    minutely = [
        {"route": route, "method": method, "minute_at": minute, "request_date": day}
        | figures(requests)
        | {"response_bytes": sum(request["response_bytes"] for request in requests)}
        for (route, method, minute, day), requests in sorted(minutes.items())
    ]
    return daily, minutely


@dataclass(frozen=True)
class Source:
    """Deliveries of one raw table, oldest first where an event has several, the days of its rejected messages, and its
    files: day of the load, rows, rejected rows."""

    name: str
    raw: list[Row]
    rejected: list[date]
    files: list[tuple[date, int, int]]
    filled: tuple[str, ...]


@dataclass(frozen=True)
class Limits:
    """What readings of one source are judged by: seeds/quality_checks.csv and quality_sources.csv."""

    upper: dict[str, float | None]
    minimum: dict[str, int]
    severity: dict[str, str]
    warn_after_hours: int
    error_after_hours: int
    has_daily_volume: bool


def source_days(source: Source, as_of: date, complete_until: datetime, time_zone: str = "UTC") -> dict[date, Row]:
    """What one table received, by day, silent days too."""
    day_of = day_cutter(time_zone)
    deliveries: dict[Any, list[Row]] = defaultdict(list)
    for row in source.raw:
        deliveries[row["event_id"]].append(row)
    by_day: dict[date, list[tuple[Row, list[Row]]]] = defaultdict(list)
    for newest in each_once(source.raw):
        by_day[day_of(newest["event_at"])].append((newest, deliveries[newest["event_id"]]))
    found: dict[date, Row] = {}
    newest_received: datetime | None = None
    rejected = [min(day, as_of) for day in source.rejected]
    files = [(min(day, as_of), total, lost) for day, total, lost in source.files]
    begins = [*by_day, *rejected, *(day for day, _, lost in files if lost)]
    day = min(begins, default=as_of + timedelta(days=1))
    while day <= as_of:
        events = by_day.get(day, [])
        delays = [
            max(0, (min(row["received_at"] for row in rows) - newest["event_at"]) // MILLISECOND)
            for newest, rows in events
        ]
        received = [row["received_at"] for _, rows in events for row in rows]
        newest_received = max([*received, *([newest_received] if newest_received else [])], default=None)
        same_weekdays = [found[past]["events"] for k in range(1, 9) if (past := day - timedelta(days=7 * k)) in found]
        expected = float(median(same_weekdays)) if len(same_weekdays) >= 4 else None
        silent = min(end_of_day(day, time_zone), complete_until) - newest_received if newest_received else None
        found[day] = {
            "events": len(events),
            "deliveries": sum(len(rows) for _, rows in events),
            "late_events": sum(delay >= LATE / MILLISECOND for delay in delays),
            "wrong_clocks": sum("sent_at" in newest for newest, _ in events),
            "rejects": rejected.count(day),
            "file_rejects": sum(lost for loaded, _, lost in files if loaded == day),
            "file_rows": sum(total for loaded, total, _ in files if loaded == day),
            "expected": expected,
            "lowest": None if expected is None else min(expected, max(same_weekdays[:2])),
            "highest": None if expected is None else max(expected, same_weekdays[0]),
            "p50": quantile(delays, 50),
            "p99": quantile(delays, 99),
            "silent_ms": None if silent is None else max(0, silent // MILLISECOND),
            "empty": {column: sum(not newest[column] for newest, _ in events) for column in source.filled},
            "is_partial": end_of_day(day, time_zone) > complete_until,
        }
        day += timedelta(days=1)
    return found


def readings(days: dict[date, Row], limits: Limits) -> dict[tuple[Any, ...], Row]:
    """Readings of one source by day, check and column, each with what was expected, its limits and its severity."""
    found: dict[tuple[Any, ...], Row] = {}
    for day, row in days.items():
        events, deliveries, rejects, silent = row["events"], row["deliveries"], row["rejects"], row["silent_ms"]
        values = {
            "freshness_hours": (None if silent is None else silent / 3_600_000, 1),
            "repeat_rate": (share(deliveries - events, deliveries), deliveries),
            "late_rate": (share(row["late_events"], events), events),
            "wrong_clock_rate": (share(row["wrong_clocks"], events), events),
            "delay_p50_seconds": (row["p50"] / 1000 if events else None, events),
            "delay_p99_seconds": (row["p99"] / 1000 if events else None, events),
            "reject_rate": (share(rejects, rejects + deliveries), rejects + deliveries),
            "file_reject_rate": (share(row["file_rejects"], row["file_rows"]), row["file_rows"]),
        }
        found[day, "volume", ""] = judged_volume(row, limits)
        found |= {
            (day, name, ""): judged(name, value, sample, limits)
            for name, (value, sample) in values.items()
            if value is not None
        }
        if events:
            found |= {
                (day, "empty_rate", column): judged("empty_rate", n / events, events, limits)
                for column, n in row["empty"].items()
            }
    return found


def judged(check: str, value: float, sample: int, limits: Limits) -> Row:
    """A reading with limits of its own; silence has two, by source."""
    upper = limits.warn_after_hours if check == "freshness_hours" else limits.upper[check]
    severity = "none"
    if upper is not None and value > upper and sample >= limits.minimum[check]:
        severity = limits.severity[check]
        if check == "freshness_hours" and value <= limits.error_after_hours:
            severity = "warning"
    return {
        "value": value,
        "expected": None,
        "lower_limit": None,
        "upper_limit": upper,
        "severity": severity,
        "sample_count": sample,
    }


def judged_volume(row: Row, limits: Limits) -> Row:
    """The volume of a day between half of the weeks before and twice of them."""
    lower = upper = None
    severity = "none"
    if row["expected"] is not None:
        lower, upper = row["lowest"] / 2, row["highest"] * 2
        enough = max(row["events"], row["expected"]) >= limits.minimum["volume"]
        if limits.has_daily_volume and not row["is_partial"] and enough and not lower <= row["events"] <= upper:
            severity = "critical"
    return {
        "value": row["events"],
        "expected": row["expected"],
        "lower_limit": lower,
        "upper_limit": upper,
        "severity": severity,
        "sample_count": max(row["events"], math.floor(row["expected"] or 0)),
    }
