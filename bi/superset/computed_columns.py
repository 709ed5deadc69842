"""A correction of Superset 6.1: computed columns in queries of plain rows, as drill to detail asks them.

Superset looks up the columns of such a query by their quoted name, after sqlglot has written that name anew. For
ClickHouse the one quotes with backticks and the other with double quotes, so that nothing is found and the name of a
computed column is sent as if the table had it (`superset/models/helpers.py`, `quoted_columns_by_name`).
"""

from typing import Any

from superset.connectors.sqla.models import SqlaTable


def look_up_by_the_same_quotes() -> None:
    """From now on the quoted name of a dataset's own column stays as it is."""
    rewrite = SqlaTable._process_select_expression

    def keep_columns(dataset: Any, expression: str | None, *arguments: Any, **details: Any) -> str | None:
        quote = dataset.database.get_dialect().identifier_preparer.quote
        if expression in {quote(column.column_name) for column in dataset.columns}:
            return expression
        rewritten: str | None = rewrite(dataset, expression, *arguments, **details)
        return rewritten

    SqlaTable._process_select_expression = keep_columns
