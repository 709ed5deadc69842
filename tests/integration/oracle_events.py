"""Oracle of what product events mean, in plain Python, written from the definitions and never from the SQL.

Definitions: reference page semantics.md (time, identity, stickiness) and docs/models.md. Rows are dictionaries as raw
holds them, with `received_at` and `row_version`.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]


def each_once(rows: Iterable[Row]) -> list[Row]:
    """One row per event: the delivery received last; of those received in the same millisecond, the highest version."""
    newest: dict[Any, Row] = {}
    for row in rows:
        other = newest.get(row["event_id"])
        if other is None or (row["received_at"], row["row_version"]) > (other["received_at"], other["row_version"]):
            newest[row["event_id"]] = row
    return [believed(row) for row in newest.values()]


def believed(row: Row) -> Row:
    """An event whose sender's time cannot be happened when it was received; `sent_at` then keeps what the sender said.

    It cannot be more than a day after the receipt, nor before 1971.
    """
    sent, received = row.get("event_at"), row["received_at"]
    if sent is None or datetime(1971, 1, 1) <= sent <= received + timedelta(hours=24):
        return row
    return row | {"event_at": received, "sent_at": sent}


def day_cutter(time_zone: str) -> Callable[[datetime], date]:
    """A function from a moment to its day in a time zone."""
    zone = ZoneInfo(time_zone)
    return lambda moment: moment.replace(tzinfo=UTC).astimezone(zone).date()


def end_of_day(day: date, time_zone: str) -> datetime:
    """The moment, UTC without zone, at which the next day begins in a time zone."""
    midnight = datetime.combine(day + timedelta(days=1), datetime.min.time(), ZoneInfo(time_zone))
    return midnight.astimezone(UTC).replace(tzinfo=None)


def identities(*tables: Iterable[Row]) -> dict[str, str]:
    """The user of each anonymous id that was seen with exactly one user."""
    users: dict[str, set[str]] = defaultdict(set)
    for table in tables:
        for row in table:
            if row["anonymous_id"] and row["user_id"]:
                users[row["anonymous_id"]].add(row["user_id"])
    return {anonymous: next(iter(seen)) for anonymous, seen in users.items() if len(seen) == 1}


def person_of(row: Row, known: dict[str, str]) -> str | None:
    """Who did it; None when the event names nobody."""
    if row["user_id"]:
        return str(row["user_id"])
    if not row["anonymous_id"]:
        return None
    return known.get(row["anonymous_id"]) or f"anonymous:{row['anonymous_id']}"


@dataclass(frozen=True)
class Session:
    """A visit: `events` in order of time and id, none more than the gap after the one before."""

    person: str
    events: tuple[Row, ...]

    @property
    def row(self) -> tuple[Any, ...]:
        """As the model `sessions` shows it, in the order in which the tests select."""
        first, last = self.events[0], self.events[-1]
        views = sum(event["event_name"] == "page_view" for event in self.events)
        entry = (first["page_path"], first["country"], first["device_type"], channel_of(first))
        return (first["event_id"], self.person, first["event_at"], last["event_at"], len(self.events), views, *entry)


def cut_sessions(people: dict[str, list[Row]], gap: timedelta) -> list[Session]:
    """Visits of all people."""
    found = []
    for person, rows in people.items():
        ordered = sorted(rows, key=lambda row: (row["event_at"], engine_order(row["event_id"])))
        visit = [ordered[0]]
        for row in ordered[1:]:
            if row["event_at"] - visit[-1]["event_at"] > gap:
                found.append(Session(person, tuple(visit)))
                visit = []
            visit.append(row)
        found.append(Session(person, tuple(visit)))
    return found


def engine_order(event_id: Any) -> Any:
    """ClickHouse orders UUIDs by their second half first (its documentation: data types, UUID)."""
    return (event_id.int & (2**64 - 1), event_id.int >> 64)


def channel_rules() -> list[tuple[int, str, tuple[str, str, str]]]:
    """The seed, which is configuration and not a definition."""
    path = Path(__file__).parents[2] / "dbt_project" / "seeds" / "channel_rules.csv"
    patterns = ("utm_source_matches", "utm_medium_matches", "referrer_host_matches")
    with path.open() as file:
        rows = [(int(r["priority"]), r["channel"], tuple(r[p] for p in patterns)) for r in csv.DictReader(file)]
    return sorted(rows)  # type: ignore[arg-type]


RULES = channel_rules()


def channel_of(event: Row) -> str:
    """The first rule whose three patterns are found in the lower-case tags and referrer."""
    values = [event[name].lower() for name in ("utm_source", "utm_medium", "referrer_host")]
    for _, channel, patterns in RULES:
        if all(re.search(pattern, value) for pattern, value in zip(patterns, values, strict=True)):
            return channel
    raise AssertionError(f"no rule names the channel of {values}")
