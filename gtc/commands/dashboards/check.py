"""`gtc dashboards check`."""

from typing import Annotated

import typer

from bi.check import check
from bi.tree import read_tree
from gtc.commands.console import err, out, print_json
from gtc.commands.dashboards.options import DEFAULT_TREE, JsonOption, TreeOption, UrlOption, UserOption, superset
from gtc.settings import load_settings


def command(
    dashboard: Annotated[list[str] | None, typer.Option(help="only these pages, by slug")] = None,
    tree: TreeOption = DEFAULT_TREE,
    url: UrlOption = "",
    user: UserOption = "admin",
    json: JsonOption = False,
) -> None:
    """Run every chart with its default filters and with each one changed. Exit status 1 when one has no rows or fails.

    Big numbers must equal the mart to the last digit.
    """
    settings = load_settings()
    with superset(settings, url, user) as server:
        runs = check(server, read_tree(tree).only(dashboard), settings, lambda text: err.print(text, markup=False))
    faulty = [run for run in runs if run.fault]
    if json:
        print_json([run.document() for run in runs])
    else:
        for run in faulty:
            out.print(f"fault: {run.chart} ({run.filters or 'default filters'}): {run.fault}", markup=False)
        slowest = max(runs, key=lambda run: run.seconds, default=None)
        ending = f", slowest {slowest.chart} in {slowest.seconds:.2f} s" if slowest else ""
        out.print(f"{len(runs)} queries of {len({run.chart for run in runs})} charts, {len(faulty)} faults{ending}")
    if faulty or not runs:
        raise typer.Exit(1)
