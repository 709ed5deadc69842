"""Superset → the tree: what a server exports, under our keys, without what belongs to that server alone."""

import re
from pathlib import Path
from typing import Any

from bi import layout
from bi.identity import Kind, uuid_of
from bi.normal import DEFAULTS
from bi.servers import Server
from bi.tree import FOLDERS, KINDS, Content, Tree, load_yaml
from bi.words import folded, rewritten
from gtc.settings import Settings


def exported(server: Server, known: Tree, settings: Settings) -> Tree:
    """Our assets as the server has them now, with new charts and datasets of our dashboards.

    `known` gives the keys; what it does not know gets one from its name. Other people's dashboards stay out.
    """
    found = _by_kind(server)
    tree = Tree()
    ours = {str(content.get("uuid")): key for key, content in known.dashboard.items()}
    for uuid, content in found["dashboard"].items():
        key = ours.get(uuid) or (content["slug"] if uuid == uuid_of("dashboard", content.get("slug") or "") else None)
        if key:
            tree.dashboard[key] = content
    _take_charts(tree, found["chart"], known)
    _take_datasets(tree, found, known, settings)
    return tree


def write(files: dict[str, str], root: Path) -> list[str]:
    """Write what differs and remove what is no longer there; names of both. access.yaml and others' files stay."""
    present = {
        path.relative_to(root).as_posix() for folder, _ in FOLDERS.values() for path in (root / folder).rglob("*.yaml")
    }
    changed = []
    for name, text in files.items():
        path = root / name
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            changed.append(name)
    for name in sorted(present - set(files)):
        (root / name).unlink()
        changed.append(name)
    return changed


def _by_kind(server: Server) -> dict[Kind, dict[str, Content]]:
    """Everything that the server has, by kind and uuid."""
    found: dict[Kind, dict[str, Content]] = {kind: {} for kind in KINDS}
    kinds = {folder: kind for kind, (folder, _) in FOLDERS.items()}
    for name, text in server.export_assets().items():
        if kind := kinds.get(name.split("/", maxsplit=1)[0]):
            content = load_yaml(text)
            found[kind][str(content["uuid"])] = content
    return found


def _take_charts(tree: Tree, charts: dict[str, Content], known: Tree) -> None:
    """Every chart that a dashboard of ours shows, under the key of the first one that does.

    A draft whose file has been given another name is known by its place on the page.
    """
    keys, places = known.names("chart"), _keys_by_place(known, set(charts))
    for slug, dashboard in tree.dashboard.items():
        for node in layout.charts(dashboard.get("position") or {}):
            uuid = str(node["meta"].get("uuid"))
            if uuid in charts and not any(content is charts[uuid] for content in tree.chart.values()):
                key = keys.get(uuid) or places.get(node["id"])
                key = key or _free(f"{slug}/{_slug(charts[uuid]['slice_name'])}", tree.chart)
                tree.chart[key] = charts[uuid]


def _keys_by_place(known: Tree, present: set[str]) -> dict[str, str]:
    """Charts of the files that the server does not have, by the node of the layout that shows them."""
    keys = known.names("chart")
    return {
        node["id"]: keys[uuid]
        for dashboard in known.dashboard.values()
        for node in layout.charts(dashboard.get("position") or {})
        if (uuid := str(node["meta"].get("uuid"))) in keys and uuid not in present
    }


def _take_datasets(tree: Tree, found: dict[Kind, dict[str, Content]], known: Tree, settings: Settings) -> None:
    """Every dataset and database that the charts and filters stand on."""
    wanted = {str(chart.get("dataset_uuid")) for chart in tree.chart.values()}
    for dashboard in tree.dashboard.values():
        for one in (dashboard.get("metadata") or {}).get("native_filter_configuration", []):
            wanted |= {str(target["datasetUuid"]) for target in one.get("targets", []) if "datasetUuid" in target}
    keys, databases = known.names("dataset"), known.names("database")
    for uuid in sorted(wanted & set(found["dataset"])):
        content = rewritten(found["dataset"][uuid], folded)
        if content.get("schema") == settings.dataset.schema:
            content["schema"] = DEFAULTS["dataset"]["schema"]
        tree.dataset[keys.get(uuid) or _free(content["table_name"], tree.dataset)] = content
        database = str(content["database_uuid"])
        if database in found["database"]:
            key = databases.get(database) or _slug(found["database"][database]["database_name"])
            tree.database[key] = found["database"][database]


def _slug(name: str) -> str:
    """A file name: lower-case letters, digits and underscores."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "unnamed"


def _free(wanted: str, taken: dict[str, Any]) -> str:
    """The key, or with the first number that makes it a new one."""
    return next(key for key in (wanted, *(f"{wanted}_{n}" for n in range(2, 1000))) if key not in taken)
