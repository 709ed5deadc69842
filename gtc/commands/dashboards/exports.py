"""`gtc dashboards export`."""

from bi.drafts import drafts_of
from bi.export import exported, write
from bi.normal import normal_files
from bi.tree import file_of, read_tree
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
        there = exported(server, read_tree(tree), settings)
    changed, drafts = write(normal_files(there), tree), drafts_of(there)
    if json:
        print_json({"changed": changed, "drafts": [vars(draft) for draft in drafts]})
        return
    for name in changed:
        out.print(f"written: {name}" if (tree / name).exists() else f"removed: {name}", markup=False, highlight=False)
    for draft in drafts:
        advice = "name the file as you like, `gtc dashboards format`; the next deploy makes the draft that chart"
        advice = advice if draft.kind == "chart" else "the next deploy makes the draft that dataset"
        name = file_of(draft.kind, draft.key)
        out.print(f"draft: {draft.kind} `{draft.name}` is {name}; {advice}", markup=False, highlight=False)
    if not changed:
        out.print("files and server agree")
