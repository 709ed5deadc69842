"""A dashboard's filters, applied to a chart's query as Superset's pages do it."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from bi import layout
from bi.servers import Server, SupersetError, ask
from bi.tree import Content

Mask = dict[str, Any]

#: Periods that a time filter is changed to: the first that is not its default.
OTHER_PERIODS = ("Last 90 days", "Last 180 days")

#: Grains that a filter of time grains is changed to.
OTHER_GRAINS = ("P1M", "P1W")


@dataclass(frozen=True)
class Filter:
    """One native filter: its name, which charts it is for, what it does at first and after a change."""

    name: str
    excluded: frozenset[int]
    default: Mask
    changed: Mask
    change: str


def filters_of(server: Server, dashboard: Content, datasets: dict[str, int]) -> list[Filter]:
    """Every filter of a dashboard, with a change that the data allow. Raises SupersetError."""
    found = []
    for one in (dashboard.get("metadata") or {}).get("native_filter_configuration", []):
        if one.get("type", "NATIVE_FILTER") != "NATIVE_FILTER":
            continue
        default = (one.get("defaultDataMask") or {}).get("extraFormData") or {}
        change, changed = _change(server, one, default, datasets)
        excluded = frozenset((one.get("scope") or {}).get("excluded", []))
        found.append(Filter(one["name"], excluded, default, changed, change))
    return found


def masks(filters: list[Filter]) -> Iterator[tuple[str, list[tuple[Filter, Mask]]]]:
    """What to try: every filter at its default, then each one changed while the others keep theirs."""
    yield "", [(one, one.default) for one in filters]
    for changed in filters:
        yield changed.change, [(one, one.changed if one is changed else one.default) for one in filters]


def filtered(context: dict[str, Any], number: int, chosen: list[tuple[Filter, Mask]]) -> dict[str, Any]:
    """The query context of the dashboard's chart with that number, under these filters."""
    context = deepcopy(context)
    for one, mask in chosen:
        if number in one.excluded:
            continue
        for query in context["queries"]:
            _apply(query, mask)
    return context


def numbers_of(dashboard: Content) -> dict[str, int]:
    """The number of each chart within the dashboard, by uuid."""
    return {str(node["meta"]["uuid"]): node["meta"]["chartId"] for node in layout.charts(dashboard["position"])}


def _apply(query: dict[str, Any], mask: Mask) -> None:
    if period := mask.get("time_range"):
        query["time_range"] = period
        for condition in query["filters"]:
            if condition["op"] == "TEMPORAL_RANGE":
                condition["val"] = period
    if grain := mask.get("time_grain_sqla"):
        query["extras"]["time_grain_sqla"] = grain
        for column in query["columns"]:
            if isinstance(column, dict) and column.get("columnType") == "BASE_AXIS":
                column["timeGrain"] = grain
    query["filters"] = [*query["filters"], *mask.get("filters", [])]


def _change(server: Server, one: Content, default: Mask, datasets: dict[str, int]) -> tuple[str, Mask]:
    kind, name = one["filterType"], one["name"]
    if kind == "filter_time":
        period = next(period for period in OTHER_PERIODS if period != default.get("time_range"))
        return f"{name}: {period}", {"time_range": period}
    if kind == "filter_timegrain":
        grain = next(grain for grain in OTHER_GRAINS if grain != default.get("time_grain_sqla"))
        return f"{name}: {grain}", {"time_grain_sqla": grain}
    if kind == "filter_select":
        target = one["targets"][0]
        column, dataset = target["column"]["name"], datasets[target["datasetUuid"]]
        used = {str(value) for condition in default.get("filters", []) for value in condition.get("val") or []}
        value = _common_value(server, dataset, column, used)
        return f"{name}: {value}", {"filters": [{"col": column, "op": "IN", "val": [value]}]}
    raise SupersetError(f"filter {name}: nobody has described how to change a {kind}; do it in bi/filters.py")


def _common_value(server: Server, dataset: int, column: str, used: set[str]) -> Any:
    """The value that most rows have, other than those that the default chooses."""
    count = {"expressionType": "SQL", "sqlExpression": "count(*)", "label": "rows"}
    query = {
        "columns": [column], "metrics": [count], "orderby": [[count, False]], "row_limit": 5,
        "filters": [{"col": column, "op": "IS NOT NULL"}],
    }  # fmt: skip
    context = {
        "datasource": {"id": dataset, "type": "table"}, "queries": [query],
        "result_format": "json", "result_type": "full",
    }  # fmt: skip
    found = [row[column] for row in ask(server, "POST", "/api/v1/chart/data", context)["result"][0]["data"]]
    usable = [value for value in found if value not in ("", None) and str(value) not in used]
    if not usable:
        raise SupersetError(f"column {column} has no value to filter by; are the marts built?")
    return usable[0]
