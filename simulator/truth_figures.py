"""Figures over all cells, counted from the planted events, in memory that does not grow with users: days and MRR."""

from collections import Counter
from decimal import Decimal
from typing import Any

import numpy as np

from simulator import vocabulary as words
from simulator.cells import CellRows
from simulator.draws import AnyArray, Ints
from simulator.revenue_rows import CHARGE, REFUND
from simulator.scenario import Scenario
from simulator.truth_facts import CONTRACTION, MOVEMENTS, NEW, REACTIVATION, session_starts
from simulator.truth_tables import CellTruth


def amount_text(value: int) -> str:
    """1/10000 of a currency as an exact number with four decimals."""
    return str(Decimal(int(value)).scaleb(-4).quantize(Decimal("0.0001")))


class DayFigures:
    """Per UTC day: events, users, sessions, sign-ups, orders, money."""

    counts = ("events", "people", "visitors", "known_users", "sessions", "sessions_by_inactivity", "sign_ups", "orders")

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        days = scenario.horizon.days
        self.count: dict[str, Ints] = {name: np.zeros(days, dtype=np.int64) for name in self.counts}
        self.gross: Ints = np.zeros((days, len(scenario.currencies)), dtype=np.int64)
        self.refunds: Ints = np.zeros((days, len(scenario.currencies)), dtype=np.int64)

    def add(self, rows: CellRows, truth: CellTruth) -> None:
        """Count a cell."""
        stream, day_of = rows.stream, self.scenario.horizon.day_of
        day = day_of(stream.moment)
        visitor = truth.visitor
        self._add("events", day)
        self._add("people", _different(stream.person, day))
        self._add("visitors", _different(visitor, day))
        self._add("known_users", _different(stream.person[stream.known], day[stream.known]))
        self._add("sessions", day_of(_first_of_groups(stream.session, stream.moment)))
        self._add("sessions_by_inactivity", day_of(stream.moment[session_starts(visitor, stream.moment)]))
        self._add("sign_ups", day[stream.name == words.SIGN_UP])
        lines = rows.revenue.lines
        charges = lines.type == CHARGE
        self._add("orders", day_of(_first_of_groups(lines.order[charges], lines.moment[charges])))
        currency = self.scenario.country_currency[rows.life.people.country[lines.person]]
        for target, kind in ((self.gross, CHARGE), (self.refunds, REFUND)):
            mine = lines.type == kind
            np.add.at(target, (day_of(lines.moment[mine]), currency[mine]), lines.amount[mine])

    def _add(self, name: str, day: Ints) -> None:
        self.count[name] += np.bincount(day, minlength=len(self.count[name]))

    def document(self) -> list[dict[str, Any]]:
        """One entry a day."""
        codes = self.scenario.currencies
        return [
            {
                "date": self.scenario.horizon.date_of(day).isoformat(),
                **{name: int(values[day]) for name, values in self.count.items()},
                "gross": {c: amount_text(v) for c, v in zip(codes, self.gross[day], strict=True) if v},
                "refunds": {c: amount_text(v) for c, v in zip(codes, self.refunds[day], strict=True) if v},
            }
            for day in range(self.scenario.horizon.days)
        ]


def _different(who: Ints, day: Ints) -> Ints:
    """The day of each different pair of somebody and day."""
    width = int(day.max()) + 1 if len(day) else 1
    return np.unique(who * width + day) % width


def _first_of_groups(group: Ints, moment: Ints) -> Ints:
    order = np.lexsort((moment, group))
    group, moment = group[order], moment[order]
    return moment[np.concatenate([[True], group[1:] != group[:-1]])] if len(group) else moment


class MrrFigures:
    """Monthly recurring revenue by UTC month and currency: balances and movements, by event and by month end."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        first, last = (np.datetime64(day, "M") for day in (scenario.horizon.first, scenario.horizon.last))
        self.months = np.arange(first, last + 1)
        edges = (self.months + 1).astype("datetime64[ms]").astype(np.int64)
        self.ends: Ints = np.minimum(edges, scenario.horizon.end)
        shape = (len(self.months), len(scenario.currencies))
        self.balance: Ints = np.zeros(shape, dtype=np.int64)
        self.active: Ints = np.zeros(shape, dtype=np.int64)
        self.by_event: Ints = np.zeros((*shape, len(MOVEMENTS)), dtype=np.int64)
        self.by_month_end: Ints = np.zeros((*shape, len(MOVEMENTS)), dtype=np.int64)

    def add(self, truth: CellTruth) -> None:
        """Count a cell."""
        states = truth.states
        month = np.searchsorted(self.ends, states.moment, side="right")
        np.add.at(self.by_event, (month, states.currency, states.movement), states.delta)
        count = int(states.subscription.max()) + 1 if len(states.subscription) else 0
        currency, started = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
        currency[states.subscription] = states.currency
        started[states.subscription[states.movement == NEW]] = month[states.movement == NEW]
        before = np.zeros(count, dtype=np.int64)
        for number, end in enumerate(self.ends):
            rows = np.flatnonzero(states.moment < end)
            now = np.zeros(count, dtype=np.int64)
            now[states.subscription[rows]] = states.mrr[rows]  # the last change of each subscription stays
            np.add.at(self.balance[number], currency, now)
            np.add.at(self.active[number], currency, now > 0)
            movement = np.select(
                [(before == 0) & (started == number), before == 0, now == 0, now >= before],
                [NEW, REACTIVATION, MOVEMENTS.index("churn"), MOVEMENTS.index("expansion")],
                CONTRACTION,
            )
            np.add.at(self.by_month_end[number], (currency, movement), now - before)
            before = now

    def document(self) -> list[dict[str, Any]]:
        """One entry a month and currency with any revenue or movement."""
        return [
            {
                "month": str(month),
                "currency": code,
                "mrr_end": amount_text(self.balance[m, c]),
                "subscriptions_end": int(self.active[m, c]),
                "movements_by_event": _named(self.by_event[m, c]),
                "movements_by_month_end": _named(self.by_month_end[m, c]),
            }
            for m, month in enumerate(self.months)
            for c, code in enumerate(self.scenario.currencies)
            if self.balance[m, c] or self.by_event[m, c].any()
        ]


def _named(values: Ints) -> dict[str, str]:
    return {name: amount_text(value) for name, value in zip(MOVEMENTS, values, strict=True)}


def moment_text(moment: int) -> str:
    """ISO 8601 in UTC."""
    return f"{np.datetime64(moment, 'ms')}Z"


def add_counts(total: Counter[str], names: list[str], numbers: AnyArray) -> None:
    """Add how often each number occurs, under its name."""
    for number, count in enumerate(np.bincount(numbers, minlength=len(names)).tolist()):
        total[names[number]] += count
