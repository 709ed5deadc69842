"""Datasets against the marts."""

import re
from collections.abc import Iterator, Mapping

from bi.marts import Mart, one_line
from bi.normal import DEFAULTS
from bi.tree import Tree, file_of

#: What a metric must say about itself.
TOLD = ("verbose_name", "description", "d3format")

#: A word of SQL that is no column: it comes before a bracket, in quotes, or belongs to the language.
_QUOTED = re.compile(r"'(?:[^'\\]|\\.|'')*'")
_WORD = re.compile(r"\b[a-z_][a-z0-9_]*\b(?!\s*\()")
KEYWORDS = {
    "and", "as", "asc", "between", "by", "case", "cast", "day", "desc", "distinct", "else", "end", "false", "from",
    "hour", "if", "in", "interval", "is", "like", "minute", "month", "not", "null", "or", "order", "over", "partition",
    "quarter", "second", "then", "true", "week", "when", "where", "year",
}  # fmt: skip


def dataset_faults(tree: Tree, key: str, marts: Mapping[str, Mart]) -> Iterator[str]:
    """Where a dataset is not what its mart is."""
    dataset, where = tree.dataset[key], file_of("dataset", key)
    if dataset.get("sql"):
        yield f"{where}: holds SQL; what a page needs is a mart"
    if dataset.get("database_uuid") not in tree.names("database"):
        yield f"{where}: its database is in no file"
    mart = marts.get(str(dataset.get("table_name")))
    if mart is None:
        yield f"{where}: there is no mart {dataset.get('table_name')}"
        return
    if dataset.get("schema", DEFAULTS["dataset"]["schema"]) != DEFAULTS["dataset"]["schema"]:
        yield f"{where}: marts stand in the schema {DEFAULTS['dataset']['schema']}"
    if one_line(dataset.get("description") or "") != mart.description:
        yield f"{where}: its description must be that of the mart"
    main = dataset.get("main_dttm_col")
    if main and main not in mart.columns:
        yield f"{where}: main_dttm_col {main} is no column of the mart"
    yield from (f"{where}: {fault}" for fault in _columns(dataset, mart))
    yield from (f"{where}: {fault}" for fault in _metrics(dataset, mart))


def words_of(expression: str) -> set[str]:
    """Words of an expression that must be columns."""
    return set(_WORD.findall(_QUOTED.sub("''", expression))) - KEYWORDS


def _columns(dataset: dict, mart: Mart) -> Iterator[str]:  # type: ignore[type-arg]
    for column in dataset.get("columns", []):
        name = column["column_name"]
        if column.get("expression"):
            yield f"column {name} is computed in the dataset; compute it in the mart"
        elif name not in mart.columns:
            yield f"the mart has no column {name}"
        elif column.get("type") != mart.columns[name].type:
            yield f"column {name} is {mart.columns[name].type} in the mart, not {column.get('type')}"
        elif one_line(column.get("description") or "") != mart.columns[name].description:
            yield f"column {name}: its description must be that of the mart"


def _metrics(dataset: dict, mart: Mart) -> Iterator[str]:  # type: ignore[type-arg]
    for metric in dataset.get("metrics", []):
        name = metric["metric_name"]
        yield from (f"metric {name} has no {told}" for told in TOLD if not metric.get(told))
        for word in sorted(words_of(metric.get("expression") or "") - set(mart.columns)):
            yield f"metric {name} reads {word}, which is no column of the mart"
