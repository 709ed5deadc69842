"""A dashboard's filters, applied to a chart's query as Superset's pages do it."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from bi import layout
from bi.query_context import base
from bi.servers import Server, SupersetError, ask
from bi.tree import Content

Mask = dict[str, Any]

#: Periods that a time filter is changed to: the first that is not its default.
OTHER_PERIODS = ("Last 90 days", "Last 180 days")

#: How many values of a column a filter is changed to, until one gives rows.
TRIED_VALUES = 4

#: How many values a filter offers: Superset's own number.
VALUES_OFFERED = 1_000

#: Grains that a filter of time grains is changed to.
OTHER_GRAINS = ("P1M", "P1W")


@dataclass(frozen=True)
class Change:
    """One other setting of a filter, in words and as what it does to a query."""

    words: str
    mask: Mask


@dataclass(frozen=True)
class Filter:
    """One native filter: which charts it is for, what it does at first, and to what it can be changed.

    Of several changes any one may do: no campaign was paid for on a channel that costs nothing.
    """

    name: str
    excluded: frozenset[int]
    default: Mask
    changes: tuple[Change, ...] = ()


#: What the filters of a page are set to at one moment.
Choice = list[tuple[Filter, Mask]]


def filters_of(server: Server, dashboard: Content, datasets: dict[str, int]) -> list[Filter]:
    """Every filter of a dashboard, with changes that the data allow. Raises SupersetError."""
    found = []
    for entry, one in zip(_entries(dashboard), defaults_of(dashboard), strict=True):
        changes = _changes(server, entry, one.default, datasets)
        found.append(Filter(one.name, one.excluded, one.default, tuple(changes)))
    return found


def defaults_of(dashboard: Content) -> list[Filter]:
    """Every filter of a dashboard as the page opens."""
    return [
        Filter(
            entry["name"],
            frozenset((entry.get("scope") or {}).get("excluded", [])),
            (entry.get("defaultDataMask") or {}).get("extraFormData") or {},
        )
        for entry in _entries(dashboard)
    ]


def choices(filters: list[Filter]) -> Iterator[tuple[Filter | None, list[tuple[str, Choice]]]]:
    """What to try: all filters at their defaults, then each one changed while the others keep theirs.

    Each entry has the changed filter and alternatives, in words and as a choice, of which one has to do.
    """
    yield None, [("", [(one, one.default) for one in filters])]
    for changed in filters:
        alternatives = [
            (change.words, [(one, change.mask if one is changed else one.default) for one in filters])
            for change in changed.changes
        ]
        if alternatives:
            yield changed, alternatives


def filtered(context: dict[str, Any], number: int, chosen: Choice) -> dict[str, Any]:
    """The query context of the dashboard's chart with that number, under these filters."""
    context = deepcopy(context)
    for one, mask in reversed(chosen):  # conditions of the page come first, in its order
        if number in one.excluded:
            continue
        for query in context["queries"]:
            _apply(query, mask)
    return context


def value_queries(dashboard: Content, datasets: dict[str, int]) -> Iterator[dict[str, Any]]:
    """What the filters of a page ask to offer their values."""
    for entry in _entries(dashboard):
        for target in entry["targets"] if entry["filterType"] == "filter_select" else ():
            yield _value_query(entry, target, datasets)


def with_first_items(server: Server, dashboard: Content, datasets: dict[str, int]) -> Content:
    """The dashboard as it opens: a filter that begins with its first value has chosen it. Raises SupersetError."""
    opened = deepcopy(dashboard)
    for entry in _entries(opened):
        is_chosen = (entry.get("defaultDataMask") or {}).get("extraFormData")
        if (entry.get("controlValues") or {}).get("defaultToFirstItem") and not is_chosen:
            [target] = entry["targets"]
            context = _value_query(entry, target, datasets)
            column = target["column"]["name"]
            for row in ask(server, "POST", "/api/v1/chart/data", context)["result"][0]["data"][:1]:
                chosen = {"col": column, "op": "IN", "val": [row[column]]}
                entry["defaultDataMask"] = {"extraFormData": {"filters": [chosen]}}
    return opened


def _value_query(entry: Content, target: Content, datasets: dict[str, int]) -> dict[str, Any]:
    column, ascending = target["column"]["name"], (entry.get("controlValues") or {}).get("sortAscending", True)
    adhoc = {"adhoc_filters": entry.get("adhoc_filters"), "row_limit": VALUES_OFFERED}
    query = {**base(adhoc, [column], []), "orderby": [[column, ascending]]}
    return {
        "datasource": {"id": datasets[target["datasetUuid"]], "type": "table"}, "queries": [query],
        "form_data": {}, "result_format": "json", "result_type": "full",
    }  # fmt: skip


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
    query["filters"] = [*mask.get("filters", []), *query["filters"]]


def _entries(dashboard: Content) -> list[Content]:
    configured = (dashboard.get("metadata") or {}).get("native_filter_configuration", [])
    return [entry for entry in configured if entry.get("type", "NATIVE_FILTER") == "NATIVE_FILTER"]


def _changes(server: Server, entry: Content, default: Mask, datasets: dict[str, int]) -> Iterator[Change]:
    kind, name = entry["filterType"], entry["name"]
    if kind == "filter_time":
        period = next(period for period in OTHER_PERIODS if period != default.get("time_range"))
        yield Change(f"{name}: {period}", {"time_range": period})
    elif kind == "filter_timegrain":
        grain = next(grain for grain in OTHER_GRAINS if grain != default.get("time_grain_sqla"))
        yield Change(f"{name}: {grain}", {"time_grain_sqla": grain})
    elif kind == "filter_select":
        target = entry["targets"][0]
        column, dataset = target["column"]["name"], datasets[target["datasetUuid"]]
        used = {str(value) for condition in default.get("filters", []) for value in condition.get("val") or []}
        for value in _common_values(server, dataset, column, used):
            yield Change(f"{name}: {value}", {"filters": [{"col": column, "op": "IN", "val": [value]}]})
    else:
        raise SupersetError(f"filter {name}: nobody has described how to change a {kind}; do it in bi/filters.py")


def _common_values(server: Server, dataset: int, column: str, used: set[str]) -> list[Any]:
    """The values that most rows have, other than those that the default chooses."""
    count = {"expressionType": "SQL", "sqlExpression": "count(*)", "label": "rows"}
    query = {
        "columns": [column], "metrics": [count], "orderby": [[count, False]], "row_limit": TRIED_VALUES + 2,
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
    return usable[:TRIED_VALUES]
