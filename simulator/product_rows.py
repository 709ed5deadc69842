"""Rows of user_events, calculator_usage and experiment_exposures from the life of a cell."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from simulator import vocabulary as words
from simulator.columns import Properties, chosen, ids, low, stamps, text
from simulator.draws import AnyArray, Flags, Ints, generator, hex_names, uuids
from simulator.horizon import DAY_MS
from simulator.life import Chapter, Life
from simulator.people import languages
from simulator.scenario import Scenario, versions_until
from simulator.sessions import BORROWED, FIRST_DEVICE

#: Row numbers of one cell leave room for this many rows, so that keys of different cells never meet.
CELL_KEYS = 2**36


@dataclass(frozen=True)
class Stream:
    """All clicks of a cell with what tables and truth need: one row an event."""

    person: Ints  # who acts, also while anonymous or on a borrowed device
    session: Ints  # position among all sessions of the cell, visits first
    device: Ints  # position in People.anonymous_ids
    kind: Ints  # kind of device
    source: Ints  # source of the session on its landing page, else -1
    name: Ints
    page: Ints
    moment: Ints
    pause: Ints
    run: Ints  # position among all runs of the cell, else -1
    step: Ints
    known: Flags
    kind_of_session: Ints
    subject: Ints  # of sessions with a purpose: order or change

    @property
    def count(self) -> int:
        """Number of events."""
        return len(self.person)


def stream_of(life: Life) -> Stream:
    """Clicks of visits and of later sessions as one stream."""
    parts = [_chapter(life, life.visits, 0, 0)]
    parts.append(_chapter(life, life.later, life.visits.sessions.count, life.visits.runs.count))
    return Stream(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _chapter(life: Life, chapter: Chapter, sessions_before: int, runs_before: int) -> tuple[AnyArray, ...]:
    clicks, sessions = chapter.clicks, chapter.sessions
    session = clicks.session
    person = sessions.person[session]
    slot = sessions.device[session]
    lender = _lenders(life)[person]
    owner = np.where(slot == BORROWED, lender, person)
    second = (slot != FIRST_DEVICE) & (slot != BORROWED)
    device = np.where(second, owner + life.people.count, owner)
    kind = life.people.devices[owner, second.astype(np.int64)]
    source = np.where(clicks.landing, sessions.source[session], -1)
    run = np.where(clicks.run >= 0, clicks.run + runs_before, -1)
    subject = np.where(clicks.main, sessions.subject[session], -1)
    return (
        person, session + sessions_before, device, kind, source, clicks.name, clicks.page, clicks.moment, clicks.pause,
        run, clicks.step, clicks.known, sessions.kind[session], subject,
    )  # fmt: skip


def _lenders(life: Life) -> Ints:
    """For each person, the account before theirs in the cell, on whose device they may log in."""
    accounts = life.accounts.person
    lender = np.arange(life.people.count, dtype=np.int64)
    lender[accounts[1:]] = accounts[:-1]
    return lender


class ProductRows:
    """Builds the tables that the product's pages send, for one cell."""

    def __init__(self, scenario: Scenario, life: Life, stream: Stream) -> None:
        self.scenario, self.life, self.stream, self.people = scenario, life, stream, life.people
        self.users = text(self.people.user_ids())
        self.devices = text(self.people.anonymous_ids(scenario.seed))
        sessions = life.visits.sessions.count + life.later.sessions.count
        self.sessions = text(hex_names("s", scenario.seed, "session", self.keys(sessions)))
        runs = life.visits.runs.count + life.later.runs.count
        self.runs = text(hex_names("c", scenario.seed, "run", self.keys(runs)))

    def keys(self, count: int) -> Ints:
        """Numbers that no other cell uses."""
        return self.people.cell * CELL_KEYS + np.arange(count, dtype=np.int64)

    def user_events(self) -> pa.Table:
        """One row an event, in the order of the stream."""
        stream, world, people = self.stream, self.scenario.world, self.people
        person = stream.person
        traits = ("platform", "device_type", "browser", "operating_system")
        kinds = {key: self._device_trait(key, stream.kind) for key in traits}
        version = np.searchsorted(
            versions_until(self.scenario.horizon, world.app_versions), stream.moment, side="right"
        )
        tags = {
            key: low([getattr(source, key) for _, source in self.scenario.sources], stream.source)
            for key in ("referrer_host", "utm_source", "utm_medium", "utm_campaign")
        }
        residence = np.where(stream.known, people.residence[person], -1)
        return pa.table(
            {
                "event_id": ids(uuids(self.scenario.seed, "user_events", self.keys(stream.count))),
                "event_name": low(words.EVENT_NAMES, stream.name),
                "event_at": stamps(stream.moment),
                "user_id": chosen(self.users, np.where(stream.known, person, -1)),
                "anonymous_id": chosen(self.devices, stream.device),
                "session_id": chosen(self.sessions, stream.session),
                "country": low(self.scenario.countries, people.country[person]),
                "region": low([code for _, code, *_ in self.scenario.regions], people.region[person]),
                "tax_residence": low(self.scenario.countries, residence),
                **kinds,
                "language": low([tag for _, tag, _ in languages(self.scenario)], people.language[person]),
                "app_version": low(world.app_versions, version),
                "page_path": chosen(pa.array(words.page_paths(self.scenario)), stream.page),
                **tags,
                **self._creatives(),
                "properties": self._properties(),
            }
        )

    def _device_trait(self, key: str, kind: Ints) -> pa.Array:
        return low([getattr(device, key) for device in self.scenario.world.devices], kind)

    def _creatives(self) -> dict[str, pa.Array]:
        """utm_content and utm_term of landing pages, one of those the source lists."""
        drawn = generator(self.scenario.seed, "creatives", self.people.cell).random(self.stream.count)
        columns = {}
        for key, name in (("utm_content", "contents"), ("utm_term", "terms")):
            lists = [getattr(source, name) for _, source in self.scenario.sources]
            sizes = np.array([len(options) for options in lists] + [0])
            starts = np.cumsum(sizes) - sizes
            size = sizes[self.stream.source]
            code = np.where(size > 0, starts[self.stream.source] + (drawn * size).astype(np.int64), -1)
            columns[key] = low([option for options in lists for option in options], code)
        return columns

    def _run_column(self, name: str) -> Ints:
        visits, later = self.life.visits.runs, self.life.later.runs
        return np.concatenate([getattr(visits, name), getattr(later, name)])

    def _properties(self) -> pa.Array:
        stream, world = self.stream, self.scenario.world
        bag = Properties(stream.count)
        rows = np.flatnonzero((stream.run >= 0) & (stream.name != words.PAGE_VIEW))
        bag.add(
            rows,
            "calculator",
            pa.array(list(world.calculators)).take(pa.array(self._run_column("calculator")[stream.run[rows]])),
        )
        rows = np.flatnonzero((stream.name == words.CALCULATOR_STEP) | (stream.name == words.CALCULATOR_ERROR))
        bag.add(rows, "step_number", pa.array([str(n) for n in range(100)]).take(pa.array(stream.step[rows])))
        rows = np.flatnonzero(stream.name == words.CALCULATOR_ERROR)
        bag.add(
            rows,
            "error_code",
            pa.array(list(world.error_codes)).take(pa.array(self._run_column("error")[stream.run[rows]])),
        )
        rows = np.flatnonzero(stream.name == words.SIGN_UP)
        bag.add(rows, "method", pa.array(["email", "google", "apple"]).take(pa.array(stream.person[rows] % 7 % 3)))
        self._add_plans(bag)
        return bag.build()

    def _add_plans(self, bag: Properties) -> None:
        stream, life = self.stream, self.life
        plans = pa.array(list(self.scenario.world.plans))
        rows = np.flatnonzero(stream.name == words.TRIAL_STARTED)
        plan = np.zeros(self.people.count, dtype=np.int64)
        plan[life.trials.person] = life.trials.plan
        bag.add(rows, "plan", plans.take(pa.array(plan[stream.person[rows]])))
        rows = np.flatnonzero((stream.name == words.PURCHASE) & (stream.kind_of_session == words.BUYING))
        orders = len(life.charges.get("moment", ())) + stream.subject[rows]
        names = hex_names("o", self.scenario.seed, "order", self.people.cell * CELL_KEYS + orders)
        bag.add(rows, "order_id", text(names))
        if life.changes:
            rows = np.flatnonzero((stream.name == words.PLAN_CHANGED) | (stream.name == words.SUBSCRIPTION_CANCELLED))
            bag.add(rows, "plan", plans.take(pa.array(life.changes["plan"][stream.subject[rows]])))
            rows = np.flatnonzero(stream.name == words.SUBSCRIPTION_CANCELLED)
            bag.add(rows, "reason", pa.array(life.reasons).take(pa.array(life.changes["reason"][stream.subject[rows]])))

    def calculator_usage(self) -> pa.Table:
        """One row an action of a run; a run that is not finished ends with `abandon`, without a step's time."""
        stream, world = self.stream, self.scenario.world
        actions = ("start", "step", "error", "complete", "abandon")
        rows = np.flatnonzero((stream.run >= 0) & (stream.name != words.PAGE_VIEW))
        action, abandoned = stream.name[rows] - words.CALCULATOR_STARTED, self._abandoned(rows)
        leaving = generator(self.scenario.seed, "abandon", self.people.cell).integers(5_000, 60_000, len(abandoned))
        moment = np.concatenate([stream.moment[rows], stream.moment[abandoned] + leaving])
        action = np.concatenate([action, np.full(len(abandoned), 4)])
        pause = np.concatenate(
            [np.where(action[: len(rows)] == 0, 0, stream.pause[rows]), np.zeros(len(abandoned), dtype=np.int64)]
        )
        rows = np.concatenate([rows, abandoned])
        inside = moment < self.scenario.horizon.end
        rows, action, moment, pause = rows[inside], action[inside], moment[inside], pause[inside]
        run, person = stream.run[rows], stream.person[rows]
        calculator = self._run_column("calculator")[run]
        step = np.where(action == 0, 0, stream.step[rows])
        names = [name for c in world.calculators.values() for name in ["", *c.steps]]
        sizes = np.array([1 + len(c.steps) for c in world.calculators.values()])
        return pa.table(
            {
                "event_id": ids(uuids(self.scenario.seed, "calculator_usage", self.keys(len(rows)))),
                "event_at": stamps(moment),
                "calculation_id": chosen(self.runs, run),
                "calculator": low(list(world.calculators), calculator),
                "action": low(actions, action),
                "step_number": pa.array(step.astype(np.uint8)),
                "step_name": low(names, (np.cumsum(sizes) - sizes)[calculator] + step),
                "error_code": low(list(world.error_codes), np.where(action == 2, self._run_column("error")[run], -1)),
                "duration_ms": pa.array(pause.astype(np.uint32)),
                "tax_year": pa.array(self._run_column("tax_year")[run].astype(np.uint16)),
                "user_id": chosen(self.users, np.where(stream.known[rows], person, -1)),
                "anonymous_id": chosen(self.devices, stream.device[rows]),
                "session_id": chosen(self.sessions, stream.session[rows]),
                "country": low(self.scenario.countries, self.people.country[person]),
                **{key: self._device_trait(key, stream.kind[rows]) for key in ("platform", "device_type")},
            }
        )  # fmt: skip

    def _abandoned(self, rows: Ints) -> Ints:
        """Rows of the last action of each run that is not completed."""
        run = self.stream.run[rows]
        last = rows[np.flatnonzero(np.concatenate([run[1:] != run[:-1], [True]]))] if len(rows) else rows
        unfinished: Ints = last[self.stream.name[last] != words.CALCULATOR_COMPLETED]
        return unfinished

    def exposures(self) -> tuple[pa.Table, dict[str, Ints]]:
        """One row an exposure; the columns beside it (experiment, person, arm, moment) are for the truth."""
        stream = self.stream
        parts: list[tuple[Ints, Ints, Ints, Ints]] = [(np.empty(0, dtype=np.int64),) * 4]
        landing = (stream.source >= 0) & (stream.session < self.life.visits.sessions.count)
        for number, (window, plan) in enumerate(self.scenario.experiments):
            seen = landing if plan.unit == "visitor" else stream.name == words.SIGN_UP
            rows = np.flatnonzero(seen & window.holds(stream.moment))
            parts.append(
                (np.full(len(rows), number), rows, stream.moment[rows], self.people.arms[stream.person[rows], number])
            )
            parts.append(self._crossovers(number, rows))
        experiment, rows, moment, arm = (np.concatenate(column) for column in zip(*parts, strict=True))
        arms = [arm for _, e in self.scenario.experiments for arm in e.weights]
        sizes = np.array([len(e.weights) for _, e in self.scenario.experiments] or [0])
        person = stream.person[rows]
        table = pa.table(
            {
                "event_id": ids(uuids(self.scenario.seed, "experiment_exposures", self.keys(len(rows)))),
                "experiment_id": low(list(self.scenario.world.experiments), experiment),
                "arm": low(arms, (np.cumsum(sizes) - sizes)[experiment] + arm),
                "event_at": stamps(moment),
                "user_id": chosen(self.users, np.where(stream.known[rows], person, -1)),
                "anonymous_id": chosen(self.devices, stream.device[rows]),
                "country": low(self.scenario.countries, self.people.country[person]),
                **{key: self._device_trait(key, stream.kind[rows]) for key in ("platform", "device_type")},
            }
        )
        return table, {"experiment": experiment, "person": person, "arm": arm, "moment": moment}

    def _crossovers(self, number: int, rows: Ints) -> tuple[Ints, Ints, Ints, Ints]:
        """A few people see another arm a day later."""
        random = generator(self.scenario.seed, f"crossovers/{number}", self.people.cell)
        rows = rows[random.random(len(rows)) < self.scenario.world.crossovers]
        moment = self.stream.moment[rows] + DAY_MS
        inside = moment < self.scenario.experiments[number][0].end
        rows, moment = rows[inside], moment[inside]
        arms = len(self.scenario.experiments[number][1].weights)
        arm = (self.people.arms[self.stream.person[rows], number] + 1) % arms
        return np.full(len(rows), number), rows, moment, arm
