"""The life of one cell: people, visits, accounts, purchases, subscriptions, sessions and clicks, before any table."""

from dataclasses import dataclass

import numpy as np

from simulator import vocabulary as words
from simulator.clickstream import Clicks, draw_clicks
from simulator.draws import AnyArray, Flags, Ints, generator, pick
from simulator.horizon import DAY_MS
from simulator.journeys import Journeys, draw_journeys
from simulator.people import People, draw_people, lifts
from simulator.purchases import Buyers, Orders, draw_purchases
from simulator.runs import Runs, draw_runs
from simulator.scenario import Scenario
from simulator.sessions import (
    ANONYMOUS,
    FIRST_DEVICE,
    Accounts,
    Sessions,
    choose_devices,
    draw_accounts,
    make_sessions,
    ordinary_sessions,
)
from simulator.subscriptions import CANCELLED, CHANGED, MONTH, REACTIVATED, YEAR, Starts, Subscriptions


@dataclass(frozen=True)
class Chapter:
    """Sessions, their calculator runs and clicks: visits before the account, or later ones."""

    sessions: Sessions
    runs: Runs
    clicks: Clicks


@dataclass(frozen=True)
class Trials:
    """One row a trial; `pays_at` is -1 where the trial ends without a payment."""

    person: Ints
    moment: Ints
    plan: Ints
    period: Ints
    pays_at: Ints


@dataclass(frozen=True)
class Life:
    """Everything that happens to the people of a cell. Positions refer to People and to the tables beside them."""

    people: People
    journeys: Journeys
    visits: Chapter
    accounts: Accounts
    opened_at: Ints  # by person, -1 without an account
    user_exposed: Flags  # (people, experiments) for experiments on users
    trials: Trials
    starts: Starts
    changes: dict[str, AnyArray]
    charges: dict[str, AnyArray]
    reasons: list[str]
    buyers: Buyers
    orders: Orders
    later: Chapter


def live(scenario: Scenario, cell: int, count: int) -> Life:
    """Draw the life of a cell of `count` people."""
    people = draw_people(scenario, cell, count)
    journeys = draw_journeys(scenario, people)
    visits = _visits(scenario, people, journeys)
    opened_at = _moments_of(visits, words.SIGN_UP, people.count)
    person = np.flatnonzero(opened_at >= 0)
    exposed = _user_exposures(scenario, people, opened_at)
    trials, starts = _starts(scenario, people, visits, exposed)
    subscriptions = Subscriptions(scenario, people, starts)
    book = subscriptions.run()
    changes, charges = _sorted(book.changes), _sorted(book.charges)
    buyers, orders = draw_purchases(scenario, people, person, opened_at[person])
    paying = np.isin(person, starts.person)
    accounts = draw_accounts(scenario, people, person, opened_at[person], paying)
    later = _later(scenario, people, accounts, orders, starts, changes)
    return Life(
        people, journeys, visits, accounts, opened_at, exposed, trials, starts, changes, charges,
        subscriptions.reasons, buyers, orders, later,
    )  # fmt: skip


def _visits(scenario: Scenario, people: People, journeys: Journeys) -> Chapter:
    kind = np.where(journeys.decides, words.OPENING, words.VISIT)
    follows = np.where(journeys.decides, _follows(scenario, people, journeys), words.NOTHING)
    sessions = make_sessions(
        journeys.person,
        journeys.start,
        kind=kind,
        source=journeys.source,
        device=FIRST_DEVICE,
        login=ANONYMOUS,
        follows=follows,
    )
    return _chapter(scenario, people, sessions, "visits")


def _follows(scenario: Scenario, people: People, journeys: Journeys) -> Ints:
    """Whether a trial or a purchase follows the sign-up, under the experiments on users."""
    rules = scenario.world.subscriptions
    random = generator(scenario.seed, "follows", people.cell)
    drawn = random.random(people.count)[journeys.person]
    trial = np.full(len(journeys.person), rules.trial)
    for number, (factor, (window, experiment)) in enumerate(zip(lifts(scenario), scenario.experiments, strict=True)):
        if experiment.metric == "trial":
            hit = window.holds(journeys.start)
            trial = np.where(hit, trial * factor[people.arms[journeys.person, number]], trial)
    trial = np.minimum(trial, 1 - rules.direct_purchase)
    return np.where(
        drawn < trial, words.TRIAL, np.where(drawn < trial + rules.direct_purchase, words.DIRECT, words.NOTHING)
    )


