"""The normal form of the files: what a server adds by itself is left out, ids are numbered, keys are sorted.

Two servers that hold the same dashboards export the same bytes, and an edit in Superset is a small diff. What the
form leaves out, `with_defaults` puts back before a deploy.
"""

from collections.abc import Collection
from copy import deepcopy
from typing import Any

import yaml

from bi import layout
from bi.identity import Kind, uuid_of
from bi.tree import KINDS, Content, Tree, file_of

VERSION = "1.0.0"

#: The first lines of a file, in this order; the rest follows by name.
LEADING = (
    "dashboard_title", "slug", "slice_name", "table_name", "database_name", "column_name", "metric_name", "id", "type",
    "name", "verbose_name", "description", "viz_type", "expression",
)  # fmt: skip

#: What a server writes where nobody said anything.
DEFAULTS: dict[str, Content] = {
    "database": {
        "allow_csv_upload": False, "allow_ctas": False, "allow_cvas": False, "allow_dml": False,
        "allow_file_upload": False, "allow_run_async": False, "cache_timeout": None,
        "configuration_method": "sqlalchemy_form", "expose_in_sqllab": True, "impersonate_user": False,
        "version": VERSION,
    },
    "dataset": {
        "always_filter_main_dttm": False, "cache_timeout": None, "catalog": None, "currency_code_column": None,
        "default_endpoint": None, "description": None, "extra": None, "fetch_values_predicate": None,
        "filter_select_enabled": True, "folders": None, "main_dttm_col": None, "normalize_columns": False, "offset": 0,
        "params": None, "schema": "analytics", "sql": None, "template_params": None, "version": VERSION,
        "is_managed_externally": False, "external_url": None,
    },
    "column": {
        "advanced_data_type": None, "datetime_format": None, "expression": None, "extra": {}, "filterable": True,
        "groupby": True, "is_active": True, "is_dttm": False, "python_date_format": None, "verbose_name": None,
        "description": None,
    },
    "metric": {
        "currency": None, "d3format": None, "description": None, "extra": {}, "metric_type": None,
        "verbose_name": None, "warning_text": None,
    },
    "chart": {
        "cache_timeout": None, "certification_details": None, "certified_by": None, "description": None,
        "query_context": None, "version": VERSION, "tags": [], "is_managed_externally": False, "external_url": None,
    },
    "dashboard": {
        "certification_details": None, "certified_by": None, "css": None, "description": None, "published": True,
        "theme_uuid": None, "theme_id": None, "tags": [], "version": VERSION,
        "is_managed_externally": False, "external_url": None,
    },
    "TAB": {"defaultText": "Tab title", "placeholder": "Tab title"},
    "params": {"annotation_layers": [], "dashboards": [], "url_params": {}, "extra_form_data": {}},
    "metadata": {
        "chart_configuration": {}, "default_filters": "{}", "expanded_slices": {}, "filter_scopes": {},
        "refresh_frequency": 0, "shared_label_colors": [], "timed_refresh_immune_slices": [],
    },
}  # fmt: skip

#: What the importer refuses or a server works out by itself: never in the files, never sent.
DROPPED: dict[str, set[str]] = {
    "database": {"masked_encrypted_extra"},
    "dataset": {"theme_id"},
    "column": {"uuid"},
    "metric": {"uuid"},
    "chart": {"datasource_type", "datasource_name", "query_context"},
    "dashboard": {"theme_id"},
    "params": {"slice_id", "dashboardId", "dashboard_id", "datasource_name"},
    "metadata": {"color_scheme_domain", "map_label_colors", "positions", "shared_label_colors"},
    "filter": {"chartsInScope", "tabsInScope"},
}

#: The dataset of a chart is named by `dataset_uuid`; this stands where a server has its number.
NO_DATASOURCE = "0__table"

#: Said behind the mask of a password, for the search for secrets in `make lint`.
MASK_NOTE = "pragma: allowlist secret"

#: The address of the warehouse in the files; a deploy replaces it by the one of the settings.
PLACEHOLDER_URI = "clickhousedb://reader:XXXXXXXXXX@127.0.0.1:8123/analytics"  # pragma: allowlist secret


