"""A big number must equal the mart: the same metric asked from the warehouse, not through Superset."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bi.tree import Content, Tree
from gtc.settings import Settings
from warehouse.client import connect

#: Charts whose whole content is one number.
HEADLINES = {"big_number_total"}

_OPERATORS = {"==": "=", "!=": "!=", "<>": "!=", ">": ">", "<": "<", ">=": ">=", "<=": "<="}


def fault_of_headline(answer: dict[str, Any], tree: Tree, key: str, settings: Settings) -> str:
    """Empty when the number of a big-number chart is that of the mart to the last digit, or it is another chart."""
    chart = tree.chart[key]
    if chart["viz_type"] not in HEADLINES or not answer:
        return ""
    dataset = next(one for one in tree.dataset.values() if one["uuid"] == chart["dataset_uuid"])
    metric = next(one for one in dataset["metrics"] if one["metric_name"] == chart["params"]["metric"])
    shown = answer["result"]["data"][0][metric["metric_name"]]
    table = f"{settings.dataset.schema}.{dataset['table_name']}"
    where = " and ".join(conditions(answer, dataset)) or "1 = 1"
    with connect(settings, "reader") as client:
        value = client.query(f"select {metric['expression']} from {table} where {where}").result_rows[0][0]
    return "" if same(shown, value) else f"shows {shown}, the mart says {value}"


def same(shown: Any, value: Any) -> bool:
    """Equal as the numbers that JSON can carry: every digit of a double."""
    if shown is None or value is None:
        return shown is value
    if isinstance(value, str):
        return bool(shown == value)
    return float(Decimal(str(shown))) == float(value)


def conditions(answer: dict[str, Any], dataset: Content) -> list[str]:
    """The chart's filters in SQL. Periods are those that Superset understood: its words for them are its own."""
    query = answer["context"]["queries"][0]
    types = {column["column_name"]: column["type"] for column in dataset["columns"]}
    computed = {column["column_name"]: column.get("expression") for column in dataset["columns"]}
    found = [condition for condition in (query["extras"].get("where") or "",) if condition]
    for one in query["filters"]:
        if one["col"] not in types:
            continue  # Superset leaves out a filter for which the dataset has no column
        if one["op"] == "TEMPORAL_RANGE":
            found += _period(one["col"], types[one["col"]], answer["result"])
        else:
            found.append(_condition({**one, "col": computed[one["col"]] or one["col"]}))
    return found


def _period(column: str, kind: str, result: dict[str, Any]) -> list[str]:
    bounds = ((">=", result.get("from_dttm")), ("<", result.get("to_dttm")))
    found = []
    for operator, milliseconds in bounds:
        if milliseconds is not None:
            moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
            text = f"toDate('{moment:%Y-%m-%d}')" if kind in ("Date", "Date32") else f"'{moment:%Y-%m-%d %H:%M:%S}'"
            found.append(f"{column} {operator} {text}")
    return found


def _condition(one: dict[str, Any]) -> str:
    column, operator, value = one["col"], one["op"].upper(), one.get("val")
    if operator in ("IS NULL", "IS NOT NULL"):
        return f"{column} {operator.lower()}"
    if operator in ("IS TRUE", "IS FALSE"):
        return column if operator == "IS TRUE" else f"not {column}"
    if operator in ("IN", "NOT IN"):
        values = value if isinstance(value, list) else [value]
        return f"{column} {operator.lower()} ({', '.join(map(_literal, values))})"
    return f"{column} {_OPERATORS[one['op']]} {_literal(value)}"


def _literal(value: Any) -> str:
    if isinstance(value, bool | int | float):
        return str(value).lower()
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"
