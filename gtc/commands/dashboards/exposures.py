"""`gtc dashboards exposures`."""

from pathlib import Path
from typing import Annotated

import typer

from bi.exposures import EXPOSURES, exposures_text
from bi.tree import read_tree
from gtc.commands.console import out
from gtc.commands.dashboards.options import DEFAULT_TREE, TreeOption


def command(
    tree: TreeOption = DEFAULT_TREE,
    output: Annotated[Path, typer.Option(help="the file that dbt reads")] = EXPOSURES,
) -> None:
    """Write which marts each dashboard reads as dbt exposures, so that the lineage ends at the pages."""
    files = read_tree(tree)
    output.write_text(exposures_text(files))
    out.print(f"{len(files.dashboard)} exposures in {output.name}", highlight=False)
