"""Where FORMAT starts a clause although the word before it is a keyword: columns may be called `table`."""

import chdb
import pytest

from warehouse.server.sql import parse

_NAMES = (
    "table",
    "view",
    "database",
    "dictionary",
    "format",
    "settings",
    "offset",
    "limit",
    "interval",
    "like",
    "in",
    "on",
    "or",
    "div",
    "mod",
    "case",
    "end",
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    connection = chdb.connect(str(tmp_path_factory.mktemp("engine")))
    yield connection
    connection.close()


@pytest.mark.parametrize("name", _NAMES)
@pytest.mark.parametrize(
    "shape",
    [
        "SELECT count() FROM (SELECT 1 AS `{0}`) GROUP BY {0}",
        "SELECT 1 AS a, `{0}` FROM (SELECT 1 AS `{0}`) ORDER BY a, {0}",
        "SELECT 1 AS {0}",
        "SELECT t.{0} FROM (SELECT 1 AS `{0}`) t WHERE t.{0}",
    ],
)
def test_format_behind_a_column_with_a_keywords_name_is_a_clause(engine, shape, name):
    text = f"{shape.format(name)} FORMAT JSONCompact".encode()
    shown = bytes(engine.query(text, "TabSeparated").bytes())
    assert shown.lstrip().startswith(b"{")  # the engine itself reads the clause
    statement = parse(text)
    assert statement.format == "JSONCompact"
    engine.query(statement.to_pipe(1, "TSV").replace(b"/proc/self/fd/1", b"/dev/null"), "Null")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT format f",
        "SELECT DISTINCT format f",
        "SELECT 1 FROM format f",
        "SELECT 1 FROM t ORDER BY format DESC",
        "SELECT NOT format f",
        "SELECT now() + INTERVAL format DAY",
        "SELECT 1 WHERE x NOT IN format f",
    ],
)
def test_a_column_or_table_called_format_is_no_clause(text):
    assert parse(text.encode()).format is None