def normal_files(tree: Tree) -> dict[str, str]:
    """Path and text of every file of the tree, in normal form."""
    tidy = normal(tree)
    names = {uuid: f"{kind} {key}" for kind in KINDS for uuid, key in tidy.names(kind).items()}
    files = {
        file_of(kind, key): annotated(dump(content), names) for kind in KINDS for key, content in tidy.of(kind).items()
    }
    return {"metadata.yaml": dump({"type": "assets", "version": VERSION}), **dict(sorted(files.items()))}


def normal(tree: Tree) -> Tree:
    """The tree with every asset in normal form and under the uuid that follows from its key."""
    uuids = {str(content.get("uuid")): uuid_of(kind, key) for kind in KINDS for key, content in tree.of(kind).items()}
    tidy = Tree()
    forms = {"database": _database, "dataset": _dataset, "chart": _chart}
    for kind, form in forms.items():
        for key, content in sorted(tree.of(kind).items()):  # type: ignore[arg-type]
            tidy.of(kind)[key] = form(_with_uuids(deepcopy(content), uuids))  # type: ignore[arg-type]
    titles = {content["uuid"]: content.get("slice_name") for content in tidy.chart.values()}
    for key, content in sorted(tree.dashboard.items()):
        tidy.dashboard[key] = _dashboard(_with_uuids(deepcopy(content), uuids), titles)
    return tidy


def with_defaults(kind: Kind, content: Content) -> Content:
    """What a server is told: the file and every default, so that what was changed there changes back."""
    full = {**deepcopy(DEFAULTS[kind]), **deepcopy(content)}
    if kind == "dataset":
        full["columns"] = [{**DEFAULTS["column"], **column} for column in full.get("columns", [])]
        full["metrics"] = [{**DEFAULTS["metric"], **metric} for metric in full.get("metrics", [])]
    if kind == "dashboard":
        for node in layout.nodes(full.get("position") or {}):
            if defaults := DEFAULTS.get(str(node.get("type"))):
                node["meta"] = {**defaults, **node.get("meta", {})}
    return full


def dump(content: Content) -> str:
    """YAML as the house writes it."""
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def annotated(text: str, names: dict[str, str]) -> str:
    """References with the name of what they refer to behind them."""
    lines = []
    for line in text.splitlines():
        # The uuid at the left margin is the file's own, which needs no name.
        label, _, value = line.strip().removeprefix("- ").partition(": ")
        named = names.get(value) if label != "uuid" or line.startswith(" ") else None
        comment = MASK_NOTE if label == "sqlalchemy_uri" else named
        lines.append(f"{line} # {comment}" if comment else line)
    return "\n".join(lines) + "\n"


def _database(content: Content) -> Content:
    content["sqlalchemy_uri"] = PLACEHOLDER_URI
    content.setdefault("extra", {})
    return sorted_mapping(_without(content, "database"))


def _dataset(content: Content) -> Content:
    for name, part in (("columns", "column"), ("metrics", "metric")):
        entries = [_sorted(_without(entry, part)) for entry in content.get(name) or []]
        content[name] = sorted(entries, key=lambda entry: str(entry.get(f"{part}_name")))
    return sorted_mapping(_without(content, "dataset"))


def _chart(content: Content) -> Content:
    params = _without(content.get("params") or {}, "params")
    content["params"] = {**params, "datasource": NO_DATASOURCE, "viz_type": content.get("viz_type")}
    return sorted_mapping(_without(content, "chart"))


def _dashboard(content: Content, titles: dict[str, Any]) -> Content:
    position = content.get("position") or {}
    numbers: dict[Any, int] = {}
    for number, node in enumerate(layout.charts(position), start=1):
        meta = node.setdefault("meta", {})
        numbers[meta.get("chartId")] = number
        meta["chartId"] = number
        if title := titles.get(meta.get("uuid")):
            meta["sliceName"] = title
    content["position"] = _position(position)
    content["metadata"] = _metadata(content.get("metadata") or {}, numbers)
    return sorted_mapping(_without(content, "dashboard"), keep={"position"})


