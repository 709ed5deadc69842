"""A big number must equal the mart: the same metric asked from the warehouse, not through Superset."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bi.tree import Content, Tree
from bi.words import spelled
from gtc.settings import Settings
from warehouse.client import connect

#: What a time grain makes of a day, in the warehouse's words.
GRAINS = {
    "P1D": "toDate({})",
    "P1W": "toMonday({})",
    "P1M": "toStartOfMonth({})",
    "P3M": "toStartOfQuarter({})",
    "P1Y": "toStartOfYear({})",
}

_OPERATORS = {"==": "=", "!=": "!=", "<>": "!=", ">": ">", "<": "<", ">=": ">=", "<=": "<="}


def fault_of_headline(answer: dict[str, Any], tree: Tree, key: str, settings: Settings) -> str:
    """Empty when a big-number chart shows what the mart says to the last digit, or it is another kind of chart."""
    chart = tree.chart[key]
    compare = KINDS.get(chart["viz_type"])
    if compare is None or not answer:
        return ""
    dataset = next(one for one in tree.dataset.values() if one["uuid"] == chart["dataset_uuid"])
    return compare(answer, chart["params"], dataset, settings)


def _fault_of_one(answer: dict[str, Any], params: Content, dataset: Content, settings: Settings) -> str:
    """A number that stands alone."""
    name, expression = _metric(params, dataset)
    shown = answer["result"]["data"][0][name]
    [[value]] = _ask(f"select {expression} from {_source(answer, dataset, settings)}", settings)
    return "" if same(shown, value) else f"shows {shown}, the mart says {value}"


def _fault_of_trend(answer: dict[str, Any], params: Content, dataset: Content, settings: Settings) -> str:
    """A number over its trend: the newest values, as many as the number and what it is compared with are made of."""
    name, expression = _metric(params, dataset)
    [axis] = answer["context"]["queries"][0]["columns"]
    if axis["timeGrain"] not in GRAINS:
        return f"nobody has described the time grain {axis['timeGrain']}; do it in bi/headlines.py"
    bucket = GRAINS[axis["timeGrain"]].format(_sql_of(axis["sqlExpression"], dataset))
    rolled = int(params.get("rolling_periods") or 1) if params.get("rolling_type") not in (None, "None") else 1
    count = rolled + int(params.get("compare_lag") or 0)
    found = _ask(
        f"select toUnixTimestamp(toDateTime({bucket}, 'UTC')) * 1000 as moment, {expression} "
        f"from {_source(answer, dataset, settings)} group by moment order by moment desc limit {count}",
        settings,
    )
    rows = sorted(answer["result"]["data"], key=lambda row: -row[axis["label"]])
    shown = [(int(row[axis["label"]]), row[name]) for row in rows[:count]]
    if len(shown) != len(found):
        return f"shows {len(shown)} of its newest {count} values, the mart has {len(found)}"
    for (moment, one), (there, value) in zip(shown, found, strict=True):
        day = f"{datetime.fromtimestamp(moment / 1000, UTC):%Y-%m-%d}"
        if moment != there or not same(one, value):
            return f"shows {one} of {day}, the mart says {value}"
    return ""


#: How each kind of big number is compared.
KINDS = {"big_number_total": _fault_of_one, "big_number": _fault_of_trend}


def _metric(params: Content, dataset: Content) -> tuple[str, str]:
    """Name and expression of a chart's metric, which its dataset has saved."""
    metric = next(one for one in dataset["metrics"] if one["metric_name"] == params["metric"])
    return metric["metric_name"], metric["expression"]


def _source(answer: dict[str, Any], dataset: Content, settings: Settings) -> str:
    where = " and ".join(conditions(answer, dataset)) or "1 = 1"
    return f"{settings.dataset.schema}.{dataset['table_name']} where {where}"


def _sql_of(column: str, dataset: Content) -> str:
    """A column of the dataset in SQL: the warehouse does not know the names of computed ones."""
    entry = next(one for one in dataset["columns"] if one["column_name"] == column)
    return f"({spelled(entry['expression'])})" if entry.get("expression") else column


def _ask(sql: str, settings: Settings) -> list[Any]:
    with connect(settings, "reader") as client:
        return list(client.query(sql).result_rows)


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
    found = [condition for condition in (query["extras"].get("where") or "",) if condition]
    for one in query["filters"]:
        if one["col"] not in types:
            continue  # Superset leaves out a filter for which the dataset has no column
        column = _sql_of(one["col"], dataset)
        if one["op"] == "TEMPORAL_RANGE":
            found += _period(column, types[one["col"]], answer["result"])
        else:
            found.append(_condition({**one, "col": column}))
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
