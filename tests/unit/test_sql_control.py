"""KILL QUERY and system.processes in the words of clients: their query ids, their user names."""

import pytest

from warehouse.server.identity import MARK_OF_ROW
from warehouse.server.sql import Access, StatementError, parse, rewrite_for_control, set_parameters, used_database

ETL = Access("etl", read_only=False)
READER = Access("o'reader\\", read_only=True)


def rewritten(sql: str, access: Access = ETL) -> str:
    return rewrite_for_control(parse(sql.encode()), access).engine_text().decode()


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT * FROM system.processes", "SELECT * FROM system.client_processes"),
        ("SELECT 1 FROM `system` . \"processes\" p", "SELECT 1 FROM `system` . client_processes p"),
        ("SELECT 'system.processes', processes FROM t", "SELECT 'system.processes', processes FROM t"),
        ("SHOW PROCESSLIST FORMAT JSON", "SELECT * FROM system.client_processes ORDER BY elapsed DESC FORMAT JSON"),
        ("DESCRIBE TABLE system.processes", "DESCRIBE TABLE system.client_processes"),
        ("INSERT INTO t SELECT * FROM system.processes", "INSERT INTO t SELECT * FROM system.client_processes"),
        ("SELECT 1 FROM t WHERE name = 'processes'", "SELECT 1 FROM t WHERE name = 'processes'"),
    ],
)  # fmt: skip
def test_the_table_of_processes_becomes_the_clients_view(sql: str, expected: str) -> None:
    assert rewritten(sql) == expected


def test_the_current_database_may_be_system() -> None:
    inside = Access("etl", read_only=False, database="system")
    assert rewritten("SELECT * FROM processes", inside) == "SELECT * FROM client_processes"
    assert rewritten("SELECT * FROM processes") == "SELECT * FROM processes"


def test_kill_query_asks_for_the_clients_id_and_user() -> None:
    text = rewritten("KILL QUERY WHERE query_id = 'x' AND user IN ('a') SYNC FORMAT CSV")
    assert text.count(MARK_OF_ROW) == 4
    assert text.endswith(" IN ('a') SYNC FORMAT CSV")
    assert "query_id = 'x'" not in text


def test_a_reader_kills_only_its_own_whatever_the_condition() -> None:
    for condition in ("1 = 1 OR 1", "test OR 1", "1 OR sync", "(1) OR (1)"):
        text = rewritten(f"KILL QUERY WHERE {condition} ASYNC", READER)
        assert text.startswith(f"KILL QUERY WHERE ({condition}\n) AND if(")
        assert text.endswith("toString(user)) = 'o\\'reader\\\\' ASYNC")


@pytest.mark.parametrize("condition", ["1) OR (1", ") OR (1", "(1", "1) -- ", ""])
def test_a_condition_cannot_close_the_brackets_around_it(condition: str) -> None:
    for access in (ETL, READER):
        with pytest.raises(StatementError) as refused:
            rewritten(f"KILL QUERY WHERE {condition}", access)
        assert refused.value.code == 62


def test_other_kills_and_other_statements_stay_as_they_are() -> None:
    for sql in ("KILL MUTATION WHERE query_id = 'x'", "SELECT query_id, user FROM t", "KILL QUERY ON CLUSTER c"):
        assert rewritten(sql) == sql


@pytest.mark.parametrize(
    ("sql", "database"),
    [
        ("USE x", "x"),
        ("use `a b`", "a b"),
        ("USE DATABASE x", "x"),
        ("USE {d:Identifier}", "system"),
        ("SELECT 1", None),
    ],
)
def test_what_use_makes_the_current_database(sql: str, database: str | None) -> None:
    assert used_database(parse(sql.encode()), {"d": "system"}) == database


def test_parameters_that_a_session_keeps() -> None:
    assert set_parameters(parse(b"SET param_a = 'file', max_threads = 1, param_b = 2")) == {"a": "file", "b": "2"}
    assert set_parameters(parse(b"SELECT 1 SETTINGS param_a = 'x'")) == {}


def test_a_refusal_reads_like_clickhouse() -> None:
    with pytest.raises(
        StatementError, match=r"^Code: 62\. DB::Exception: .*Multi-statements are not allowed.*SYNTAX_ERROR"
    ):
        parse(b"SELECT 1; SELECT 2")


def test_a_dictionary_reads_its_table_as_the_engines_user_and_keeps_no_password() -> None:
    head = "CREATE OR REPLACE DICTIONARY d.x (id UInt64) PRIMARY KEY id SOURCE(CLICKHOUSE("
    tail = "QUERY 'SELECT user, ''PASSWORD'' FROM t')) LAYOUT(FLAT()) LIFETIME(1)"
    text = rewritten(f"{head}user 'etl' PASSWORD 'secret;' {tail}")
    assert text == f"{head}user 'default' PASSWORD '' {tail}"
    elsewhere = f"{head}HOST 'h' USER 'etl' PASSWORD 'secret' {tail}"
    assert rewritten(elsewhere) == elsewhere
