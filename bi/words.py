"""Names of countries: a computed column says `{country_codes}` and `{country_names}`, a server gets the lists.

So each name stands once, in a file, however many datasets show countries. One that the file does not name stays a code.
"""

import csv
from collections.abc import Callable, Iterable
from functools import cache

from bi.tree import TREE, Content

#: Codes of ISO 3166-1, and XK for Kosovo, with the names that pages show.
COUNTRY_NAMES = TREE / "country_names.csv"


@cache
def country_names() -> dict[str, str]:
    """Name by code."""
    with COUNTRY_NAMES.open(encoding="utf-8") as file:
        return {row["country"]: row["country_name"] for row in csv.DictReader(file)}


def spelled(expression: str) -> str:
    """The expression as the warehouse understands it."""
    for word, text in _lists().items():
        expression = expression.replace(word, text)
    return expression


def folded(expression: str) -> str:
    """The expression as the files have it."""
    for word, text in _lists().items():
        expression = expression.replace(text, word)
    return expression


def rewritten(dataset: Content, rewrite: Callable[[str], str]) -> Content:
    """The dataset with every computed column's expression rewritten."""
    columns = [
        {**column, "expression": rewrite(column["expression"])} if column.get("expression") else column
        for column in dataset.get("columns", [])
    ]
    return {**dataset, "columns": columns}


def _lists() -> dict[str, str]:
    names = country_names()
    return {"{country_codes}": _array(names.keys()), "{country_names}": _array(names.values())}


def _array(texts: Iterable[str]) -> str:
    quoted = (text.replace("\\", "\\\\").replace("'", "\\'") for text in texts)
    return "[" + ", ".join(f"'{text}'" for text in quoted) + "]"
