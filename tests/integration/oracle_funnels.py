"""Oracle of funnels in plain Python: every chain is walked on its own, from the definitions and never from the SQL.

Definitions: semantics.md, "Funnels", and docs/funnels.md for what it leaves open. Declarations are dictionaries as
declared_funnels.yml holds them; events are dictionaries with `source`, `event_id`, `event_at` and the columns of that
source.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import combinations
from typing import Any

from oracle_events import Row, engine_order

UNITS = {"millisecond": 1, "second": 1000, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000, "week": 604_800_000}
FOREVER = timedelta(days=100_000)


def duration(text: str) -> timedelta:
    """`7 days` as a length of time."""
    number, unit = text.split()
    return timedelta(milliseconds=int(number) * UNITS[unit.rstrip("s")])


def value_of(event: Row, column: str) -> str:
    """A column of an event; what it does not have is looked for among its properties."""
    name = column.removeprefix("properties.")
    return str(event[name] if name == column and name in event else event["properties"].get(name, ""))


def matches(part: Row, event: Row) -> bool:
    """Whether an event is what a step or an exclusion asks for."""
    return event["source"] == part.get("source", "events") and all(
        _agrees(value_of(event, column), wanted) for column, wanted in part["where"].items()
    )


def _agrees(value: str, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        patterns = "matches" not in wanted or re.search(wanted["matches"], value) is not None
        return patterns and ("not" not in wanted or value not in _texts(wanted["not"]))
    return value in _texts(wanted)


def _texts(wanted: Any) -> list[str]:
    return [str(text) for text in (wanted if isinstance(wanted, list) else [wanted])]


@dataclass
class Chain:
    """One entry and what followed it: the event that filled each step, in the order in which they were filled."""

    filled: dict[int, Row]
    position: int = 1
    cleared_at: datetime | None = None
    is_excluded: bool = False
    order: Any = None

    @property
    def entered_at(self) -> datetime:
        """The moment of the entry."""
        return self.filled[1]["event_at"]

    @property
    def last_at(self) -> datetime:
        """The moment of the last step that was filled."""
        return self.filled[self.position]["event_at"]

    def came_to(self, step: int) -> datetime:
        """When the chain first stood at this step or a later one."""
        return self.filled[min(number for number in self.filled if number >= step)]["event_at"]


@dataclass
class Funnel:
    """A declaration, and the chains of one person's events through it."""

    declaration: Row
    steps: list[Row] = field(init=False)

    def __post_init__(self) -> None:
        self.steps = self.declaration["steps"]
        self.order = self.declaration.get("order", "ordered")
        self.window = duration(self.declaration["window"])
        self.names = [step["name"] for step in self.steps]

    def chains(self, events: Iterable[Row]) -> list[Chain]:
        """The chain of every entry, in the order of entries."""
        events = sorted(events, key=lambda event: (event["event_at"], engine_order(event["event_id"])))
        fills = self._fills(events)
        begin = {
            "ordered": self._ordered,
            "strict": self._strict,
            "any": self._any,
        }[self.order]
        found = list(begin(events, fills))
        for number, chain in enumerate(found):
            chain.order = number
            chain.is_excluded = any(
                self._contains(chain, rule, events) for rule in self.declaration.get("exclusions", [])
            )
        return found

    def _fills(self, events: list[Row]) -> dict[Any, set[int]]:
        """Steps that each event could fill."""
        fills: dict[Any, set[int]] = {event["event_id"]: set() for event in events}
        for number, step in enumerate(self.steps, 1):
            mine = [event["event_id"] for event in events if matches(step, event)]
            for event_id in mine[:1] if step.get("first_time") else mine:
                fills[event_id].add(number)
        return fills

    def _next_steps(self, position: int) -> list[int]:
        """Steps that may follow: up to the first one that must not be skipped."""
        found = []
        for number in range(position + 1, len(self.steps) + 1):
            found.append(number)
            if not self.steps[number - 1].get("optional"):
                break
        return found

    def _in_time(self, chain: Chain, number: int, moment: datetime) -> bool:
        step = self.steps[number - 1]
        within = duration(step["within"]) if "within" in step else FOREVER
        after = duration(step["after"]) if "after" in step else timedelta(0)
        return moment - chain.entered_at <= self.window and after <= moment - chain.last_at <= within

    def _ordered(self, events: list[Row], fills: dict[Any, set[int]]) -> Iterator[Chain]:
        rows = [
            (event["event_at"], number, engine_order(event["event_id"]), event)
            for event in events
            for number in fills[event["event_id"]]
        ]
        rows.sort(key=lambda row: row[:3])
        for place, (_, number, _, entry) in enumerate(rows):
            if number == 1:
                chain = Chain({1: entry})
                for moment, step, _, event in rows[place + 1 :]:
                    used = event in chain.filled.values()
                    if not used and step in self._next_steps(chain.position) and self._in_time(chain, step, moment):
                        chain.filled[step], chain.position = event, step
                yield chain

    def _strict(self, events: list[Row], fills: dict[Any, set[int]]) -> Iterator[Chain]:
        named = [*self.steps, *self.declaration.get("exclusions", [])]
        stream = [e for e in events if e["source"] == "events" or any(matches(part, e) for part in named)]
        last = len(self.steps) + 1
        stream.sort(key=lambda e: (e["event_at"], min(fills[e["event_id"]], default=last), engine_order(e["event_id"])))
        for place, entry in enumerate(stream):
            if 1 in fills[entry["event_id"]]:
                chain = Chain({1: entry})
                for event in stream[place + 1 :]:
                    if chain.position == len(self.steps) or event["event_at"] - chain.entered_at > self.window:
                        break
                    ways = [
                        number
                        for number in self._next_steps(chain.position)
                        if number in fills[event["event_id"]] and self._in_time(chain, number, event["event_at"])
                    ]
                    if not ways:
                        chain.cleared_at = event["event_at"]
                        break
                    chain.filled[ways[0]], chain.position = event, ways[0]
                yield chain

    def _any(self, events: list[Row], fills: dict[Any, set[int]]) -> Iterator[Chain]:
        stream = [event for event in events if fills[event["event_id"]]]
        stream.sort(key=lambda e: (e["event_at"], min(fills[e["event_id"]]), engine_order(e["event_id"])))
        for place, entry in enumerate(stream):
            chain, used = Chain({1: entry}), [fills[entry["event_id"]]]
            for event in stream[place + 1 :]:
                inside = event["event_at"] - entry["event_at"] <= self.window
                if inside and can_all_be_placed([*used, fills[event["event_id"]]]):
                    used.append(fills[event["event_id"]])
                    chain.position += 1
                    chain.filled[chain.position] = event
            yield chain

    def _contains(self, chain: Chain, rule: Row, events: list[Row]) -> bool:
        """Whether an excluded event falls into the time in which the chain waits between the rule's two steps."""
        begin, end = self.names.index(rule["from"]) + 1, self.names.index(rule["to"]) + 1
        if chain.position < begin:
            return False
        after = chain.came_to(begin)
        moments = [event["event_at"] for event in events if matches(rule, event) and event["event_at"] > after]
        if chain.position >= end:
            return any(moment < chain.came_to(end) for moment in moments)
        waits = [self._waits_until(chain, number) for number in self._next_steps(chain.position)]
        until = chain.entered_at + self.window if self.order == "any" else max(waits)
        until = min(until, chain.cleared_at) if chain.cleared_at else until
        return any(moment <= until for moment in moments)

    def _waits_until(self, chain: Chain, number: int) -> datetime:
        step = self.steps[number - 1]
        within = duration(step["within"]) if "within" in step else FOREVER
        return min(chain.entered_at + self.window, chain.last_at + within)

    def best(self, chains: list[Chain]) -> Chain:
        """The chain that counts: the furthest, then one without an excluded event, then the earliest."""
        if self.declaration.get("reentry", "best") == "first":
            return chains[0]
        return min(chains, key=lambda chain: (-chain.position, chain.is_excluded, chain.entered_at, chain.order))

    def values(self, chain: Chain, channel_at: Callable[[datetime], str]) -> dict[str, str]:
        """Breakdowns of a chain."""
        found = {}
        for breakdown in self.declaration.get("breakdowns", []):
            at, column = breakdown.get("at", "first"), breakdown["column"]
            number = {"first": 1, "last": chain.position}.get(at) or self.names.index(at) + 1
            event = chain.filled.get(number)
            of_event = value_of if column != "channel" else lambda seen, _: channel_at(seen["event_at"])
            found[breakdown.get("name") or column] = of_event(event, column) if event else ""
        return found


