"""Turns sessions into events: what happens in which order, and when."""

from dataclasses import dataclass

import numpy as np

from simulator import vocabulary as words
from simulator.draws import Flags, Ints, generator, pick, repeat_ranges
from simulator.people import People
from simulator.runs import Runs
from simulator.scenario import Scenario
from simulator.sessions import ANONYMOUS, KNOWN, LOGS_IN, LONGEST_SESSION_MS, Sessions

#: The longest pause inside a session.
LONGEST_PAUSE_MS = 20 * 60_000

#: Places in a session. Pages, runs of calculators and purposes follow one another in this order.
_LANDING, _LOGIN, _PAGES, _RUNS, _SIGN_UP, _CHECKOUT, _AFTER = 0, 10, 100, 1000, 5000, 6000, 7000
_RUN_LENGTH = 100


@dataclass(frozen=True)
class Clicks:
    """One row an event, ordered by session and time. `run` and `step` belong to calculators, else -1 and 0."""

    session: Ints
    name: Ints
    page: Ints
    moment: Ints
    pause: Ints  # since the event before in the session, ms
    run: Ints
    step: Ints
    known: Flags  # carries the user
    landing: Flags  # carries referrer and campaign
    main: Flags  # what the session is for

    def __getitem__(self, rows: Flags | Ints) -> "Clicks":
        return Clicks(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


class _Slots:
    """Events of sessions before they have a time: columns that grow."""

    def __init__(self) -> None:
        self.parts: list[tuple[Ints, ...]] = []

    def add(
        self, session: Ints, place: Ints | int, name: int, page: Ints | int, run: Ints | int = -1, step: Ints | int = 0
    ) -> None:
        columns = (session, place, np.int64(name), page, run, step)
        self.parts.append(tuple(np.broadcast_to(np.asarray(c, dtype=np.int64), session.shape) for c in columns))

    def ordered(self) -> list[Ints]:
        session, place, *rest = (np.concatenate(column) for column in zip(*self.parts, strict=True))
        order = np.argsort(session * 16_384 + place, kind="stable")
        return [column[order] for column in (session, place, *rest)]


def draw_clicks(scenario: Scenario, people: People, sessions: Sessions, runs: Runs, purpose: str) -> Clicks:
    """All events of the sessions that happen before the end of the range."""
    random = generator(scenario.seed, f"clicks/{purpose}", people.cell)
    slots = _Slots()
    _add_pages(scenario, random, sessions, slots)
    _add_runs(scenario, runs, slots)
    _add_purposes(scenario, random, sessions, slots)
    session, place, name, page, run, step = slots.ordered()
    main = _main_events(sessions, session, place, name)
    pause, moment = _moments(scenario, random, sessions, session, name, main)
    known = _known(sessions, session, place)
    clicks = Clicks(session, name, page, moment, pause, run, step, known, place == _LANDING, main)
    return clicks[(moment < scenario.horizon.end) & (moment >= scenario.horizon.start)]


def _add_pages(scenario: Scenario, random: np.random.Generator, sessions: Sessions, slots: _Slots) -> None:
    everyone = np.arange(sessions.count, dtype=np.int64)
    weights = list(scenario.world.pages.values())
    slots.add(everyone, _LANDING, words.PAGE_VIEW, pick(random, weights, sessions.count))
    more = random.geometric(1 / (1 + scenario.world.behaviour.pages), sessions.count) - 1
    owner, number = repeat_ranges(np.minimum(more, 40))
    slots.add(owner, _PAGES + number, words.PAGE_VIEW, pick(random, weights, len(owner)))
    logs_in = everyone[sessions.login == LOGS_IN]
    slots.add(logs_in, _LOGIN, words.PAGE_VIEW, words.purpose_page(scenario, "/login"))
    slots.add(logs_in, _LOGIN + 1, words.LOGIN, words.purpose_page(scenario, "/login"))


def _add_runs(scenario: Scenario, runs: Runs, slots: _Slots) -> None:
    every = np.arange(runs.count, dtype=np.int64)
    place = _RUNS + runs.number * _RUN_LENGTH
    page = words.calculator_page(scenario) + runs.calculator
    slots.add(runs.session, place, words.PAGE_VIEW, page)
    slots.add(runs.session, place + 1, words.CALCULATOR_STARTED, page, every)
    run, number = repeat_ranges(runs.reached)
    slots.add(runs.session[run], place[run] + 5 + 2 * number, words.CALCULATOR_STEP, page[run], run, number + 1)
    failed = every[runs.failed_step > 0]
    at = place[failed] + 2 + 2 * runs.failed_step[failed]
    slots.add(runs.session[failed], at, words.CALCULATOR_ERROR, page[failed], failed, runs.failed_step[failed])
    done = every[runs.reached == runs.steps]
    slots.add(runs.session[done], place[done] + 60, words.CALCULATOR_COMPLETED, page[done], done, runs.steps[done])


def _add_purposes(scenario: Scenario, random: np.random.Generator, sessions: Sessions, slots: _Slots) -> None:
    def page(path: str) -> int:
        return words.purpose_page(scenario, path)

    def rows(flags: Flags) -> Ints:
        return np.flatnonzero(flags)

    kind, follows = sessions.kind, sessions.follows
    opening = rows(kind == words.OPENING)
    slots.add(opening, _SIGN_UP, words.PAGE_VIEW, page("/sign-up"))
    slots.add(opening, _SIGN_UP + 1, words.SIGN_UP, page("/sign-up"))
    trial = rows(follows == words.TRIAL)
    wavers = (kind == words.ORDINARY) & (sessions.login != ANONYMOUS)
    wavers &= random.random(sessions.count) < scenario.world.behaviour.abandoned_checkout
    buying = rows((follows == words.DIRECT) | (kind == words.BUYING) | (kind == words.RETURNING))
    checkout = np.sort(np.concatenate([trial, buying, rows(wavers)]))
    slots.add(checkout, _CHECKOUT, words.PAGE_VIEW, page("/pricing"))
    slots.add(checkout, _CHECKOUT + 1, words.CHECKOUT_STARTED, page("/checkout"))
    slots.add(trial, _CHECKOUT + 2, words.TRIAL_STARTED, page("/checkout"))
    slots.add(buying, _CHECKOUT + 2, words.PURCHASE, page("/checkout"))
    for purpose, name in ((words.CHANGING, words.PLAN_CHANGED), (words.CANCELLING, words.SUBSCRIPTION_CANCELLED)):
        which = rows(kind == purpose)
        slots.add(which, _AFTER, words.PAGE_VIEW, page("/account/plan"))
        slots.add(which, _AFTER + 1, name, page("/account/plan"))


def _main_events(sessions: Sessions, session: Ints, place: Ints, name: Ints) -> Flags:
    """The one event of each session that stands at the session's moment."""
    kind = sessions.kind[session]
    purposes = {
        words.OPENING: words.SIGN_UP,
        words.BUYING: words.PURCHASE,
        words.RETURNING: words.PURCHASE,
        words.CHANGING: words.PLAN_CHANGED,
        words.CANCELLING: words.SUBSCRIPTION_CANCELLED,
    }
    main: Flags = (place == _LANDING) & ((kind == words.VISIT) | (kind == words.ORDINARY))
    for purpose, event in purposes.items():
        main |= (kind == purpose) & (name == event)
    return main


def _moments(
    scenario: Scenario, random: np.random.Generator, sessions: Sessions, session: Ints, name: Ints, main: Flags
) -> tuple[Ints, Ints]:
    """Pauses between events, and times that put the main event at the session's moment."""
    median = np.array([words.PACE[number][0] for number in range(len(words.EVENT_NAMES))]) * 1000
    sigma = np.array([words.PACE[number][1] for number in range(len(words.EVENT_NAMES))])
    drawn = median[name] * np.exp(sigma[name] * random.standard_normal(len(name)))
    pause = np.clip(drawn, 1, LONGEST_PAUSE_MS).astype(np.int64)
    pause[random.random(len(name)) < scenario.world.behaviour.equal_stamps] = 0
    first = np.concatenate([[True], session[1:] != session[:-1]]) if len(session) else np.zeros(0, dtype=bool)
    pause[first] = 0
    passed = np.cumsum(pause)
    at_main = np.empty(sessions.count, dtype=np.int64)
    at_main[session[main]] = passed[main]
    aim = sessions.moment[session]
    moment = np.clip(aim + passed - at_main[session], aim - LONGEST_SESSION_MS // 2, aim + LONGEST_SESSION_MS // 2)
    early = np.zeros(sessions.count, dtype=np.int64)  # a session may not begin before the range does
    early[session[first]] = np.maximum(scenario.horizon.start - moment[first], 0)
    return pause, moment + early[session]


def _known(sessions: Sessions, session: Ints, place: Ints) -> Flags:
    login, kind = sessions.login[session], sessions.kind[session]
    signed = (kind == words.OPENING) & (place > _SIGN_UP)
    known: Flags = (login == KNOWN) | ((login == LOGS_IN) & (place > _LOGIN)) | signed
    return known
