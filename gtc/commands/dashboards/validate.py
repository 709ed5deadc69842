"""`gtc dashboards validate`."""

from pathlib import Path
from typing import Annotated

import typer

from bi.access import read_access
from bi.exposures import EXPOSURES
from bi.marts import parse, read_marts
from bi.tree import read_tree
from bi.validate import faults
from gtc.commands.console import out, print_json
from gtc.commands.dashboards.options import DEFAULT_TREE, JsonOption, TreeOption
from gtc.settings import load_settings


def command(
    tree: TreeOption = DEFAULT_TREE,
    manifest: Annotated[Path | None, typer.Option(help="dbt's manifest.json; default: parse the project now")] = None,
    exposures: Annotated[Path, typer.Option(help="the generated exposures of dbt")] = EXPOSURES,
    json: JsonOption = False,
) -> None:
    """Check the files against the marts and themselves, without any server. Exit status 1 when a fault is found."""
    files = read_tree(tree)
    marts = read_marts(manifest or parse(load_settings()))
    found = faults(files, read_access(tree), marts, tree, exposures)
    if json:
        print_json(found)
    else:
        for fault in found:
            out.print(fault, markup=False, highlight=False)
        counts = f"{len(files.dashboard)} dashboards, {len(files.chart)} charts, {len(files.dataset)} datasets"
        out.print(f"{counts}, {len(found)} faults", highlight=False)
    if found:
        raise typer.Exit(1)