def can_all_be_placed(choices: list[set[int]]) -> bool:
    """Whether each event can fill a step of its own, by Hall's theorem."""
    return all(
        len(set().union(*some)) >= size for size in range(1, len(choices) + 1) for some in combinations(choices, size)
    )


def funnel_users(
    declaration: Row,
    people: dict[str, list[Row]],
    day_of: Callable[[datetime], date],
    channel_of: Callable[[str, datetime], str] = lambda person, moment: "",
) -> list[Row]:
    """Rows of funnel_users without is_complete, by person and entry day."""
    funnel, found = Funnel(declaration), []
    for person, events in people.items():
        by_day: dict[date, list[Chain]] = defaultdict(list)
        for chain in funnel.chains(events):
            by_day[day_of(chain.entered_at)].append(chain)
        daily = {day: funnel.best(chains) for day, chains in by_day.items()}
        best = funnel.best([daily[day] for day in sorted(daily)]) if daily else None
        for day, chain in daily.items():
            times = [chain.filled.get(number) for number in range(1, chain.position + 1)]
            found.append(
                {
                    "funnel": declaration["name"],
                    "person_id": person,
                    "breakdown_values": funnel.values(chain, lambda moment, who=person: channel_of(who, moment)),
                    "furthest_step": chain.position,
                    "steps_done": sum(1 << number - 1 for number in chain.filled),
                    "is_excluded": chain.is_excluded,
                    "is_best": chain is best,
                    "entry_date": day,
                    "entered_at": chain.entered_at,
                    "window_ends_at": chain.entered_at + funnel.window,
                    "step_times": [event and event["event_at"] for event in times],
                }
            )
    return sorted(found, key=lambda row: (row["funnel"], row["person_id"], row["entry_date"]))
