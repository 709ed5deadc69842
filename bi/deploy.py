"""The tree → Superset: what changes, nothing when nothing did, and out with what was removed."""

import difflib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import yaml

from bi.drafts import adopt, adoptable
from bi.export import exported
from bi.identity import Kind, may_be_ours, uuid_of
from bi.normal import DEFAULTS, VERSION, dump, normal, normal_files, with_defaults
from bi.query_context import query_context
from bi.servers import Files, Server, SupersetError, ask, rows
from bi.tree import KINDS, Content, Tree, file_of
from bi.words import rewritten, spelled
from gtc.settings import Settings

#: How a kind is called in the REST API, and which column holds the name that people see. Removed in this order.
RESOURCES: dict[Kind, tuple[str, str]] = {
    "dashboard": ("dashboard", "dashboard_title"),
    "chart": ("chart", "slice_name"),
    "dataset": ("dataset", "table_name"),
}


class SlugTakenError(SupersetError):
    """Somebody else's dashboard has the slug of one of ours."""


@dataclass
class Deployed:
    """What a deploy did, or with `--check` would do."""

    changed: list[str] = field(default_factory=list)
    adopted: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    access: list[str] = field(default_factory=list)
    diff: str = ""

    @property
    def is_nothing(self) -> bool:
        """Whether files and server agree."""
        return not (self.changed or self.adopted or self.removed or self.access)

    def document(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self)


def rendered(tree: Tree, settings: Settings) -> Files:
    """What Superset's importer gets: the address of this warehouse, every default, the queries of charts."""
    tidy = normal(tree)
    files = {"metadata.yaml": dump({"version": VERSION, "type": "assets", "timestamp": "2026-01-01T00:00:00+00:00"})}
    for kind in KINDS:
        for key, content in tidy.of(kind).items():
            full = RENDERERS[kind](with_defaults(kind, content), settings)
            files[file_of(kind, key)] = yaml.dump(full, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper))
    return files


def warehouse_uri(settings: Settings) -> str:
    """The warehouse as the read-only user, with a mask where Superset puts the password."""
    address = f"{settings.warehouse_reader_user}:XXXXXXXXXX@{settings.warehouse_host}:{settings.warehouse_port}"
    secure = "?secure=true" if settings.warehouse_secure else ""
    return f"clickhousedb://{address}/{settings.dataset.schema}{secure}"


def differences(server: Server, tree: Tree, settings: Settings) -> Deployed:
    """How the server differs from the files, without changing anything. Raises SlugTakenError."""
    refuse_taken_slugs(server, tree)
    there = exported(server, tree, settings)
    ours, theirs = normal_files(tree), normal_files(there)
    found = Deployed()
    lines: list[str] = []
    for name in sorted({*ours, *theirs} - {"metadata.yaml"}):
        if ours.get(name) != theirs.get(name):
            if name in ours:
                found.changed.append(name)
            before, after = (files.get(name, "").splitlines(keepends=True) for files in (theirs, ours))
            lines += difflib.unified_diff(before, after, f"server/{name}", f"files/{name}")
    for key in stale_queries(tree, there):
        if (name := file_of("chart", key)) not in found.changed:
            found.changed.append(name)
            lines.append(f"server/{name}: its query is not the one that its params give\n")
    found.diff = "".join(lines)
    found.adopted = [str(draft) for draft in adoptable(there, tree)]
    found.removed = [f"{kind} {name}" for kind, _, name in strangers(server, tree)]
    return found


def stale_queries(tree: Tree, there: Tree) -> list[str]:
    """Charts whose query on the server is not the one that the files give: the form of the files leaves it out."""
    wanted = normal(tree).chart
    found = []
    for key, chart in there.chart.items():
        if key in wanted:
            params = {**wanted[key]["params"], "viz_type": wanted[key]["viz_type"]}
            queries = json.loads(chart.get("query_context") or "{}").get("queries")
            if queries != json.loads(json.dumps(query_context(params)["queries"])):
                found.append(key)
    return found


def deploy(server: Server, tree: Tree, settings: Settings, say: Callable[[str], None]) -> Deployed:
    """Adopt drafts, import what differs, remove what the tree no longer has. Raises SupersetError."""
    done = differences(server, tree, settings)
    if done.adopted:
        adopt(server, adoptable(exported(server, tree, settings), tree))
    if done.changed or done.adopted:  # a page names its charts by their identity
        say(f"{len(done.changed)} assets differ")
        password = settings.warehouse_reader_password.get_secret_value()
        passwords = {file_of("database", key): password for key in tree.database}
        server.import_assets(rendered(tree, settings), passwords)
    done.removed, done.kept = prune(server, tree)
    return done


