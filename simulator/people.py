"""People of one cell: where they live, what they use, when they first come, which arms they see."""

from dataclasses import dataclass

import numpy as np

from simulator.draws import AnyArray, Flags, Floats, Ints, generator, hex_names, pick
from simulator.horizon import DAY_MS, HOUR_MS
from simulator.scenario import Scenario

#: People of one cell. All draws belong to a cell, so blocks of any number of cells give the same company.
CELL = 2000


@dataclass(frozen=True)
class People:
    """One row a person of the cell; numbers index the lists of the Scenario."""

    cell: int
    person: Ints
    country: Ints
    region: Ints
    language: Ints
    residence: Ints
    devices: Ints  # (people, 2): kinds of the first and the second device
    two_devices: Flags
    first_visit: Ints
    visits: Ints
    arms: Ints  # (people, experiments): arm that the person is shown

    @property
    def count(self) -> int:
        """Number of people."""
        return len(self.person)

    def user_ids(self) -> AnyArray:
        """Names that people have once they hold an account."""
        return np.char.add(b"u", np.char.zfill(self.person.astype("S9"), 9))

    def anonymous_ids(self, seed: int) -> AnyArray:
        """Names of devices: first devices of all people, then second devices of all people."""
        return hex_names("a", seed, "device", np.concatenate([self.person * 2, self.person * 2 + 1]))


def languages(scenario: Scenario) -> list[tuple[int, str, float]]:
    """All languages: country number, tag, weight."""
    return [
        (number, tag, weight)
        for number, country in enumerate(scenario.world.countries.values())
        for tag, weight in country.languages.items()
    ]


def draw_people(scenario: Scenario, cell: int, count: int) -> People:
    """Draw the people of a cell; `count` is CELL but for the last one."""
    world, random = scenario.world, generator(scenario.seed, "people", cell)
    country = pick(random, [c.weight for c in world.countries.values()], count)
    region = _pick_within(random, country, [(c, w) for c, _, w, _ in scenario.regions])
    language = _pick_within(random, country, [(c, w) for c, _, w in languages(scenario)])
    abroad = random.random(count) < world.behaviour.other_tax_residence
    residence = np.where(abroad, random.integers(0, len(world.countries), count), country)
    devices = pick(random, [d.weight for d in world.devices], 2 * count).reshape(count, 2)
    visits = 1 + np.minimum(
        random.geometric(1 / (1 + world.behaviour.visits_before_decision.mean_extra), count) - 1,
        world.behaviour.visits_before_decision.most - 1,
    )
    return People(
        cell=cell,
        person=cell * CELL + np.arange(count, dtype=np.int64),
        country=country,
        region=region,
        language=language,
        residence=residence,
        devices=devices,
        two_devices=random.random(count) < world.behaviour.two_devices,
        first_visit=_first_visits(scenario, random, country, region),
        visits=visits.astype(np.int64),
        arms=_arms(scenario, random, count),
    )


def _pick_within(random: np.random.Generator, country: Ints, options: list[tuple[int, float]]) -> Ints:
    """Draw an option that belongs to each person's country."""
    owners = np.array([owner for owner, _ in options])
    cumulative = np.cumsum([weight for _, weight in options])
    before = np.concatenate([[0.0], cumulative])[np.searchsorted(owners, country, side="left")]
    after = cumulative[np.searchsorted(owners, country, side="right") - 1]
    drawn = before + random.random(len(country)) * (after - before)
    found: Ints = np.searchsorted(cumulative, drawn, side="right").astype(np.int64)
    return found


def _first_visits(scenario: Scenario, random: np.random.Generator, country: Ints, region: Ints) -> Ints:
    """Days by the country's traffic, hours by local time."""
    cumulative = np.cumsum(scenario.arrivals, axis=1)
    day = np.empty(len(country), dtype=np.int64)
    drawn = random.random(len(country))
    for number in range(len(scenario.countries)):
        mine = country == number
        day[mine] = np.searchsorted(cumulative[number], drawn[mine] * cumulative[number, -1], side="right")
    return at_local_hours(scenario, random, day, region)


def at_local_hours(scenario: Scenario, random: np.random.Generator, day: Ints, region: Ints) -> Ints:
    """A moment on each day, likely by local hour; kept inside the range."""
    horizon = scenario.horizon
    hour = pick(random, scenario.world.seasons.hours, len(day))
    local = hour * HOUR_MS + random.integers(0, HOUR_MS, len(day))
    moment = horizon.start + day * DAY_MS + local - scenario.zone_offsets[region, day]
    moment = np.where(moment < horizon.start, moment + DAY_MS, moment)
    return np.where(moment >= horizon.end, moment - DAY_MS, moment)


def _arms(scenario: Scenario, random: np.random.Generator, count: int) -> Ints:
    weights = [list((e.actual_weights or e.weights).values()) for _, e in scenario.experiments]
    columns = [pick(random, weight, count) for weight in weights]
    return np.stack(columns, axis=1) if columns else np.empty((count, 0), dtype=np.int64)


def lifts(scenario: Scenario) -> list[Floats]:
    """For each experiment, the factor of each arm on its metric."""
    return [np.array([1 + e.lift.get(arm, 0.0) for arm in e.weights]) for _, e in scenario.experiments]
