"""A chart's query as Superset's pages ask it: with what the server then does to the rows.

The server keeps an answer under everything that was asked, so that only the same question finds it again. Used to fill
the cache; checks want the rows as the warehouse gives them. Charts that are not described here are asked as they are.
"""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from bi.query_context import Params, listed

Step = dict[str, Any]


def as_browser(context: dict[str, Any], params: Params) -> dict[str, Any]:
    """The query context of a chart in the words of the browser."""
    context = deepcopy(context)
    build = STEPS.get(params["viz_type"])
    steps = build(params) if build else []
    for number, query in enumerate(context["queries"]):
        if params["viz_type"] == "mixed_timeseries":
            steps = _mixed(params, "_b" if number else "")
        for column in query["columns"]:
            if isinstance(column, dict) and column.get("columnType") == "BASE_AXIS":
                column["isColumnReference"] = True
                if "time_grain_sqla" in params:
                    column.setdefault("timeGrain", params["time_grain_sqla"])
        if "time_grain_sqla" in params:
            query["extras"].setdefault("time_grain_sqla", params["time_grain_sqla"])
        if steps:
            query["post_processing"] = steps
    return context


def _big_number(params: Params) -> list[Step]:
    return [_pivot(params, [params["metric"]], [], drops=True), *_rolling(params, [params["metric"]]), _flatten()]


def _time_series(params: Params) -> list[Step]:
    metrics, groups = listed(params.get("metrics")), listed(params.get("groupby"))
    steps = [
        _pivot(params, metrics, groups, drops=not params.get("show_empty_columns", True)),
        *_rolling(params, metrics),
    ]
    if len(metrics) == 1 and groups and params.get("truncate_metric", True):
        steps.append({"operation": "rename", "options": {"columns": {metrics[0]: None}, "level": 0, "inplace": True}})
    by, ascending = params.get("x_axis_sort"), params.get("x_axis_sort_asc")
    if by and ascending is not None and not groups:
        options = {"is_sort_index": True} if by == params["x_axis"] else {"by": by}
        steps.append({"operation": "sort", "options": {**options, "ascending": ascending}})
    return [*steps, _flatten()]


def _mixed(params: Params, suffix: str) -> list[Step]:
    """Of one of the two queries of a chart that mixes lines and bars; the second one's controls end in `_b`."""
    names = ("metrics", "groupby", "rolling_type", "rolling_periods", "min_periods", "truncate_metric")
    own = {name: params[f"{name}{suffix}"] for name in names if f"{name}{suffix}" in params}
    return _time_series({"x_axis": params["x_axis"], "show_empty_columns": False, **own})


def _heatmap(params: Params) -> list[Step]:
    options = {"metric": params["metric"]}
    if (across := params.get("normalize_across")) in ("x", "y"):
        options["group_by"] = params["x_axis"] if across == "x" else listed(params["groupby"])[0]
    return [{"operation": "rank", "options": options}]


def _pivot(params: Params, metrics: list[Any], groups: list[Any], *, drops: bool) -> Step:
    aggregates = {metric: {"operator": "mean"} for metric in metrics}
    options = {"index": [params["x_axis"]], "columns": groups, "aggregates": aggregates, "drop_missing_columns": drops}
    return {"operation": "pivot", "options": options}


def _rolling(params: Params, metrics: list[Any]) -> list[Step]:
    kind = params.get("rolling_type")
    if kind in (None, "None"):
        return []
    columns = {metric: metric for metric in metrics}
    if kind == "cumsum":
        return [{"operation": "cum", "options": {"operator": "sum", "columns": columns}}]
    window, least = params.get("rolling_periods") or 1, params.get("min_periods") or 0
    options = {"rolling_type": kind, "window": window, "min_periods": least, "columns": columns}
    return [{"operation": "rolling", "options": options}]


def _flatten() -> Step:
    return {"operation": "flatten"}


STEPS: dict[str, Callable[[Params], list[Step]]] = {
    "big_number": _big_number,
    "echarts_area": _time_series,
    "echarts_timeseries_bar": _time_series,
    "echarts_timeseries_line": _time_series,
    "heatmap_v2": _heatmap,
}
