"""`gtc dashboards deploy`."""

from typing import Annotated

import typer

from bi.access import read_access
from bi.deploy import Deployed
from bi.release import drift, release
from bi.tree import read_tree
from gtc.commands.console import err, out, print_json
from gtc.commands.dashboards.options import DEFAULT_TREE, JsonOption, TreeOption, UrlOption, UserOption, superset
from gtc.commands.first_steps import first_steps
from gtc.settings import load_settings


def command(
    check: Annotated[
        bool, typer.Option("--check", help="only print how the server differs; status 1 if it does")
    ] = False,
    warm: Annotated[bool, typer.Option(help="run every chart once, so that the first reader finds it cached")] = True,
    tree: TreeOption = DEFAULT_TREE,
    url: UrlOption = "",
    user: UserOption = "admin",
    json: JsonOption = False,
) -> None:
    """Bring Superset to what the files say; running it again changes nothing.

    Example: gtc dashboards deploy --check
    """
    settings = load_settings()
    files, access = read_tree(tree), read_access(tree)
    with superset(settings, url, user) as server:
        if check:
            done = drift(server, files, access, settings)
        else:
            done = release(server, files, access, settings, warm=warm, say=lambda text: err.print(text, markup=False))
    if advice := first_steps(settings):
        err.print(advice, markup=False)
    if json:
        print_json(done.document())
    else:
        out.print(summary(done, check=check), markup=False, highlight=False)
    raise typer.Exit(1 if check and not done.is_nothing else 0)


def summary(done: Deployed, *, check: bool) -> str:
    """What was or would be done, one line each; the diff only where nothing is changed."""
    verb = "would be " if check else ""
    lines = [done.diff.rstrip("\n")] if check and done.diff else []
    lines += [f"{verb}changed: {name}" for name in done.changed]
    lines += [f"{verb}adopted: {name}" for name in done.adopted]
    lines += [f"{verb}removed: {name}" for name in done.removed]
    lines += [f"kept: {name}" for name in done.kept]
    lines += [f"{verb}set: {name}" for name in done.access]
    return "\n".join(lines) if lines else "files and server agree"
