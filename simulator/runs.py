"""Runs of calculators: how far each one gets."""

from dataclasses import dataclass

import numpy as np

from simulator.draws import Floats, Ints, generator, pick, repeat_ranges
from simulator.people import People
from simulator.scenario import Scenario
from simulator.sessions import Sessions
from simulator.vocabulary import OPENING, ORDINARY, VISIT


@dataclass(frozen=True)
class Runs:
    """One row a run. `reached` is the last step done; `failed_step` the step that showed an error, 0 = none."""

    session: Ints
    number: Ints
    calculator: Ints
    steps: Ints
    reached: Ints
    failed_step: Ints
    error: Ints
    tax_year: Ints

    @property
    def count(self) -> int:
        """Number of runs."""
        return len(self.session)


def draw_runs(scenario: Scenario, people: People, sessions: Sessions, purpose: str) -> Runs:
    """Runs of all sessions; sessions that serve a purpose have none."""
    world, random = scenario.world, generator(scenario.seed, f"runs/{purpose}", people.cell)
    laws = world.behaviour.calculators
    counts = np.zeros(sessions.count, dtype=np.int64)
    for kind, law in ((VISIT, laws.visit), (OPENING, laws.sign_up), (ORDINARY, laws.account)):
        mine = sessions.kind == kind
        counts[mine] = pick(random, law, int(mine.sum()))
    session, number = repeat_ranges(counts)
    calculators = list(world.calculators.values())
    calculator = pick(random, [c.weight for c in calculators], len(session))
    steps = np.array([len(c.steps) for c in calculators], dtype=np.int64)[calculator]
    error = np.array([c.error for c in calculators])[calculator] * _error_factor(scenario, sessions.moment[session])
    abandon = np.array([c.abandon for c in calculators])[calculator]
    retry = np.array([c.retry for c in calculators])[calculator]
    until = _steps_before(random, abandon)
    failing = 1 + _steps_before(random, np.minimum(error, 0.95))
    failed_step = np.where((failing <= until + 1) & (failing <= steps), failing, 0)
    gives_up = (failed_step > 0) & (random.random(len(session)) >= retry)
    reached = np.where(gives_up, failed_step - 1, np.minimum(until, steps))
    code = pick(random, list(world.error_codes.values()), len(session))
    year = sessions.moment[session].astype("datetime64[ms]").astype("datetime64[Y]").astype(np.int64) + 1970
    tax_year = year - 1 + (random.random(len(session)) < 0.1)
    return Runs(session, number, calculator, steps, reached, failed_step, code, tax_year)


def _steps_before(random: np.random.Generator, chance: Floats) -> Ints:
    """How many steps pass before something with this chance per step happens; 99 where it never does."""
    drawn = np.log1p(-random.random(len(chance)))
    with np.errstate(divide="ignore"):
        steps = np.where(chance > 0, np.floor(drawn / np.log1p(-np.minimum(chance, 0.999999))), 99.0)
    return np.minimum(steps, 99).astype(np.int64)


def _error_factor(scenario: Scenario, moments: Ints) -> Floats:
    factor = np.ones(len(moments))
    for stretch, incident in scenario.incidents:
        factor = np.where(stretch.holds(moments), factor * incident.calculator_errors, factor)
    return factor
