"""Counts over all cells, cell by cell: steps of the funnel, arms of experiments, faults of delivery."""

from collections import Counter
from typing import Any

import numpy as np

from simulator import vocabulary as words
from simulator.cells import CellRows
from simulator.scenario import Scenario
from simulator.truth_facts import assignments, first_moments, outcomes
from simulator.truth_figures import moment_text
from simulator.truth_tables import CellTruth

#: Steps of the funnel from the first visit to the first payment.
JOURNEY = ("page_view", "calculator_started", "calculator_completed", "sign_up", "trial_started", "purchase")


class FunnelFigures:
    """How many visitors ever did each step, and in this order of first times; how far runs of calculators got."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.did: Counter[str] = Counter()
        self.in_order: Counter[str] = Counter()
        self.runs: dict[str, Counter[str]] = {name: Counter() for name in scenario.world.calculators}

    def add(self, rows: CellRows, truth: CellTruth) -> None:
        """Count a cell."""
        visitor = truth.visitor
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
