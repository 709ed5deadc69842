"""`gtc dashboards format`."""

from typing import Annotated

import typer

from bi.export import write
from bi.normal import normal_files
from bi.tree import read_tree
from gtc.commands.console import out
from gtc.commands.dashboards.options import DEFAULT_TREE, TreeOption


def command(
    tree: TreeOption = DEFAULT_TREE,
    check: Annotated[bool, typer.Option("--check", help="change nothing; status 1 if a file would change")] = False,
) -> None:
    """Bring the files into their normal form: sorted, numbered, with names behind references."""
    files = normal_files(read_tree(tree))
    if check:
        changed = [
            name for name, text in files.items() if not (tree / name).exists() or (tree / name).read_text() != text
        ]
    else:
        changed = write(files, tree)
    for name in changed:
        out.print(f"{'would be ' if check else ''}written: {name}", markup=False, highlight=False)
    if check and changed:
        raise typer.Exit(1)
