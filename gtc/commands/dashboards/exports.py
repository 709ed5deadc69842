"""`gtc dashboards export`."""

from bi.export import export_files, write
from bi.tree import read_tree
from gtc.commands.console import out, print_json
from gtc.commands.dashboards.options import DEFAULT_TREE, JsonOption, TreeOption, UrlOption, UserOption, superset
from gtc.settings import load_settings


def command(
    tree: TreeOption = DEFAULT_TREE,
    url: UrlOption = "",
    user: UserOption = "admin",
    json: JsonOption = False,
) -> None:
    """Write what Superset has into the files: an edit made in the browser becomes a diff that can be reviewed.

    Example: gtc dashboards export && git diff superset_exports
    """
    settings = load_settings()
    with superset(settings, url, user) as server:
        changed = write(export_files(server, read_tree(tree), settings), tree)
    if json:
        print_json({"changed": changed})
        return
    for name in changed:
        out.print(f"written: {name}" if (tree / name).exists() else f"removed: {name}", markup=False, highlight=False)
    if not changed:
        out.print("files and server agree")
