"""The query of a chart, from its `params`: what Superset's pages work out in the browser.

A server can only run a chart by itself (reports, checks, the cache) when the query stands beside `params`. It is made
from them at each deploy, so that the two cannot drift apart. It holds what becomes SQL; what the browser then does
with the rows (pivots, moving averages) is left to it.
"""

import json
from collections.abc import Callable
from typing import Any

Params = dict[str, Any]
Query = dict[str, Any]

#: Rows of a chart that says nothing about it; superset_config.py has the same number.
ROW_LIMIT = 10_000

#: Operators that compare with nothing.
UNARY = {"IS NULL", "IS NOT NULL", "IS TRUE", "IS FALSE"}


class UnknownChartError(Exception):
    """A kind of chart that nobody has described here; the text names it."""


def query_context(params: Params) -> dict[str, Any]:
    """The whole query context. The data source is filled in by Superset's importer. Raises UnknownChartError."""
    build = BUILDERS.get(params["viz_type"])
    if build is None:
        known = ", ".join(sorted(BUILDERS))
        raise UnknownChartError(
            f"unknown viz_type: {params['viz_type']} (known: {known}); describe it in bi/query_context.py"
        )
    return {
        "datasource": {"id": 0, "type": "table"},
        "force": False,
        "form_data": {**params, "force": False, "result_format": "json", "result_type": "full"},
        "queries": build(params),
        "result_format": "json",
        "result_type": "full",
    }


def base(params: Params, columns: list[Any], metrics: list[Any], **more: Any) -> Query:
    """The part that all kinds of charts share."""
    adhoc = params.get("adhoc_filters") or []
    extras = {"having": _written(adhoc, "HAVING"), "where": _written(adhoc, "WHERE")}
    if grain := params.get("time_grain_sqla"):
        extras["time_grain_sqla"] = grain
    query = {
        "annotation_layers": params.get("annotation_layers") or [],
        "applied_time_extras": {},
        "columns": columns,
        "custom_form_data": {},
        "custom_params": {},
        "extras": extras,
        "filters": [_simple(one) for one in adhoc if one["expressionType"] == "SIMPLE" and one["clause"] == "WHERE"],
        "metrics": _once(metrics),
        "order_desc": params.get("order_desc", True),
        "orderby": [],
        "row_limit": _integer(params.get("row_limit"), ROW_LIMIT),
        "series_limit": _integer(params.get("limit") or params.get("series_limit"), 0),
        "url_params": {},
    }
    if granularity := params.get("granularity_sqla"):
        query["granularity"] = granularity
    if time_range := params.get("time_range"):
        query["time_range"] = time_range
    return {**query, **more}


def x_axis(params: Params) -> list[Any]:
    """The column along the axis; a time grain applies to it."""
    axis = params.get("x_axis")
    if not isinstance(axis, str):
        return [axis] if axis else []
    column = {"columnType": "BASE_AXIS", "expressionType": "SQL", "label": axis, "sqlExpression": axis}
    grain = params.get("time_grain_sqla")
    return [{**column, "timeGrain": grain} if grain else column]


def name_of(column: Any) -> Any:
    """How an order names a column of the query."""
    return column["label"] if isinstance(column, dict) else column


def sorted_by(params: Params, metrics: list[Any]) -> list[list[Any]]:
    """The order of a chart that may name a metric to sort by, else sorts by its first one."""
    chosen = params.get("timeseries_limit_metric") or params.get("series_limit_metric")
    chosen = chosen[0] if isinstance(chosen, list) and chosen else chosen
    first = chosen or (metrics[0] if metrics else None)
    return [[first, not params.get("order_desc", True)]] if first else []


def _time_series(params: Params) -> list[Query]:
    groups = listed(params.get("groupby"))
    metrics = listed(params.get("metrics"))
    query = base(params, [*x_axis(params), *groups], metrics, orderby=sorted_by(params, metrics), series_columns=groups)
    if limit := params.get("timeseries_limit_metric"):
        query["series_limit_metric"] = limit
    return [{**query, "time_offsets": _offsets(params)}]


def _mixed(params: Params) -> list[Query]:
    second = {name.removesuffix("_b"): value for name, value in params.items() if name.endswith("_b")}
    shared = {name: value for name, value in params.items() if name in ("x_axis", "time_grain_sqla", "time_range")}
    first = {name: value for name, value in params.items() if not name.endswith("_b")}
    return [*_time_series(first), *_time_series({**shared, **second})]


def _big_number_total(params: Params) -> list[Query]:
    return [base(params, [], [params["metric"]])]


def _big_number(params: Params) -> list[Query]:
    return [base(params, x_axis(params), [params["metric"]])]


def _compared_number(params: Params) -> list[Query]:
    return [{**base(params, listed(params.get("cols")), [params["metric"]]), "time_offsets": _offsets(params)}]


def _slices(params: Params) -> list[Query]:
    metric = params["metric"]
    order = [[metric, False]] if params.get("sort_by_metric", True) else []
    return [base(params, listed(params.get("groupby")), [metric], orderby=order)]


def _waterfall(params: Params) -> list[Query]:
    columns = [*x_axis(params), *listed(params.get("groupby"))]
    return [base(params, columns, [params["metric"]], orderby=[[name_of(column), True] for column in columns])]


