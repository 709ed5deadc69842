"""Charts against their datasets: saved metrics and columns that are there."""

from collections.abc import Iterator
from typing import Any

from bi.query_context import UnknownChartError, query_context
from bi.tree import Content, Tree, file_of
from bi.validate.datasets import AGGREGATE, words_of


def chart_faults(tree: Tree, key: str) -> Iterator[str]:
    """Where a chart asks for what its dataset does not have, or computes what a mart should."""
    yield from (f"{file_of('chart', key)}: {fault}" for fault in _faults(tree, tree.chart[key]))


def _faults(tree: Tree, chart: Content) -> Iterator[str]:
    if not chart.get("slice_name"):
        yield "has no title"
    dataset = next((one for one in tree.dataset.values() if one.get("uuid") == chart.get("dataset_uuid")), None)
    if dataset is None:
        yield "its dataset is in no file"
        return
    try:
        context = query_context({**chart.get("params", {}), "viz_type": chart.get("viz_type")})
    except UnknownChartError as error:
        yield str(error)
        return
    except KeyError as error:
        yield f"a {chart.get('viz_type')} needs {error.args[0]} in its params"
        return
    metrics = {metric["metric_name"] for metric in dataset.get("metrics", [])}
    columns = {column["column_name"] for column in dataset.get("columns", [])}
    told = set()
    for query in context["queries"]:
        for fault in _query_faults(query, metrics, columns, str(dataset.get("table_name"))):
            if fault not in told:
                told.add(fault)
                yield fault


def _query_faults(query: dict[str, Any], metrics: set[str], columns: set[str], table: str) -> Iterator[str]:
    for metric in [*(query["metrics"] or []), *(entry[0] for entry in query["orderby"])]:
        if isinstance(metric, dict) and metric.get("columnType") != "BASE_AXIS":
            computed = metric.get("label") or metric.get("sqlExpression")
            yield f"computes {computed} by itself; save it as a metric of {table}"
        elif isinstance(metric, str) and metric not in metrics | columns:
            yield f"the dataset {table} has no metric {metric}"
    for metric in query["metrics"] or []:
        if isinstance(metric, str) and metric in columns - metrics:
            yield f"{metric} is a column of {table}, not a saved metric"
    for column in query["columns"]:
        name = column["sqlExpression"] if isinstance(column, dict) else column
        if isinstance(column, dict) and column.get("columnType") != "BASE_AXIS":
            yield f"computes the column {column.get('label')} by itself; compute it in the mart"
        elif name not in columns:
            yield f"the dataset {table} has no column {name}"
    for condition in query["filters"]:
        if condition["col"] not in columns:
            yield f"filters by {condition['col']}, which is no column of {table}"
    for clause in ("where", "having"):
        text = query["extras"].get(clause) or ""
        if found := AGGREGATE.search(text):
            yield f"computes {found[0]}…) in a filter; save it as a metric of {table}"
        for word in sorted(words_of(text) - columns - metrics):
            yield f"filters by {word}, which is no column of {table}"
