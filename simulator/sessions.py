"""Sessions as one table of columns, and the ordinary sessions of people who hold an account."""

from dataclasses import dataclass, fields

import numpy as np

from simulator.draws import Flags, Floats, Ints, generator, repeat_ranges
from simulator.horizon import DAY_MS, HOUR_MS
from simulator.journeys import APART_MS, draw_sources
from simulator.people import People, at_local_hours
from simulator.scenario import Scenario
from simulator.vocabulary import ORDINARY

#: How a session is known: all events anonymous, all events with the user, or a log-in after the first page.
ANONYMOUS, KNOWN, LOGS_IN = range(3)

#: Whose device: the person's first, the person's second, somebody else's.
FIRST_DEVICE, SECOND_DEVICE, BORROWED = range(3)


@dataclass(frozen=True)
class Sessions:
    """One row a session. `moment` is when its main event happens: the landing, or what the session is for."""

    person: Ints
    moment: Ints
    kind: Ints
    source: Ints
    device: Ints
    login: Ints
    follows: Ints  # what follows a sign-up
    subject: Ints  # order or change that the session is for, else -1

    @property
    def count(self) -> int:
        """Number of sessions."""
        return len(self.person)

    def __getitem__(self, rows: Ints | Flags) -> "Sessions":
        return Sessions(*(getattr(self, field.name)[rows] for field in fields(self)))

    def __add__(self, other: "Sessions") -> "Sessions":
        return Sessions(*(np.concatenate([getattr(self, f.name), getattr(other, f.name)]) for f in fields(self)))


def make_sessions(person: Ints, moment: Ints, **columns: Ints | int) -> Sessions:
    """Sessions whose other columns are arrays or one number; what is not given is 0, the subject -1."""
    defaults: dict[str, Ints | int] = {"kind": 0, "source": 0, "device": 0, "login": 0, "follows": 0, "subject": -1}
    chosen = {**defaults, **columns}
    full = {name: np.broadcast_to(np.asarray(value, dtype=np.int64), person.shape) for name, value in chosen.items()}
    return Sessions(person=person, moment=moment, **full)


@dataclass(frozen=True)
class Accounts:
    """One row an account: who, when it was opened, when its owner stops coming, and how often they come."""

    person: Ints
    opened: Ints
    leaves: Ints
    rate: Floats


def draw_accounts(scenario: Scenario, people: People, person: Ints, opened: Ints, paying: Flags) -> Accounts:
    """Rates and lifetimes of people who opened an account."""
    rules, random = scenario.world.behaviour, generator(scenario.seed, "accounts", people.cell)
    life = random.exponential(rules.lifetime_mean_days, len(person)) * DAY_MS
    life[random.random(len(person)) < rules.one_time_users] = 0
    rate = random.gamma(rules.sessions_shape, rules.sessions_per_day / rules.sessions_shape, len(person))
    rate = np.where(paying, rate * rules.paying_factor, rate)
    leaves = np.minimum(opened + life.astype(np.int64), scenario.horizon.end)
    return Accounts(person, opened, leaves, rate)


