"""`gtc demo`."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.table import Table

from gtc.commands.console import complain, err, out, print_json
from gtc.demo import DemoError, datasets, run_demo
from gtc.services import NewAdministrator
from gtc.settings import Settings, load_settings
from warehouse.dbt import BuildError
from warehouse.headlines import Headline
from warehouse.importer import ImportFailedError


class _Line:
    """A step on the terminal: a spinner while it runs, one line when it is done."""

    def __init__(self, title: str) -> None:
        self.title, self.outcome = title, "done"
        self.spinner = err.status(title)

    def now(self, text: str) -> None:
        """What is being done at this moment; shown on a terminal only."""
        self.spinner.update(f"{self.title}: {text}")

    def result(self, text: str) -> None:
        """What was done, for the closing line."""
        self.outcome = text


@contextmanager
def _step(title: str) -> Iterator[_Line]:
    line, started = _Line(title), time.monotonic()
    if not err.is_terminal:
        err.print(f"{title} …", markup=False)
    with line.spinner:
        yield line
    err.print(f"{title}: {line.outcome} ({time.monotonic() - started:.1f} s)", markup=False)


def command(json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False) -> None:
    """Start the services, fill both data sets, build their marts, show the figures. Running it again is harmless."""
    settings = load_settings()
    administrators: list[NewAdministrator] = []
    try:
        headlines_of_each = run_demo(settings, _step, administrators.append)
        figures = [headline for headlines in headlines_of_each for headline in headlines]
    except (DemoError, BuildError, ImportFailedError) as error:
        complain(error)
        raise typer.Exit(1) from None
    finally:
        for administrator in administrators:  # also when a later step fails: nobody can be told again
            err.print(str(administrator), markup=False)
    if json:
        print_json([vars(figure) for figure in figures])
        return
    for dataset in dict.fromkeys(figure.dataset for figure in figures):
        table = _table(dataset, [figure for figure in figures if figure.dataset == dataset])
        out.print(table, width=None if out.is_terminal else 100)  # a log has no width of its own
    _say_what_next(settings)


def _table(dataset: str, figures: list[Headline]) -> Table:
    columns = ("KPI", "value", "unit", "period", "change")
    table = Table(*columns, title=f"\n{dataset}", title_justify="left", title_style="bold")
    table.columns[1].justify = table.columns[4].justify = "right"
    for figure in figures:
        table.add_row(figure.kpi.replace("_", " "), _shown(figure), figure.unit, figure.period, _changed(figure))
    return table


def _changed(figure: Headline) -> str:
    """Against the period before: ratios in points, everything else in percent; empty where nothing is compared."""
    if figure.change is None:
        return ""
    return f"{figure.change * 100:+.1f} pp" if figure.unit == "ratio" else f"{figure.change:+.1%}"


def _shown(figure: Headline) -> str:
    """Digits as people read them; a figure that is not known is a dash, never 0."""
    if figure.value is None:
        return "–"
    if figure.unit == "ratio":
        return f"{figure.value:.1%}"
    return f"{figure.value:,}" if not isinstance(figure.value, str) else figure.value


def _say_what_next(settings: Settings) -> None:
    if len(datasets(settings)) == 1:
        out.print(
            f"\nOnline Retail was left out: no file at {settings.gtc_online_retail_file}; "
            "download it from UCI (data set 352), save it as CSV and set GTC_ONLINE_RETAIL_FILE in .env."
        )
    if settings.superset_embedded:
        out.print(f"\nThe dashboards are at {settings.superset_url}, for the user admin.", highlight=False)
    address = f"http://{settings.warehouse_host}:{settings.warehouse_port}"
    out.print(
        f"\nThe warehouse runs at {address} (user {settings.warehouse_reader_user}, password in .env). Next:\n"
        '  .venv/bin/gtc query "select * from analytics.kpi_daily order by kpi_date desc limit 7"\n'
        "  source .venv/bin/activate && DBT_SCHEMA=dev_me dbt build --select +rfm\n"
        "  make docs     models, columns and lineage as a site\n"
        "  make down     stop the services; data stays",
        markup=False,
        highlight=False,
    )
