"""`gtc simulate`: fill the raw tables with the synthetic company, or write them to files."""

import json
import sys
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from gtc.commands.console import complain, err, out, print_json
from gtc.settings import Dataset, load_settings
from simulator.loads import OtherSimulationError
from simulator.order import Order, OrderError, thirteen_months
from simulator.run import Summary, simulate
from simulator.world_file import WorldError, read_world
from warehouse.client import connect


def command(
    users: Annotated[int, typer.Option(help="People who visit; about four in ten open an account")] = 20_000,
    first: Annotated[
        str | None, typer.Option("--from", help="First day, YYYY-MM-DD; default: thirteen months back")
    ] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last day, YYYY-MM-DD; default: yesterday")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same company")] = 1,
    dataset: Annotated[str | None, typer.Option(help="Data set; default: GTC_DATASET")] = None,
    replace: Annotated[bool, typer.Option(help="Drop another simulation from the data set first")] = False,
    world: Annotated[Path | None, typer.Option(help="World file or folder; default: simulator/world")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document")] = False,
) -> None:
    """Fill the raw tables with a synthetic company whose truth is known; the same command again changes nothing.

    Example: gtc simulate --users 5000 --from 2026-01-01 --to 2026-06-30 --seed 7 --dataset trial
    """
    settings = load_settings()
    chosen = Dataset(dataset) if dataset else settings.dataset
    try:
        usual = thirteen_months()
        order = Order(read_world(world), users, _day(first, usual[0], "--from"), _day(last, usual[1], "--to"), seed)
        with _bar() as bar:
            task = bar.add_task("people", total=users)
            summary = simulate(
                connect(settings),
                chosen,
                order,
                replace=replace,
                progress=lambda done, _: bar.update(task, completed=done),
            )
    except (WorldError, OrderError, OtherSimulationError) as error:
        complain(error)
        raise typer.Exit(1) from None
    print_json({**asdict(summary), "dataset": chosen.name}) if as_json else _report(chosen, summary)


def _day(text: str | None, usual: date, option: str) -> date:
    try:
        return date.fromisoformat(text) if text else usual
    except ValueError:
        raise OrderError(f"{option} must be a day such as 2026-01-31: {text}") from None


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
    )


def _report(dataset: Dataset, summary: Summary) -> None:
    if summary.already_there:
        out.print(f"{dataset.raw_database}: already simulated with these parameters, nothing to do")
        return
    for table, count in summary.rows.items():
        out.print(f"{table:<22}{count:>12,}")
    out.print(f"{dataset.raw_database}: {summary.total:,} rows in {summary.seconds:.1f} s")
