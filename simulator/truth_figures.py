"""Figures over all cells: counted from the planted events, cell by cell, in memory that does not grow with users."""

from collections import Counter
from decimal import Decimal
from typing import Any

import numpy as np

from simulator import vocabulary as words
from simulator.cells import CellRows
from simulator.draws import AnyArray, Ints
from simulator.revenue_rows import CHARGE, REFUND
from simulator.scenario import Scenario
from simulator.truth_tables import (
    CONTRACTION,
    MOVEMENTS,
    NEW,
    REACTIVATION,
    CellTruth,
    assignments,
    first_moments,
    outcomes,
)

#: Half an hour without an event ends a session.
QUIET_MS = 30 * 60_000

#: Steps of the funnel from the first visit to the first payment.
JOURNEY = ("page_view", "calculator_started", "calculator_completed", "sign_up", "trial_started", "purchase")


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
        visitor = resolved(rows, truth)
        self._add("events", day)
        self._add("people", _different(stream.person, day))
        self._add("visitors", _different(visitor, day))
        self._add("known_users", _different(stream.person[stream.known], day[stream.known]))
        self._add("sessions", day_of(_first_of_groups(stream.session, stream.moment)))
        self._add("sessions_by_inactivity", day_of(_session_starts(visitor, stream.moment)))
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


def resolved(rows: CellRows, truth: CellTruth) -> Ints:
    """Who an event belongs to, from ids alone: the user, else the only user of the device, else the device."""
    stream, count = rows.stream, rows.life.people.count
    device, person, *_ = truth.pairs
    owner = np.full(2 * count, -1, dtype=np.int64)
    owner[device] = person
    owner[np.bincount(device, minlength=2 * count) != 1] = -1
    alone = owner[stream.device]
    return np.where(stream.known, stream.person, np.where(alone >= 0, alone, count + stream.device))


def _different(who: Ints, day: Ints) -> Ints:
    """The day of each different pair of somebody and day."""
    width = int(day.max()) + 1 if len(day) else 1
    return np.unique(who * width + day) % width


def _first_of_groups(group: Ints, moment: Ints) -> Ints:
    order = np.lexsort((moment, group))
    group, moment = group[order], moment[order]
    return moment[np.concatenate([[True], group[1:] != group[:-1]])] if len(group) else moment


def _session_starts(who: Ints, moment: Ints) -> Ints:
    order = np.lexsort((moment, who))
    who, moment = who[order], moment[order]
    starts = (who[1:] != who[:-1]) | (moment[1:] - moment[:-1] > QUIET_MS)
    return moment[np.concatenate([[True], starts])] if len(who) else moment


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


class FunnelFigures:
    """How many visitors ever did each step, and in this order of first times; how far runs of calculators got."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.did: Counter[str] = Counter()
        self.in_order: Counter[str] = Counter()
        self.runs: dict[str, Counter[str]] = {name: Counter() for name in scenario.world.calculators}

    def add(self, rows: CellRows, truth: CellTruth) -> None:
        """Count a cell."""
        visitor = resolved(rows, truth)
        before = np.zeros(3 * rows.life.people.count, dtype=np.int64)
        for name in JOURNEY:
            moment = first_moments(rows, words.EVENT_NAMES.index(name), visitor, len(before))
            self.did[name] += int((moment >= 0).sum())
            before = np.where((before >= 0) & (moment >= before), moment, -1)
            self.in_order[name] += int((before >= 0).sum())
        calculators = list(self.scenario.world.calculators)
        parts = [rows.life.visits.runs, rows.life.later.runs]
        owner = np.concatenate([part.calculator for part in parts])
        stream = rows.stream
        for event in range(words.CALCULATOR_STARTED, words.CALCULATOR_COMPLETED + 1):
            mine = stream.name == event
            keys, counts = np.unique(np.stack([owner[stream.run[mine]], stream.step[mine]]), axis=1, return_counts=True)
            for (number, step), count in zip(keys.T.tolist(), counts.tolist(), strict=True):
                label = words.EVENT_NAMES[event].removeprefix("calculator_")
                label += f"_{step}" if event in (words.CALCULATOR_STEP, words.CALCULATOR_ERROR) else ""
                self.runs[calculators[number]][label] += count

    def document(self) -> dict[str, Any]:
        """Counts of visitors and of runs."""
        runs = {name: dict(sorted(counts.items())) for name, counts in self.runs.items()}
        return {
            "visitors_who_did": dict(self.did),
            "visitors_in_order_of_first_times": dict(self.in_order),
            "calculators": runs,
        }


class ExperimentFigures:
    """Per experiment and arm: people, crossovers and outcomes after the first exposure."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.arms: dict[str, dict[str, Counter[str]]] = {
            name: {arm: Counter() for arm in experiment.weights}
            for name, experiment in scenario.world.experiments.items()
        }
        self.exposures: Counter[str] = Counter()

    def add(self, rows: CellRows) -> None:
        """Count a cell."""
        found = assignments(rows, len(self.arms))
        converted = outcomes(self.scenario, rows, found) >= 0
        for number, (name, arms) in enumerate(self.arms.items()):
            self.exposures[name] += int((rows.exposures["experiment"] == number).sum())
            for code, count in enumerate(arms.values()):
                mine = (found["experiment"] == number) & (found["arm"] == code)
                crossed = found["crossed"]
                count["people"] += int((mine & ~crossed).sum())
                count["converted"] += int((mine & ~crossed & converted).sum())
                count["crossovers"] += int((mine & crossed).sum())

    def document(self) -> list[dict[str, Any]]:
        """One entry an experiment, with its plan and what was planted."""
        entries = []
        for stretch, experiment in self.scenario.experiments:
            plan = experiment.model_dump(mode="json", exclude={"window"})
            arms = {name: dict(count) for name, count in self.arms[stretch.name].items()}
            entries.append(
                {
                    "experiment_id": stretch.name,
                    "from": moment_text(stretch.begin),
                    "to": moment_text(stretch.end),
                    **plan,
                }
                | {
                    "broken_split": experiment.actual_weights is not None,
                    "exposures": self.exposures[stretch.name],
                    "arms": arms,
                }
            )
        return entries


class DeliveryFigures:
    """Per raw table: planted rows, repeats, late rows, and broken messages by kind."""

    def __init__(self) -> None:
        self.tables: dict[str, Counter[str]] = {}
        self.broken: dict[str, Counter[str]] = {}

    def add(self, rows: CellRows) -> None:
        """Count a cell."""
        for name, arrivals in rows.arrivals.items():
            counts = self.tables.setdefault(name, Counter())
            counts.update(
                planted=len(arrivals.late),
                deliveries=len(arrivals.rows),
                repeats=arrivals.repeats,
                late=int(arrivals.late.sum()),
            )
        for reject in rows.rejects:
            kind = reject["reason"].partition(":")[0]
            self.broken.setdefault(reject["target_table"], Counter())[kind] += 1

    def document(self) -> dict[str, Any]:
        """One entry a table."""
        return {
            name: {
                **counts,
                "malformed": sum(self.broken.get(name, {}).values()),
                "malformed_by_kind": dict(self.broken.get(name, {})),
            }
            for name, counts in self.tables.items()
        }


def moment_text(moment: int) -> str:
    """ISO 8601 in UTC."""
    return f"{np.datetime64(moment, 'ms')}Z"


def add_counts(total: Counter[str], names: list[str], numbers: AnyArray) -> None:
    """Add how often each number occurs, under its name."""
    for number, count in enumerate(np.bincount(numbers, minlength=len(names)).tolist()):
        total[names[number]] += count
