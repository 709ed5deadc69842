"""Oracle of the marts about calculators, in plain Python, written from the definitions and never from the SQL."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from oracle_events import Row, day_cutter, each_once, end_of_day, engine_order
from oracle_funnel_figures import rate_columns
from oracle_marts import share

OPEN_FOR = timedelta(minutes=60)

#: What the oracle reads of raw.
USAGE_COLUMNS = (
    "event_id, event_at, received_at, calculation_id, calculator, action, step_number, step_name, error_code,"
    " duration_ms, country, row_version"
)


def quantile(values: Iterable[int], percent: int) -> int | None:
    """The smallest value that at least `percent` of all do not exceed, None of nothing."""
    ordered = sorted(values)
    return ordered[-(-percent * len(ordered) // 100) - 1] if ordered else None


def full_tenths(milliseconds: int) -> int:
    """Rounded up to full tenths of a second."""
    return -(-milliseconds // 100) * 100


@dataclass(frozen=True)
class Run:
    """Events of one calculation id, in order of time and id."""

    events: tuple[Row, ...]
    judged_until: datetime

    @property
    def key(self) -> tuple[str, str]:
        first = self.events[0]
        return first["calculator"], first["country"]

    def of(self, *actions: str) -> list[Row]:
        return [event for event in self.events if event["action"] in actions]

    @property
    def outcome(self) -> str:
        last = max(event["event_at"] for event in self.events)
        if self.of("complete"):
            return "completed"
        if any(event["event_at"] == last for event in self.of("abandon")):
            return "abandoned"
        return "open" if self.judged_until - last <= OPEN_FOR else "abandoned"

    @property
    def duration(self) -> int | None:
        if not self.of("start") or not self.of("complete"):
            return None
        return (self.of("complete")[0]["event_at"] - self.events[0]["event_at"]) // timedelta(milliseconds=1)

    @property
    def done(self) -> int:
        """The furthest step done: who errs on a step had done the one before, who has a result did all it came to."""
        if self.outcome == "completed":
            return max(1, *(event["step_number"] for event in self.of("step", "complete", "error")))
        marks = [event["step_number"] for event in self.of("step")]
        return max([0, *marks, *(event["step_number"] - 1 for event in self.of("error"))])

    @property
    def reached(self) -> int:
        """The step it stands on, or the last one of a run with a result."""
        return self.done if self.outcome == "completed" else self.done + 1


@dataclass
class Usage:
    """All runs of a data set by the day on which they began."""

    raw: list[Row]
    as_of: date
    complete_until: datetime
    time_zone: str = "UTC"

    def __post_init__(self) -> None:
        day_of = day_cutter(self.time_zone)
        judged_until = min(self.complete_until, end_of_day(self.as_of, self.time_zone))
        grouped: dict[str, list[Row]] = defaultdict(list)
        for event in each_once(self.raw):
            if event["calculation_id"]:  # an event that names no run belongs to none
                grouped[event["calculation_id"]].append(event)
        self.runs: dict[tuple[date, str, str], list[Run]] = defaultdict(list)
        self.steps: dict[tuple[str, int], tuple[Any, str]] = {}
        for calculation_id, events in grouped.items():
            events.sort(key=lambda event: (event["event_at"], engine_order(event["event_id"])))
            day, run = day_of(events[0]["event_at"]), Run(tuple(events), judged_until)
            if day <= self.as_of:
                self.runs[day, *run.key].append(run)
            self._name_steps(calculation_id, run)

    def _name_steps(self, calculation_id: str, run: Run) -> None:
        """The name of a step is that in the newest run that does anything on it."""
        mark = (run.events[0]["event_at"], calculation_id)
        for event in run.of("step", "error"):
            key = (run.key[0], event["step_number"])
            if event["step_number"] and self.steps.get(key, (mark,))[0] <= mark:
                self.steps[key] = (mark, event["step_name"])

    def is_partial(self, day: date) -> bool:
        return end_of_day(day, self.time_zone) > self.complete_until


def durations(values: list[int]) -> dict[str, Any]:
    """Quantiles and histogram."""
    rounded = [full_tenths(value) for value in values]
    return {f"p{percent}_duration_ms": quantile(rounded, percent) for percent in (50, 90, 99)} | {
        "duration_histogram": dict(sorted(Counter(rounded).items()))
    }


def calculator_usage(usage: Usage) -> list[Row]:
    """Rows by day, calculator, country."""
    found = []
    for (day, calculator, country), runs in sorted(usage.runs.items()):
        ends, failed = Counter(run.outcome for run in runs), sum(bool(run.of("error")) for run in runs)
        found.append(
            {
                "started_date": day,
                "calculator": calculator,
                "country": country,
                "runs": len(runs),
                "starts": sum(bool(run.of("start")) for run in runs),
                "completions": ends["completed"],
                "abandons": ends["abandoned"],
                "open_runs": ends["open"],
                "failed_runs": failed,
                "errors": sum(len(run.of("error")) for run in runs),
                "completion_rate": share(ends["completed"], ends["completed"] + ends["abandoned"]),
                "failed_run_rate": share(failed, len(runs)),
                "is_partial": usage.is_partial(day),
                **durations([run.duration for run in runs if run.duration is not None]),
            }
        )
    return found


def calculator_steps(usage: Usage) -> list[Row]:
    """Rows by calculator, day, country, step."""
    found = []
    for (day, calculator, country), runs in usage.runs.items():
        for (owner, number), (_, name) in usage.steps.items():
            here = [run for run in runs if run.reached >= number]
            if owner != calculator or not here:
                continue
            done = [run for run in here if run.done >= number]
            still = [run for run in here if run.done < number and run.outcome == "open"]
            errors = {id(run): [e for e in run.of("error") if e["step_number"] == number] for run in here}
            dropped, times = len(here) - len(done) - len(still), []
            for run in here:
                own = [event for event in run.of("step", "error") if event["step_number"] == number]
                if any(event["action"] == "step" for event in own):
                    times.append(sum(event["duration_ms"] for event in own))
            found.append(
                {
                    "calculator": calculator,
                    "started_date": day,
                    "country": country,
                    "step_number": number,
                    "step_name": name,
                    "reached_runs": len(here),
                    "completed_runs": len(done),
                    "dropped_runs": dropped,
                    "open_runs": len(still),
                    "failed_runs": sum(bool(errors[id(run)]) for run in here),
                    "recovered_runs": sum(bool(errors[id(run)]) for run in done),
                    "errors": sum(len(events) for events in errors.values()),
                    **rate_columns("completion_rate", len(done), len(done) + dropped),
                    "drop_off_rate": share(dropped, len(done) + dropped),
                    "is_partial": usage.is_partial(day),
                    **durations(times),
                }
            )
    return sorted(found, key=lambda row: tuple(row.values())[:4])


def calculator_errors(usage: Usage) -> list[Row]:
    """Rows by calculator, day, country, step, code."""
    seen: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for (day, calculator, country), runs in usage.runs.items():
        for number, run in enumerate(runs):
            for event in run.of("error"):
                seen[calculator, day, country, event["step_number"], event["error_code"]].append(number)
    names = ("calculator", "started_date", "country", "step_number", "error_code")
    return [
        dict(zip(names, key, strict=True))
        | {"errors": len(runs), "failed_runs": len(set(runs)), "is_partial": usage.is_partial(key[1])}
        for key, runs in sorted(seen.items())
    ]