def _position(position: Content) -> Content:
    """Nodes in reading order, then what no row holds: the title."""
    reached = [node["id"] for node in layout.walk(position) if "id" in node]
    others = sorted(name for name in position if name not in reached)
    ordered = dict.fromkeys([*(name for name in others if name == "DASHBOARD_VERSION_KEY"), *reached, *others])
    for node in layout.nodes(position):
        if "meta" in node and node.get("type") in DEFAULTS:
            node["meta"] = _without(node["meta"], node["type"])
    return {name: _sorted(position[name]) if isinstance(position[name], dict) else position[name] for name in ordered}


def _metadata(metadata: Content, numbers: dict[Any, int]) -> Content:
    metadata = _without(metadata, "metadata")
    for one in metadata.get("native_filter_configuration", []):
        for name in DROPPED["filter"] & set(one):
            del one[name]
        _renumber_scope(one, numbers)
    if scope := metadata.get("global_chart_configuration"):
        scope.pop("chartsInScope", None)
        _renumber_scope(scope, numbers)
        if scope == {"scope": {"excluded": [], "rootPath": [layout.ROOT]}}:
            del metadata["global_chart_configuration"]
    metadata["chart_configuration"] = _cross_filters(metadata.get("chart_configuration", {}), numbers)
    if "expanded_slices" in metadata:
        expanded = metadata["expanded_slices"]
        metadata["expanded_slices"] = {str(_number(numbers, key)): value for key, value in expanded.items()}
    if "timed_refresh_immune_slices" in metadata:
        metadata["timed_refresh_immune_slices"] = [
            _number(numbers, one) for one in metadata["timed_refresh_immune_slices"]
        ]
    return _without(metadata, "metadata")


def _cross_filters(configuration: Content, numbers: dict[Any, int]) -> Content:
    """Charts whose cross-filter is not the dashboard's own."""
    kept: Content = {}
    for key, entry in configuration.items():
        cross = entry.get("crossFilters", {})
        cross.pop("chartsInScope", None)
        if cross.get("scope", "global") == "global" or _number(numbers, key) is None:
            continue
        _renumber_scope(cross, numbers)
        number = _number(numbers, key)
        kept[str(number)] = {**entry, "id": number}
    return kept


def _renumber_scope(owner: Content, numbers: dict[Any, int]) -> None:
    scope = owner.get("scope")
    if isinstance(scope, dict) and "excluded" in scope:
        excluded = (_number(numbers, one) for one in scope["excluded"])
        scope["excluded"] = sorted(number for number in excluded if number is not None)


def _number(numbers: dict[Any, int], key: Any) -> int | None:
    return numbers.get(int(key)) if str(key).isdigit() else None


def _without(content: Content, part: str) -> Content:
    """What differs from the defaults and is not the server's own business."""
    defaults, dropped = DEFAULTS.get(part, {}), DROPPED.get(part, set())
    return {
        name: value
        for name, value in content.items()
        if name not in dropped and not (name in defaults and _says_nothing(value, defaults[name]))
    }


def _says_nothing(value: Any, default: Any) -> bool:
    """Whether a server reads it as the default: null is as good as any empty one."""
    return bool(value == default or (value is None and not default))


def _with_uuids(value: Any, uuids: dict[str, str]) -> Any:
    """The same value with every known uuid replaced by that of the house."""
    if isinstance(value, dict):
        return {key: _with_uuids(entry, uuids) for key, entry in value.items()}
    if isinstance(value, list):
        return [_with_uuids(entry, uuids) for entry in value]
    return uuids.get(value, value) if isinstance(value, str) else value


def sorted_mapping(content: Content, keep: Collection[str] = ()) -> Content:
    """An asset in the order in which the files have it."""
    ordered: Content = _sorted(content, keep)
    return ordered


def _sorted(value: Any, keep: Collection[str] = ()) -> Any:
    """Mappings by name, leading names first, at every depth; `keep` names entries whose order says something."""
    if isinstance(value, list):
        return [_sorted(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    leading = [name for name in LEADING if name in value]
    names = [*leading, *sorted((name for name in value if name not in leading), key=str)]
    return {name: value[name] if name in keep else _sorted(value[name]) for name in names}


class _Dumper(yaml.SafeDumper):
    """Text of several lines as a block; no anchors, since a reader of a diff would have to look them up."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
