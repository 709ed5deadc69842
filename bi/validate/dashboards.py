"""Dashboards: slug, words, filters and layout."""

import re
from collections.abc import Iterator

from bi import layout
from bi.tree import Content, Tree, file_of

#: Columns of a row in Superset's grid.
GRID = 12

SLUG = re.compile(r"[a-z][a-z0-9_-]*")

#: Nodes that hang below nothing.
FREE = {"HEADER_ID", "DASHBOARD_VERSION_KEY", layout.ROOT}


def dashboard_faults(tree: Tree, key: str) -> Iterator[str]:
    """What is wrong with a page before anybody opens it."""
    dashboard = tree.dashboard[key]
    checks = (
        _words(dashboard, key),
        _layout(dashboard),
        _charts(tree, dashboard),
        _filters(tree, dashboard),
        _first_filters(dashboard),
    )
    for check in checks:
        yield from (f"{file_of('dashboard', key)}: {fault}" for fault in check)


def _words(dashboard: Content, key: str) -> Iterator[str]:
    slug = str(dashboard.get("slug"))
    if slug != key or not SLUG.fullmatch(slug):
        yield f"its slug must be its file's name, {key}; it is {slug}"
    yield from (f"has no {name}" for name in ("dashboard_title", "description") if not dashboard.get(name))
    if dashboard.get("published") is False:
        yield "is not published, so that no reader finds it"


def _layout(dashboard: Content) -> Iterator[str]:
    position = dashboard.get("position") or {}
    if layout.ROOT not in position:
        yield "its layout has no root"
        return
    holders: dict[str, list[str]] = {}
    for name, node in position.items():
        if not isinstance(node, dict):
            continue
        if node.get("id") != name:
            yield f"layout: {name} calls itself {node.get('id')}"
        for child in node.get("children", []):
            holders.setdefault(child, []).append(name)
            if child not in position:
                yield f"layout: {name} holds {child}, which is not there"
        if node.get("type") == "ROW":
            width = sum(_width(position.get(child)) for child in node.get("children", []))
            if width > GRID:
                yield f"layout: {name} is {width} columns wide, of {GRID}"
            if not node.get("children"):
                yield f"layout: {name} is empty"
    for name, node in position.items():
        if name in FREE or not isinstance(node, dict):
            continue
        if len(holders.get(name, [])) != 1:
            yield f"layout: {name} hangs below {len(holders.get(name, []))} nodes, not below one"
        elif node.get("parents") != _path(holders, name):
            yield f"layout: {name} names other parents than it has: {' > '.join(_path(holders, name))}"


def _width(node: object) -> int:
    return int((node.get("meta") or {}).get("width", 0)) if isinstance(node, dict) else 0


def _path(holders: dict[str, list[str]], name: str) -> list[str]:
    """From the root to the node's holder; it ends where a holder is unknown or comes twice."""
    path: list[str] = []
    while name in holders and (holder := holders[name][0]) not in path:
        path.insert(0, holder)
        name = holder
    return path


def _charts(tree: Tree, dashboard: Content) -> Iterator[str]:
    known, seen = tree.names("chart"), set()
    for node in layout.nodes(dashboard.get("position") or {}):
        if node.get("type") != "CHART":
            continue
        uuid, meta = str(node.get("meta", {}).get("uuid")), node.get("meta", {})
        if uuid not in known:
            yield f"layout: {node.get('id')} shows a chart that is in no file ({uuid})"
        if uuid in seen:
            yield f"layout: {node.get('id')} shows a chart a second time"
        seen.add(uuid)
        if not 1 <= int(meta.get("width") or 0) <= GRID or not int(meta.get("height") or 0):
            yield f"layout: {node.get('id')} needs a width of 1 to {GRID} and a height"
    if not seen:
        yield "shows no chart"


def _filters(tree: Tree, dashboard: Content) -> Iterator[str]:
    datasets = {one.get("uuid"): one for one in tree.dataset.values()}
    names = set()
    for one in (dashboard.get("metadata") or {}).get("native_filter_configuration", []):
        name = one.get("name")
        if not name or name in names:
            yield f"filter {one.get('id')} needs a name of its own"
        names.add(name)
        for target in one.get("targets", []):
            if not target:
                continue
            dataset = datasets.get(target.get("datasetUuid"))
            if dataset is None:
                yield f"filter {name}: its dataset is in no file"
                continue
            column = (target.get("column") or {}).get("name")
            if column not in {entry["column_name"] for entry in dataset.get("columns", [])}:
                yield f"filter {name}: {dataset['table_name']} has no column {column}"


def _first_filters(dashboard: Content) -> Iterator[str]:
    """Superset loads the filters of a page after its last chart, unless one of them must have a value first.

    Such a filter may begin with nothing (`null`), then both load at once. Where it begins with a value of its own, each
    chart is asked for again when its list has come.
    """
    filters = (dashboard.get("metadata") or {}).get("native_filter_configuration", [])
    first = [one for one in filters if one.get("requiredFirst")]
    if not first:
        for one in filters:
            if one.get("filterType") == "filter_time":
                yield (
                    f"filter {one.get('name')}: filters would load after all charts; "
                    "give it `requiredFirst: true` and the value null"
                )
    for one in first:
        state = (one.get("defaultDataMask") or {}).get("filterState") or {}
        if state.get("value") is not None:
            yield f"filter {one.get('name')}: requiredFirst and a value of its own make charts ask twice; take one away"
