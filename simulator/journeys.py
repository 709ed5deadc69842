"""Visits before a person decides for or against an account, and the decision."""

from dataclasses import dataclass

import numpy as np

from simulator.draws import Flags, Floats, Ints, generator, repeat_ranges
from simulator.horizon import DAY_MS, HOUR_MS
from simulator.people import People, lifts
from simulator.scenario import Scenario

#: Sessions of one person begin at least this far apart, so that thirty quiet minutes always lie between them.
APART_MS = 4 * HOUR_MS


@dataclass(frozen=True)
class Journeys:
    """One row a visit, ordered by person and time; `decides` marks the visit in which the account is opened."""

    person: Ints
    number: Ints
    start: Ints
    source: Ints
    decides: Flags
    chance: Floats  # by person: probability to open an account, 0 where the deciding visit lies beyond the range
    exposed: Flags  # (people, experiments): saw the experiment before deciding


def draw_journeys(scenario: Scenario, people: People) -> Journeys:
    """Visits, their sources and the decision of each person."""
    random = generator(scenario.seed, "journeys", people.cell)
    person, number = repeat_ranges(people.visits)
    gaps = (
        APART_MS
        + random.exponential(scenario.world.behaviour.visits_before_decision.gap_mean_days, len(person)) * DAY_MS
    )
    gaps[number == 0] = 0
    passed = np.cumsum(gaps)
    start = people.first_visit[person] + (passed - passed[np.cumsum(people.visits) - people.visits][person]).astype(
        np.int64
    )
    inside = start < scenario.horizon.end
    person, number, start = person[inside], number[inside], start[inside]
    source = draw_sources(scenario, random, people, person, start, number == 0)
    last = number == people.visits[person] - 1
    exposed = _exposures_before(scenario, people, person, start)
    chance = np.zeros(people.count)
    chance[person[last]] = _chances(scenario, people, person[last], start[last], source[last], exposed)
    opens = random.random(people.count) < chance
    return Journeys(person, number, start, source, last & opens[person], chance, exposed)


def draw_sources(
    scenario: Scenario, random: np.random.Generator, people: People, person: Ints, start: Ints, first: Flags
) -> Ints:
    """The line of traffic that brings each visit, by country and day."""
    country, day = people.country[person], scenario.horizon.day_of(start)
    cumulative = np.where(first[:, None], scenario.new_sources[country, day], scenario.returning_sources[country, day])
    drawn = random.random(len(person)) * cumulative[:, -1]
    source: Ints = (cumulative <= drawn[:, None]).sum(axis=1).astype(np.int64)
    return source


def _exposures_before(scenario: Scenario, people: People, person: Ints, start: Ints) -> Flags:
    """Who visits inside the window of each experiment on visitors."""
    exposed = np.zeros((people.count, len(scenario.experiments)), dtype=bool)
    for number, (window, experiment) in enumerate(scenario.experiments):
        if experiment.unit == "visitor":
            exposed[person[window.holds(start)], number] = True
    return exposed


def _chances(scenario: Scenario, people: People, person: Ints, start: Ints, source: Ints, exposed: Flags) -> Floats:
    world = scenario.world
    quality = np.array([source.quality for _, source in scenario.sources])
    device_factor = np.array([device.sign_up for device in world.devices])
    device = people.devices[person, 0]
    chance = world.behaviour.sign_up * quality[source] * device_factor[device]
    for number, (factor, (_, experiment)) in enumerate(zip(lifts(scenario), scenario.experiments, strict=True)):
        if experiment.metric == "sign_up":
            chance = chance * np.where(exposed[person, number], factor[people.arms[person, number]], 1.0)
    kinds = np.array([d.device_type for d in world.devices])[device]
    for stretch, anomaly in scenario.anomalies:
        if anomaly.kind == "sign_up":
            hit = stretch.holds(start)
            hit &= people.country[person] == scenario.countries.index(anomaly.country) if anomaly.country else True
            hit &= kinds == anomaly.device_type if anomaly.device_type else True
            chance = np.where(hit, chance * anomaly.factor, chance)
    likely: Floats = np.minimum(chance, 1.0)
    return likely