def ordinary_sessions(scenario: Scenario, people: People, accounts: Accounts, purposeful: Sessions) -> Sessions:
    """Ordinary sessions of accounts: a Poisson process that follows the country's traffic, apart from all others."""
    random = generator(scenario.seed, "sessions", people.cell)
    level = np.concatenate([np.zeros((len(scenario.countries), 1)), np.cumsum(scenario.intensity, axis=1)], axis=1)
    country = people.country[accounts.person]
    low = _level(scenario, level, country, accounts.opened)
    high = _level(scenario, level, country, accounts.leaves)
    account, _ = repeat_ranges(random.poisson(accounts.rate * (high - low)))
    target = low[account] + random.random(len(account)) * (high - low)[account]
    day = np.empty(len(account), dtype=np.int64)
    for number in range(len(scenario.countries)):
        mine = country[account] == number
        day[mine] = np.searchsorted(level[number], target[mine], side="right") - 1
    person = accounts.person[account]
    moment = at_local_hours(scenario, random, np.minimum(day, scenario.horizon.days - 1), people.region[person])
    midnight = (moment // DAY_MS + 1) * DAY_MS
    sharp = (random.random(len(moment)) < scenario.world.behaviour.at_midnight) & (midnight < scenario.horizon.end)
    moment = np.where(sharp, midnight, moment)
    keep = (moment >= accounts.opened[account] + APART_MS) & ~_lost(scenario, random, moment)
    person, moment = person[keep], moment[keep]
    keep = apart(person, moment, purposeful)
    person, moment = person[keep], moment[keep]
    source = draw_sources(scenario, random, people, person, moment, np.zeros(len(person), dtype=bool))
    return make_sessions(person, moment, kind=ORDINARY, source=source)


def _level(scenario: Scenario, level: Floats, country: Ints, moment: Ints) -> Floats:
    passed = moment - scenario.horizon.start
    day = np.minimum(passed // DAY_MS, scenario.horizon.days - 1)
    part = np.minimum((passed - day * DAY_MS) / DAY_MS, 1.0)
    reached: Floats = level[country, day] + part * (level[country, day + 1] - level[country, day])
    return reached


def _lost(scenario: Scenario, random: np.random.Generator, moment: Ints) -> Flags:
    """Sessions that never begin because the site is down."""
    drawn = random.random(len(moment))
    lost = np.zeros(len(moment), dtype=bool)
    for stretch, incident in scenario.incidents:
        lost |= stretch.holds(moment) & (drawn < incident.lost_sessions)
    return lost


def apart(person: Ints, moment: Ints, others: Sessions) -> Flags:
    """Which sessions begin at least four hours after the one before and before or after any of `others`."""
    owner = np.concatenate([person, others.person])
    when = np.concatenate([moment, others.moment])
    fixed = np.arange(len(owner)) >= len(person)
    order = np.lexsort((when, owner))
    owner, when, fixed = owner[order], when[order], fixed[order]
    near = (owner[1:] == owner[:-1]) & (when[1:] - when[:-1] < APART_MS)
    drop = np.zeros(len(owner), dtype=bool)
    drop[1:] |= near & ~fixed[1:]
    drop[:-1] |= near & fixed[1:] & ~fixed[:-1]
    kept = np.empty(len(owner), dtype=bool)
    kept[order] = ~drop
    return kept[: len(person)]


def choose_devices(scenario: Scenario, people: People, sessions: Sessions) -> Sessions:
    """Decide device and log-in of later sessions; a second device always asks for a log-in."""
    rules, random = scenario.world.behaviour, generator(scenario.seed, "devices", people.cell)
    drawn, habit = random.random(sessions.count), random.random(sessions.count)
    second = people.two_devices[sessions.person] & (drawn < rules.second_device_sessions)
    login = np.where(second | (habit >= rules.stays_logged_in), LOGS_IN, KNOWN)
    silent = (sessions.kind == ORDINARY) & (random.random(sessions.count) < rules.never_logs_in)
    login = np.where(silent, ANONYMOUS, login)
    device = np.where(second, SECOND_DEVICE, FIRST_DEVICE)
    borrowed = _borrowed(scenario, random, sessions)
    login, device = np.where(borrowed, LOGS_IN, login), np.where(borrowed, BORROWED, device)
    return Sessions(
        sessions.person,
        sessions.moment,
        sessions.kind,
        sessions.source,
        device,
        login,
        sessions.follows,
        sessions.subject,
    )


def _borrowed(scenario: Scenario, random: np.random.Generator, sessions: Sessions) -> Flags:
    """One ordinary session each of a few people: on the first device of the account before theirs in the cell."""
    people = np.unique(sessions.person)[1:]
    lends = people[random.random(len(people)) < scenario.world.behaviour.shared_devices]
    rows = np.flatnonzero((sessions.kind == ORDINARY) & np.isin(sessions.person, lends))
    _, first = np.unique(sessions.person[rows], return_index=True)
    borrowed = np.zeros(sessions.count, dtype=bool)
    borrowed[rows[first]] = True
    return borrowed


#: Sessions never last longer than this, so that thirty quiet minutes lie between two of them.
LONGEST_SESSION_MS = 3 * HOUR_MS
