"""Facts about a cell on which tables and figures of the truth agree: first times, identities, changes, outcomes."""

import numpy as np

from simulator.cells import CellRows
from simulator.draws import AnyArray, Flags, Ints
from simulator.scenario import Scenario
from simulator.subscriptions import CANCELLED, REACTIVATED, STARTED, YEAR

MOVEMENTS = ("new", "expansion", "contraction", "churn", "reactivation")
NEW, EXPANSION, CONTRACTION, CHURN, REACTIVATION = range(5)

#: Half an hour without an event ends a session.
QUIET_MS = 30 * 60_000


def first_moments(rows: CellRows, name: int, who: Ints, count: int) -> Ints:
    """When each of `count` somebodies first did something, -1 for never; `who` tells whose each event is."""
    mine = rows.stream.name == name
    moments = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(moments, who[mine], rows.stream.moment[mine])
    return np.where(moments == np.iinfo(np.int64).max, -1, moments)


def identity_pairs(rows: CellRows) -> tuple[Ints, Ints, Ints, Ints]:
    """Device, person, first moment and number of events of each device and user seen together."""
    stream, count = rows.stream, rows.life.people.count
    known = np.flatnonzero(stream.known)
    key, inverse, events = np.unique(
        stream.device[known] * count + stream.person[known], return_inverse=True, return_counts=True
    )
    first = np.full(len(key), np.iinfo(np.int64).max)
    np.minimum.at(first, inverse, stream.moment[known])
    return key // count, key % count, first, events


def resolved(rows: CellRows, pairs: tuple[Ints, Ints, Ints, Ints]) -> Ints:
    """Who an event belongs to, from ids alone: the user, else the only user of the device, else the device."""
    stream, count = rows.stream, rows.life.people.count
    device, person, *_ = pairs
    owner = np.full(2 * count, -1, dtype=np.int64)
    owner[device] = person
    owner[np.bincount(device, minlength=2 * count) != 1] = -1
    alone = owner[stream.device]
    return np.where(stream.known, stream.person, np.where(alone >= 0, alone, count + stream.device))


def session_starts(who: Ints, moment: Ints) -> Ints:
    """Positions of the events before which half an hour passed without another of the same visitor."""
    order, starts = _in_time(who, moment)
    return order[starts]


def is_at_a_start(who: Ints, moment: Ints) -> Flags:
    """Which events happen at the moment at which a session of their visitor begins."""
    order, starts = _in_time(who, moment)
    begun_at = moment[order[starts]][np.cumsum(starts) - 1]
    found = np.empty(len(order), dtype=bool)
    found[order] = moment[order] == begun_at
    return found


def _in_time(who: Ints, moment: Ints) -> tuple[Ints, Flags]:
    """Positions by visitor and time, and which of them begin a session."""
    order = np.lexsort((moment, who))
    later = (who[order][1:] == who[order][:-1]) & (np.diff(moment[order]) <= QUIET_MS)
    return order, np.concatenate([np.ones(min(len(order), 1), dtype=bool), ~later])


class Changes:
    """Changes of subscriptions with the monthly revenue before and after each, in 1/10000 of the currency."""

    def __init__(self, scenario: Scenario, rows: CellRows) -> None:
        life, changes = rows.life, rows.life.changes
        empty = np.empty(0, dtype=np.int64)
        self.subscription: Ints = changes.get("subscription", empty)
        self.moment: Ints = changes.get("moment", empty)
        self.kind: Ints = changes.get("kind", empty)
        self.plan: Ints = changes.get("plan", empty)
        self.period: Ints = changes.get("period", empty)
        self.price: Ints = changes.get("price", empty)
        self.person: Ints = life.starts.person[self.subscription]
        self.currency: Ints = scenario.country_currency[life.people.country[self.person]]
        monthly = np.where(self.period == YEAR, self.price // 12, self.price)
        self.mrr: Ints = np.where(self.kind == CANCELLED, 0, monthly)
        same = self.subscription[1:] == self.subscription[:-1]
        self.until: Ints = np.concatenate(
            [np.where(same, self.moment[1:], -1), empty[:0] if not len(self.kind) else [-1]]
        ).astype(np.int64)
        before = np.concatenate([[0], np.where(same, self.mrr[:-1], 0)])[: len(self.mrr)]
        self.delta: Ints = self.mrr - before
        self.movement: Ints = np.select(
            [self.kind == STARTED, self.kind == CANCELLED, self.kind == REACTIVATED, self.delta >= 0],
            [NEW, CHURN, REACTIVATION, EXPANSION],
            CONTRACTION,
        )


def assignments(rows: CellRows, experiments: int) -> dict[str, AnyArray]:
    """First exposure of each person in each experiment, and whether other arms followed."""
    seen = rows.exposures
    order = np.lexsort((seen["moment"], seen["person"], seen["experiment"]))
    experiment, person = seen["experiment"][order], seen["person"][order]
    key = experiment * max(rows.life.people.count, 1) + person
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    other = seen["arm"][order] != seen["arm"][order][first][inverse]
    crossed: Flags = np.bincount(inverse, weights=other, minlength=len(first)) > 0
    return {
        "experiment": experiment[first],
        "person": person[first],
        "arm": seen["arm"][order][first],
        "moment": seen["moment"][order][first],
        "crossed": crossed,
    }


def outcomes(scenario: Scenario, rows: CellRows, found: dict[str, AnyArray]) -> Ints:
    """When the experiment's metric happened after the first exposure, -1 for never inside the range."""
    life, count = rows.life, rows.life.people.count
    trial, paid = np.full(count, -1, dtype=np.int64), np.full(count, -1, dtype=np.int64)
    trial[life.trials.person] = life.trials.moment
    inside = (life.trials.pays_at >= 0) & (life.trials.pays_at < scenario.horizon.end)
    paid[life.trials.person[inside]] = life.trials.pays_at[inside]
    by_metric = {"sign_up": life.opened_at, "trial": trial, "paid_after_trial": paid}
    result = np.full(len(found["person"]), -1, dtype=np.int64)
    for number, (_, experiment) in enumerate(scenario.experiments):
        mine = found["experiment"] == number
        moment = by_metric[experiment.metric][found["person"][mine]]
        result[mine] = np.where(moment > found["moment"][mine], moment, -1)
    return result