def refuse_taken_slugs(server: Server, tree: Tree) -> None:
    """The importer would take over a dashboard that has the slug. Raises SlugTakenError."""
    owners = {row["slug"]: row for row in rows(server, "dashboard", ["id", "slug", "uuid", "dashboard_title"])}
    for key, content in tree.dashboard.items():
        owner = owners.get(content.get("slug"))
        if owner and str(owner["uuid"]) != uuid_of("dashboard", key):
            raise SlugTakenError(
                f"the slug {content['slug']} belongs to another dashboard, `{owner['dashboard_title']}` "
                f"({owner['uuid']}); give that one another slug, nothing was changed"
            )


def prune(server: Server, tree: Tree) -> tuple[list[str], list[str]]:
    """Remove our assets that the tree no longer has; names of those removed, and of those that others still use."""
    removed, kept = [], []
    for kind, number, name in strangers(server, tree):
        resource = RESOURCES[kind][0]
        if kind == "dataset" and (users := _charts_of_dataset(server, number)):
            kept.append(f"dataset {name}: {users} charts that are not ours use it")
            continue
        ask(server, "DELETE", f"/api/v1/{resource}/{number}")
        removed.append(f"{kind} {name}")
    return removed, kept


def strangers(server: Server, tree: Tree) -> list[tuple[Kind, int, str]]:
    """Kind, number and name of what bears an identity of ours and is in no file.

    Superset gives random uuids to what people make. A dataset is ours when its uuid follows from its name; a chart when
    it stands on such a dataset; a dashboard when its uuid follows from its slug.
    """
    datasets = {row["id"]: row for row in rows(server, "dataset", ["id", "uuid", "table_name"])}
    our_datasets = {
        number for number, row in datasets.items() if str(row["uuid"]) == uuid_of("dataset", row["table_name"])
    }
    found: list[tuple[Kind, int, str]] = []
    tidy = normal(tree)
    known = {kind: set(tidy.names(kind)) for kind in RESOURCES}
    for row in rows(server, "dashboard", ["id", "uuid", "slug", "dashboard_title"]):
        if str(row["uuid"]) == uuid_of("dashboard", row["slug"] or "") and str(row["uuid"]) not in known["dashboard"]:
            found.append(("dashboard", row["id"], row["dashboard_title"]))
    for row in rows(server, "chart", ["id", "uuid", "slice_name", "datasource_id"]):
        is_ours = row["datasource_id"] in our_datasets and may_be_ours(str(row["uuid"]))
        if is_ours and str(row["uuid"]) not in known["chart"]:
            found.append(("chart", row["id"], row["slice_name"]))
    for number in sorted(our_datasets):
        if str(datasets[number]["uuid"]) not in known["dataset"]:
            found.append(("dataset", number, datasets[number]["table_name"]))
    return found


def _charts_of_dataset(server: Server, number: int) -> int:
    return int(ask(server, "GET", f"/api/v1/dataset/{number}/related_objects")["charts"]["count"])


def _database(content: Content, settings: Settings) -> Content:
    return {**content, "sqlalchemy_uri": warehouse_uri(settings)}


def _dataset(content: Content, settings: Settings) -> Content:
    is_plain = content["schema"] == DEFAULTS["dataset"]["schema"]
    return rewritten({**content, "schema": settings.dataset.schema} if is_plain else content, spelled)


def _chart(content: Content, settings: Settings) -> Content:
    params = {**content["params"], "viz_type": content["viz_type"]}
    return {**content, "params": params, "query_context": json.dumps(query_context(params))}


def _dashboard(content: Content, settings: Settings) -> Content:
    metadata = {**DEFAULTS["metadata"], **content["metadata"]}
    scope = {"scope": {"rootPath": ["ROOT_ID"], "excluded": []}, "chartsInScope": []}
    metadata.setdefault("global_chart_configuration", scope)
    return {**content, "metadata": metadata}


RENDERERS: dict[Kind, Callable[[Content, Settings], Content]] = {
    "database": _database,
    "dataset": _dataset,
    "chart": _chart,
    "dashboard": _dashboard,
}