def _sankey(params: Params) -> list[Query]:
    metric = params["metric"]
    order = [[metric, False]] if params.get("sort_by_metric") else []
    return [base(params, [params["source"], params["target"]], [metric], orderby=order)]


def _heatmap(params: Params) -> list[Query]:
    columns = [*x_axis(params), *listed(params.get("groupby"))]
    metric = params["metric"]
    order = []
    for sorting, column in zip((params.get("sort_x_axis"), params.get("sort_y_axis")), columns, strict=False):
        if sorting:
            order.append([name_of(column) if "alpha" in sorting else metric, "asc" in sorting])
    return [base(params, columns, [metric], orderby=order)]


def _pivot_table(params: Params) -> list[Query]:
    columns = _once([*listed(params.get("groupbyColumns")), *listed(params.get("groupbyRows"))])
    grained = set(params.get("temporal_columns_lookup") or {}) if params.get("time_grain_sqla") else set()
    axes = [x_axis({**params, "x_axis": column})[0] if column in grained else column for column in columns]
    metrics = listed(params.get("metrics"))
    return [base(params, axes, metrics, orderby=sorted_by(params, metrics))]


def _table(params: Params) -> list[Query]:
    if params.get("query_mode") == "raw" or (params.get("all_columns") and not params.get("metrics")):
        order = [json.loads(one) if isinstance(one, str) else one for one in params.get("order_by_cols") or []]
        return [{**base(params, listed(params.get("all_columns")), [], orderby=order), "metrics": None}]
    metrics = [*listed(params.get("metrics")), *listed(params.get("percent_metrics"))]
    grained = set(params.get("temporal_columns_lookup") or {}) if params.get("time_grain_sqla") else set()
    columns = [
        x_axis({**params, "x_axis": column})[0] if column in grained else column
        for column in listed(params.get("groupby"))
    ]
    query = base(params, columns, metrics, orderby=[[metrics[0], False]] if metrics else [])
    if limit := params.get("timeseries_limit_metric"):
        query |= {"orderby": sorted_by(params, metrics), "series_limit_metric": limit}
    return [query]


def _world_map(params: Params) -> list[Query]:
    metrics = [params["metric"], *listed(params.get("secondary_metric"))]
    order = [[params["metric"], False]] if params.get("sort_by_metric") else []
    return [base(params, [params["entity"]], metrics, orderby=order)]


def _bubbles(params: Params) -> list[Query]:
    columns = [*listed(params.get("entity")), *listed(params.get("series"))]
    metrics = [params["x"], params["y"], params["size"]]
    return [base(params, columns, metrics, orderby=[[params["orderby"], False]] if params.get("orderby") else [])]


def _box_plot(params: Params) -> list[Query]:
    groups, distributed = listed(params.get("groupby")), listed(params.get("columns"))
    return [base(params, [*distributed, *groups], listed(params.get("metrics")), series_columns=groups)]


def _histogram(params: Params) -> list[Query]:
    return [{**base(params, [*listed(params.get("groupby")), params["column"]], []), "metrics": None}]


def _radar(params: Params) -> list[Query]:
    metrics = listed(params.get("metrics"))
    return [base(params, listed(params.get("groupby")), metrics, orderby=sorted_by(params, metrics))]


BUILDERS: dict[str, Callable[[Params], list[Query]]] = {
    "big_number": _big_number,
    "big_number_total": _big_number_total,
    "box_plot": _box_plot,
    "bubble_v2": _bubbles,
    "echarts_area": _time_series,
    "echarts_timeseries": _time_series,
    "echarts_timeseries_bar": _time_series,
    "echarts_timeseries_line": _time_series,
    "echarts_timeseries_scatter": _time_series,
    "echarts_timeseries_smooth": _time_series,
    "echarts_timeseries_step": _time_series,
    "funnel": _slices,
    "gauge_chart": _slices,
    "handlebars": _table,
    "heatmap_v2": _heatmap,
    "histogram_v2": _histogram,
    "mixed_timeseries": _mixed,
    "pie": _slices,
    "pivot_table_v2": _pivot_table,
    "pop_kpi": _compared_number,
    "radar": _radar,
    "sankey_v2": _sankey,
    "table": _table,
    "treemap_v2": _slices,
    "waterfall": _waterfall,
    "world_map": _world_map,
}


def listed(value: Any) -> list[Any]:
    """A control that holds one thing, several or none, as a list."""
    if value in (None, "", []):
        return []
    return list(value) if isinstance(value, list) else [value]


def _simple(adhoc: dict[str, Any]) -> dict[str, Any]:
    named = {"col": adhoc["subject"], "op": adhoc["operator"]}
    return named if adhoc["operator"] in UNARY else {**named, "val": adhoc.get("comparator")}


def _written(adhoc: list[dict[str, Any]], clause: str) -> str:
    """Filters that are written in SQL, as one condition."""
    parts = [f"({one['sqlExpression']})" for one in adhoc if one["expressionType"] == "SQL" and one["clause"] == clause]
    return " AND ".join(parts)


def _offsets(params: Params) -> list[str]:
    return [one for one in listed(params.get("time_compare")) if one not in ("custom", "inherit")]


def _integer(value: Any, otherwise: int) -> int:
    return int(value) if value not in (None, "") else otherwise


def _once(values: list[Any]) -> list[Any]:
    """Without repeats, in the order of the first."""
    return [value for place, value in enumerate(values) if value not in values[:place]]
