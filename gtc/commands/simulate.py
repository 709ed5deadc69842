"""`gtc simulate`: fill the raw tables with the synthetic company, or write its rows to files."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import typer
from clickhouse_connect.driver.exceptions import ClickHouseError
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from gtc.commands.console import complain, err, out, print_json
from gtc.settings import Dataset, Settings, load_settings
from simulator.loads import OtherSimulationError, SimulationRunsError
from simulator.order import Order, OrderError, thirteen_months
from simulator.run import Progress as Report
from simulator.run import Summary, export, simulate
from simulator.world_file import WorldError, read_world
from warehouse.client import connect
from warehouse.schema_templates import MigrationError


def command(
    users: Annotated[int, typer.Option(help="People who visit; about four in ten open an account")] = 20_000,
    first: Annotated[
        str | None, typer.Option("--from", metavar="DAY", help="First day; default: thirteen months before the last")
    ] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DAY", help="Last day; default: yesterday")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same company")] = 1,
    dataset: Annotated[str | None, typer.Option(help="Data set; default: GTC_DATASET")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Drop another simulation from the data set first")] = False,
    world: Annotated[Path | None, typer.Option(help="World file or folder; default: simulator/world")] = None,
    export_to: Annotated[
        Path | None, typer.Option("--export", metavar="DIR", help="Write files <raw table>.<format> instead of loading")
    ] = None,
    form: Annotated[Literal["parquet", "csv", "jsonl"], typer.Option("--format", help="Of exported files")] = "parquet",
    truth: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where the truth goes; default: $GTC_VAR_DIR/truth/<data set>, or DIR/truth"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document")] = False,
) -> None:
    """Fill the raw tables with a synthetic company whose truth is known; the same command again changes nothing.

    Example: gtc simulate --users 5000 --from 2026-01-01 --to 2026-06-30 --seed 7 --dataset trial
    """
    settings = load_settings()
    chosen = Dataset(dataset) if dataset else settings.dataset
    try:
        end = _day(last, "--to") or thirteen_months()[1]
        begin = _day(first, "--from") or thirteen_months(end)[0]
        order = Order(read_world(world), users, begin, end, seed)
        with _progress(users) as report:
            if export_to:
                summary = export(order, export_to, form, truth=truth or export_to / "truth", progress=report)
            else:
                summary = _load(settings, chosen, order, truth, replace, report)
    except (WorldError, OrderError, OtherSimulationError, SimulationRunsError, MigrationError, OSError) as error:
        complain(error)
        raise typer.Exit(1) from None
    except ClickHouseError as error:
        complain(Exception(f"the warehouse refused: {' '.join(str(error).split())}"))
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        complain(Exception("interrupted; the same command starts over and leaves no trace of this attempt"))
        raise typer.Exit(130) from None
    place = str(export_to) if export_to else chosen.raw_database
    if as_json:
        print_json({"dataset": None if export_to else chosen.name, **asdict(summary)})
    else:
        _print(place, summary)


def _load(
    settings: Settings, dataset: Dataset, order: Order, truth: Path | None, replace: bool, report: Report
) -> Summary:
    folder = truth or settings.gtc_var_dir / "truth" / dataset.name
    with connect(settings) as client:
        return simulate(client, dataset, order, truth=folder, replace=replace, progress=report)


def _day(text: str | None, option: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise OrderError(f"{option} must be a day such as 2026-01-31: {text}") from None


@contextmanager
def _progress(users: int) -> Iterator[Report]:
    """A bar on a terminal; in a log, a line whenever another tenth is done."""
    if not err.is_terminal:
        yield _Lines().report
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("people simulated", total=users)
        yield lambda done, _: bar.update(task, completed=done)


class _Lines:
    def __init__(self) -> None:
        self.tenths = 0

    def report(self, done: int, users: int) -> None:
        if done * 10 // users > self.tenths:
            self.tenths = done * 10 // users
            err.print(f"simulate: {done:,} of {users:,} people")


def _print(place: str, summary: Summary) -> None:
    if summary.already_there:
        out.print(f"{place}: already simulated with these parameters, nothing to do")
        return
    for table, count in summary.rows.items():
        out.print(f"{table:<22}{count:>13,}")
    out.print(f"{place}: {summary.total:,} rows in {summary.seconds:.1f} s, truth in {summary.truth}")
