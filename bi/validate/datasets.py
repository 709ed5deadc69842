"""Datasets against the marts."""

import re
from collections.abc import Iterator, Mapping

from bi.marts import Mart, one_line
from bi.normal import DEFAULTS
from bi.tree import Tree, file_of
from bi.words import spelled

#: What a metric must say about itself.
TOLD = ("verbose_name", "description")

#: A call that makes one value of many rows.
AGGREGATE = re.compile(
    r"\b(count|sum|avg|min|max|uniq|quantile|median|any|arg(Min|Max))(\w*If|\w*Exact|\w*Merge)?\s*\(", re.IGNORECASE
)

#: A word of SQL that is no column: it comes before a bracket, in quotes, or belongs to the language.
_QUOTED = re.compile(r"'(?:[^'\\]|\\.|'')*'")
_WORD = re.compile(r"\b[a-z_][a-z0-9_]*\b(?!\s*\()")
_LAMBDA = re.compile(r"(\w+|\([\w\s,]+\))\s*->")
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
    text = _QUOTED.sub("''", expression)
    arguments = {word for found in _LAMBDA.findall(text) for word in _WORD.findall(found)}
    return set(_WORD.findall(text)) - arguments - KEYWORDS


def _columns(dataset: dict, mart: Mart) -> Iterator[str]:  # type: ignore[type-arg]
    for column in dataset.get("columns", []):
        name = column["column_name"]
        if expression := column.get("expression"):
            yield from _computed(name, expression, column.get("description"), mart)
        elif name not in mart.columns:
            yield f"the mart has no column {name}"
        elif column.get("type") != mart.columns[name].type:
            yield f"column {name} is {mart.columns[name].type} in the mart, not {column.get('type')}"
        elif one_line(column.get("description") or "") != mart.columns[name].description:
            yield f"column {name}: its description must be that of the mart"


def _computed(name: str, expression: str, description: str | None, mart: Mart) -> Iterator[str]:
    """A column over columns of the same row, for a filter that several marts share: never an aggregate."""
    if name in mart.columns:
        yield f"column {name} hides the mart's own"
    if not description:
        yield f"column {name} has no description"
    if found := AGGREGATE.search(expression):
        yield f"column {name} computes {found[0]}…); save it as a metric"
    for word in sorted(words_of(spelled(expression)) - set(mart.columns)):
        yield f"column {name} reads {word}, which is no column of the mart"


def _is_text(expression: str, mart: Mart) -> bool:
    """Whether a metric gives words or dates, which have no number format."""
    if re.match(r"(concat|multiIf|toString|formatDateTime)\(", expression) or re.match(
        r"if\(.*, '[^']*'\)$", expression
    ):
        return True
    found = re.fullmatch(r"(?:any|anyLast|min|max|argMax|argMin)\((\w+).*\)", expression)
    return bool(found and found[1] in mart.columns and re.search("String|Date|Enum", mart.columns[found[1]].type))


def _metrics(dataset: dict, mart: Mart) -> Iterator[str]:  # type: ignore[type-arg]
    for metric in dataset.get("metrics", []):
        name = metric["metric_name"]
        yield from (f"metric {name} has no {told}" for told in TOLD if not metric.get(told))
        if not metric.get("d3format") and not _is_text(metric.get("expression") or "", mart):
            yield f"metric {name} has no d3format"
        for word in sorted(words_of(metric.get("expression") or "") - set(mart.columns)):
            yield f"metric {name} reads {word}, which is no column of the mart"