def _chapter(scenario: Scenario, people: People, sessions: Sessions, purpose: str) -> Chapter:
    runs = draw_runs(scenario, people, sessions, purpose)
    return Chapter(sessions, runs, draw_clicks(scenario, people, sessions, runs, purpose))


def _moments_of(chapter: Chapter, name: int, count: int) -> Ints:
    """When each person first did something, -1 for never."""
    rows = np.flatnonzero(chapter.clicks.name == name)[::-1]
    moments = np.full(count, -1, dtype=np.int64)
    moments[chapter.sessions.person[chapter.clicks.session[rows]]] = chapter.clicks.moment[rows]
    return moments


def _user_exposures(scenario: Scenario, people: People, opened_at: Ints) -> Flags:
    """Who opens an account while an experiment on users runs."""
    exposed = np.zeros((people.count, len(scenario.experiments)), dtype=bool)
    for number, (window, experiment) in enumerate(scenario.experiments):
        if experiment.unit == "user":
            exposed[:, number] = window.holds(opened_at)
    return exposed


def _starts(scenario: Scenario, people: People, visits: Chapter, exposed: Flags) -> tuple[Trials, Starts]:
    """Trials, and the subscriptions that follow them or a purchase without one."""
    rules, plans = scenario.world.subscriptions, list(scenario.world.plans.values())
    random = generator(scenario.seed, "plans", people.cell)
    plan = pick(random, [plan.weight for plan in plans], people.count)
    period = np.where(random.random(people.count) < rules.annual, YEAR, MONTH)
    trial_at = _moments_of(visits, words.TRIAL_STARTED, people.count)
    bought_at = _moments_of(visits, words.PURCHASE, people.count)
    chance = np.full(people.count, rules.trial_to_paid)
    for number, (factor, (_, experiment)) in enumerate(zip(lifts(scenario), scenario.experiments, strict=True)):
        if experiment.metric == "paid_after_trial":
            chance = np.where(exposed[:, number], chance * factor[people.arms[:, number]], chance)
    pays = random.random(people.count) < np.minimum(chance, 1)
    pays_at = np.where(pays & (trial_at >= 0), trial_at + rules.trial_days * DAY_MS, -1)
    who = np.flatnonzero(trial_at >= 0)
    trials = Trials(who, trial_at[who], plan[who], period[who], pays_at[who])
    moment = np.where(bought_at >= 0, bought_at, np.where(pays_at < scenario.horizon.end, pays_at, -1))
    who = np.flatnonzero(moment >= 0)
    return trials, Starts(who, moment[who], plan[who], period[who])


def _sorted(columns: dict[str, list[AnyArray]]) -> dict[str, AnyArray]:
    """Columns of a Book, joined, ordered by subscription and time."""
    joined = {name: np.concatenate(parts) for name, parts in columns.items()}
    if joined:
        order = np.lexsort((joined["moment"], joined["subscription"]))
        joined = {name: values[order] for name, values in joined.items()}
    return joined


def _later(
    scenario: Scenario, people: People, accounts: Accounts, orders: Orders, starts: Starts, changes: dict[str, AnyArray]
) -> Chapter:
    purposeful = make_sessions(
        orders.person, orders.moment, kind=words.BUYING, subject=np.arange(len(orders.person))
    ) + _change_sessions(starts, changes)
    ordinary = ordinary_sessions(scenario, people, accounts, purposeful)
    sessions = ordinary + purposeful
    sessions = sessions[np.lexsort((sessions.moment, sessions.person))]
    return _chapter(scenario, people, choose_devices(scenario, people, sessions), "later")


def _change_sessions(starts: Starts, changes: dict[str, AnyArray]) -> Sessions:
    """Sessions in which people change, end or take up a subscription."""
    kinds = {CHANGED: words.CHANGING, CANCELLED: words.CANCELLING, REACTIVATED: words.RETURNING}
    if not changes:
        return make_sessions(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    rows = np.flatnonzero(changes["by_user"] & np.isin(changes["kind"], list(kinds)))
    kind = np.array([-1, *(kinds[number] for number in (CHANGED, CANCELLED, REACTIVATED))])[changes["kind"][rows]]
    return make_sessions(starts.person[changes["subscription"][rows]], changes["moment"][rows], kind=kind, subject=rows)
