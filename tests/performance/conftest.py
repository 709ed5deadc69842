"""Benchmarks print their figures in one table and keep them in `var/bench/figures.jsonl`."""

import json
import platform
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from rich.console import Console
from rich.table import Table

from gtc.settings import PROJECT_ROOT

FIGURES_FILE = PROJECT_ROOT / "var" / "bench" / "figures.jsonl"

RecordFigure = Callable[..., None]


@pytest.fixture(scope="session")
def _figures() -> Iterator[list[dict[str, object]]]:
    figures: list[dict[str, object]] = []
    yield figures
    _print(figures)
    _keep(figures)


@pytest.fixture
def record_figure(_figures: list[dict[str, object]]) -> RecordFigure:
    """`record_figure("SELECT 1 over HTTP minus in process", 1.3, "ms", 2.0)` reports a figure and fails over its bound.

    `bound` is the largest value allowed; with `at_least=True` the smallest; without it the figure is only reported.
    """

    def record(name: str, value: float, unit: str, bound: float | None = None, *, at_least: bool = False) -> None:
        figure = {"name": name, "value": value, "unit": unit, "bound": bound, "at_least": at_least}
        _figures.append(figure)
        holds = bound is None or (value >= bound if at_least else value <= bound)
        assert holds, f"{name}: {value:.3f} {unit} misses its bound of {bound} {unit}"

    return record


def _print(figures: list[dict[str, object]]) -> None:
    table = Table("figure", "value", "unit", "bound", title=f"Benchmarks, {platform.machine()}, this run")
    for figure in figures:
        sign = "" if figure["bound"] is None else (">= " if figure["at_least"] else "<= ") + str(figure["bound"])
        table.add_row(str(figure["name"]), f"{figure['value']:,.3f}", str(figure["unit"]), sign)
    Console().print(table)


def _keep(figures: list[dict[str, object]]) -> None:
    FIGURES_FILE.parent.mkdir(parents=True, exist_ok=True)
    with FIGURES_FILE.open("a") as lines:
        for figure in figures:
            lines.write(json.dumps({"measured_at": datetime.now(UTC).isoformat(), **figure}) + "\n")
