"""Cross-filters: a click on a chart filters the others of its page by the value that was clicked."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from bi import layout
from bi.query_context import listed
from bi.tree import Content

#: Kinds of charts that filter by what stands along their axis, where that is no time.
BY_AXIS = ("echarts_timeseries_bar", "echarts_timeseries_line", "echarts_area", "waterfall")

#: Kinds that filter by one cell at a time; others by all their groups at once.
BY_CELL = ("table", "pivot_table_v2")

#: Kinds that filter nothing.
DEAF = ("big_number", "big_number_total", "handlebars", "heatmap_v2")

#: How many values are clicked on until one gives rows elsewhere.
TRIED_VALUES = 12


@dataclass(frozen=True)
class Click:
    """What a click on one chart asks of the charts that it reaches: alternatives, each a value by column."""

    alternatives: tuple[dict[str, Any], ...]
    reach: frozenset[int]


def clicks_of(dashboard: Content, number: int, chart: Content, dataset: Content, rows: list[Content]) -> list[Click]:
    """The clicks on a chart, with values that it shows now."""
    if not (dashboard.get("metadata") or {}).get("cross_filters_enabled"):
        return []
    reach = frozenset(_reach(dashboard, number))
    found = []
    for columns in _columns(chart, dataset):
        values = [{column: row.get(column) for column in columns} for row in rows]
        known = [one for place, one in enumerate(values) if None not in one.values() and one not in values[:place]]
        if known:
            found.append(Click(tuple(known[:TRIED_VALUES]), reach))
    return found


def clicked(context: dict[str, Any], chosen: dict[str, Any], dataset: Content) -> dict[str, Any] | None:
    """A chart's query after a click; None where its dataset has no such column: then the click changes nothing."""
    known = {column["column_name"] for column in dataset["columns"]}
    filters = [{"col": column, "op": "IN", "val": [value]} for column, value in chosen.items() if column in known]
    if not filters:
        return None
    context = deepcopy(context)
    for query in context["queries"]:
        query["filters"] = [*query["filters"], *filters]
    return context


def _columns(chart: Content, dataset: Content) -> Iterator[list[str]]:
    """The columns by which a click filters, those of one click together."""
    kind, params = chart["viz_type"], chart["params"]
    if kind in DEAF:
        return
    types = {column["column_name"]: column["type"] for column in dataset["columns"]}
    named = ("groupby", "groupbyRows", "groupbyColumns", "all_columns", "entity")
    columns = [one for name in named for one in listed(params.get(name)) if isinstance(one, str) and one in types]
    if not columns and kind in BY_AXIS and isinstance(axis := params.get("x_axis"), str):
        columns = [axis]
    columns = [column for column in columns if "Date" not in types.get(column, "Date")]
    if kind in BY_CELL:
        yield from ([column] for column in columns)
    elif columns:
        yield columns


def _reach(dashboard: Content, number: int) -> Iterator[int]:
    """Charts that a click on one filters: never itself, and what its scope, else that of the page, leaves in."""
    metadata = dashboard["metadata"]
    own = metadata.get("chart_configuration", {}).get(str(number), {}).get("crossFilters", {}).get("scope")
    everywhere = (metadata.get("global_chart_configuration") or {}).get("scope")
    scope = own if isinstance(own, dict) else everywhere or {}
    roots, excluded = set(scope.get("rootPath", [layout.ROOT])), set(scope.get("excluded", []))
    for node in layout.charts(dashboard["position"]):
        other = int(node["meta"]["chartId"])
        if other != number and other not in excluded and roots & set(node.get("parents", [])):
            yield other
