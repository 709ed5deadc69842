"""Benchmarks print their figures in one table and keep them in `var/bench/figures.jsonl`."""

import json
import platform
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from rich.console import Console
from rich.table import Table

from gtc.settings import PROJECT_ROOT

FIGURES_FILE = PROJECT_ROOT / "var" / "bench" / "figures.jsonl"

RecordFigure = Callable[..., None]


_FIGURES = pytest.StashKey[list[dict[str, object]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_FIGURES] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Latencies first: later benchmarks leave engines behind that merge what was loaded into them."""
    items.sort(key=lambda item: item.path.name != "test_bench_server.py")


@pytest.fixture
def record_figure(pytestconfig: pytest.Config) -> RecordFigure:
    """`record_figure("SELECT 1 over HTTP minus in process", 1.3, "ms", 2.0)` reports a figure and fails over its bound.

    `bound` is the largest value allowed; with `at_least=True` the smallest; without it the figure is only reported.
    """

    def record(name: str, value: float, unit: str, bound: float | None = None, *, at_least: bool = False) -> None:
        figure = {"name": name, "value": value, "unit": unit, "bound": bound, "at_least": at_least}
        pytestconfig.stash[_FIGURES].append(figure)
        holds = bound is None or (value >= bound if at_least else value <= bound)
        assert holds, f"{name}: {value:.3f} {unit} misses its bound of {bound} {unit}"

    return record


def pytest_terminal_summary(config: pytest.Config) -> None:
    """The table of all figures, below what pytest says."""
    if figures := config.stash[_FIGURES]:
        _print(figures)
        _keep(figures)


def _print(figures: list[dict[str, object]]) -> None:
    table = Table("figure", "value", "unit", "bound", title=f"Benchmarks, {platform.machine()}, this run")
    for figure in figures:
        sign = "" if figure["bound"] is None else (">= " if figure["at_least"] else "<= ") + str(figure["bound"])
        table.add_row(str(figure["name"]), f"{figure['value']:,.3f}", str(figure["unit"]), sign)
    Console(width=120).print(table)


def _keep(figures: list[dict[str, object]]) -> None:
    FIGURES_FILE.parent.mkdir(parents=True, exist_ok=True)
    with FIGURES_FILE.open("a") as lines:
        for figure in figures:
            lines.write(json.dumps({"measured_at": datetime.now(UTC).isoformat(), **figure}) + "\n")
