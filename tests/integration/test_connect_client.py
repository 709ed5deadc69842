"""clickhouse-connect's synchronous client against the warehouse: commands, results, errors, ids, comments."""

import time
import uuid
from collections.abc import Iterator

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, ProgrammingError
from clickhouse_connect.driver.summary import QuerySummary
from connect_support import address, scratch_client, scratch_table

from gtc.settings import Settings


@pytest.fixture(scope="module")
def home(warehouse: Settings) -> Iterator[Client]:
    with scratch_client(warehouse) as client:
        yield client


def test_a_ping_is_answered(home: Client) -> None:
    assert home.ping()


def test_the_version_is_a_modern_one(home: Client) -> None:
    assert home.min_version("26.6")
    assert not home.min_version("99.1")
    assert home.command("SELECT version()") == home.server_version


def test_the_settings_of_the_server_are_known_to_the_client(home: Client) -> None:
    assert len(home.server_settings) > 1000
    assert home.server_settings["max_threads"].readonly == 0
    assert home.get_client_setting("date_time_input_format") == "best_effort"


def test_a_reader_is_told_that_settings_are_read_only(reader: Client) -> None:
    assert reader.server_settings["max_threads"].readonly == 1
    assert reader.command("SELECT 79") == 79


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 13 WHERE 0",
        "SELECT number FROM numbers(0)",
        "SHOW POLICIES ON default.t",
        "SHOW ROW POLICIES ON default.t",
    ],
)
def test_a_read_without_rows_says_its_format_and_gives_an_empty_text(home: Client, sql: str) -> None:
    assert home.command(sql) == ""


@pytest.mark.parametrize("sql", ["SHOW POLICIES", "SHOW ROW POLICIES", "SHOW ACCESS", "SHOW USERS", "SHOW GRANTS"])
def test_statements_about_access_give_a_text(home: Client, sql: str) -> None:
    assert not isinstance(home.command(sql), QuerySummary)


@pytest.mark.parametrize("table", ["system.tables", "`system`.one", "system.columns"])
def test_the_statement_of_a_system_table_is_shown(home: Client, table: str) -> None:
    shown = str(home.query(f"SHOW CREATE TABLE {table}").first_row[0])
    assert shown.startswith("CREATE TABLE system.")
    assert "ENGINE = System" in shown
    with pytest.raises(DatabaseError):
        home.query("SHOW CREATE TABLE system.no_such_table")


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE IF EXISTS was_never_there",
        "SET max_threads = 2",
        "CREATE DATABASE IF NOT EXISTS default",
        "SYSTEM FLUSH LOGS",
        "USE default",
    ],
)
def test_a_statement_without_a_result_gives_a_summary_with_its_query_id(home: Client, sql: str) -> None:
    answer = home.command(sql)
    assert isinstance(answer, QuerySummary)
    assert uuid.UUID(answer.query_id()).version == 4


def test_a_statement_sent_as_a_query_gives_its_query_id(home: Client) -> None:
    assert "query_id" in home.query("SET count_distinct_implementation = 'uniq'").first_item


@pytest.mark.parametrize(
    ("sql", "code", "name"),
    [
        ("SELECT * FROM no_such_table_13", 60, "UNKNOWN_TABLE"),
        ("SELECT no_such_column", 47, "UNKNOWN_IDENTIFIER"),
        ("SELECT noSuchFunction(1)", 46, "UNKNOWN_FUNCTION"),
        ("SELECT 1 FROM no_such_database.t", 81, "UNKNOWN_DATABASE"),
        ("SELEC 1", 62, "SYNTAX_ERROR"),
        ("SELECT throwIf(1)", 395, "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"),
        ("SELECT toUInt8('x')", 6, "CANNOT_PARSE_TEXT"),
        ("SELECT 1 SETTINGS no_such_setting = 1", 115, "UNKNOWN_SETTING"),
        ("SELECT intDiv(1, 0)", 153, "ILLEGAL_DIVISION"),
        ("SELECT sum('a')", 43, "ILLEGAL_TYPE_OF_ARGUMENT"),
        ("CREATE TABLE nowhere.t (a Int8) ENGINE Memory", 81, "UNKNOWN_DATABASE"),
        ("DROP TABLE no_such_table_13", 60, "UNKNOWN_TABLE"),
    ],
)
def test_an_error_has_the_code_and_the_name_of_clickhouse(home: Client, sql: str, code: int, name: str) -> None:
    for ask in (home.query, home.command):
        with pytest.raises(DatabaseError) as caught:
            ask(sql)
        assert (caught.value.code, caught.value.name) == (code, name)


def test_an_error_can_be_shown_in_full_or_scrubbed_or_not_at_all(warehouse: Settings) -> None:
    texts = {}
    for mode in (True, "scrub", False):
        with clickhouse_connect.get_client(**address(warehouse), show_clickhouse_errors=mode) as client:
            with pytest.raises(DatabaseError) as caught:
                client.query("SELECT * FROM no_such_table_13")
            assert caught.value.code == 60
            texts[mode] = str(caught.value)
    assert "version 26." in texts[True]
    assert "UNKNOWN_TABLE" in texts["scrub"]
    assert "version" not in texts["scrub"].lower()
    assert texts[False] == "The ClickHouse server returned an error"


def test_an_error_quotes_the_query_in_its_own_letters(home: Client) -> None:
    with pytest.raises(DatabaseError, match="空"):
        home.query("SELECT toUInt32('空')")


def test_a_wrong_password_is_refused_with_clickhouses_code(warehouse: Settings) -> None:
    with pytest.raises(DatabaseError) as caught:
        clickhouse_connect.get_client(**{**address(warehouse), "password": "wrong"})  # pragma: allowlist secret
    assert caught.value.code == 516


def test_an_unknown_database_is_refused_with_clickhouses_code(warehouse: Settings) -> None:
    with pytest.raises(DatabaseError) as caught:
        clickhouse_connect.get_client(**address(warehouse), database="no_such_database_13").query("SELECT 1")
    assert caught.value.code == 81


def test_the_database_of_a_client_can_change(home: Client) -> None:
    mine = home.database
    try:
        assert home.command("SELECT currentDatabase()") == mine
        home.database = None
        assert home.command("SELECT currentDatabase()") == "default"
    finally:
        home.database = mine
    assert home.command("SELECT currentDatabase()", use_database=False) == "default"


def test_a_connection_string_gives_session_and_database(warehouse: Settings, home: Client) -> None:
    where = address(warehouse)
    dsn = (
        f"clickhousedb://{where['username']}:{where['password']}@{where['host']}:{where['port']}"
        f"/{home.database}?session_id=from_dsn&show_clickhouse_errors=false"
    )
    with clickhouse_connect.create_client(dsn=dsn) as client:
        assert client.get_client_setting("session_id") == "from_dsn"
        assert client.command("SELECT count() FROM system.tables") > 0
        with pytest.raises(DatabaseError, match="returned an error"):
            client.query("SELECT nothing")


@pytest.mark.parametrize("database", ["__default__", None])
def test_no_database_means_the_default_one(warehouse: Settings, database: str | None) -> None:
    with clickhouse_connect.get_client(**address(warehouse), database=database) as client:
        assert client.command("SELECT currentDatabase()") == "default"


def test_headers_of_the_clients_own_are_accepted(warehouse: Settings) -> None:
    with clickhouse_connect.get_client(**address(warehouse), headers={"CF-Access-Client-Id": "me"}) as client:
        result = client.query("SELECT name, database FROM system.tables", transport_settings={"X-Workload": "ONLINE"})
        assert result.column_names == ("name", "database")
        assert result.row_count > 0


def test_no_rows_give_no_columns_in_native_format(home: Client) -> None:
    result = home.query("SELECT name, now() AS t FROM system.tables WHERE 0")
    assert (result.column_names, result.result_set) == ((), [])


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT name, database, now() AS dt FROM system.tables LIMIT 0",
        "SELECT name, database, now() AS dt FROM system.tables LIMIT/*c*/0",
        "SELECT name, database, now() AS dt FROM system.tables LIMIT 0/*c*/",
        "SELECT name, database, now() AS dt FROM system.tables LIMIT 0; /* end */",
    ],
)
def test_a_probe_for_columns_gets_names_and_types(home: Client, sql: str) -> None:
    result = home.query(sql)
    assert result.column_names == ("name", "database", "dt")
    assert [each.name for each in result.column_types] == ["String", "String", "DateTime"]
    assert result.result_set == []


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT number FROM numbers(3) // LIMIT 0", [(0,), (1,), (2,)]),
        ("SELECT number AS `LIMIT 0--` FROM numbers(2)", [(0,), (1,)]),
        ("SELECT 'it\\' LIMIT 0--x' AS value", [("it' LIMIT 0--x",)]),
        ("SELECT number FROM numbers(5) LIMIT 0", []),
        ("SELECT/*c*/number FROM numbers(2)", [(0,), (1,)]),
        ("SELECT number FROM numbers(9)/*c*/LIMIT 1", [(0,)]),
        ("SELECT 1 -- a remark\n + 1 -- another", [(2,)]),
        ("SELECT 1 # a remark\n + 1 #! another", [(2,)]),
        ("/* outer /* nested */ done */ SELECT 5", [(5,)]),
        ("\n\n  SELECT\n\t7\n", [(7,)]),
        ("SELECT ' INSERT INTO '; -- end", [(" INSERT INTO ",)]),
        ("WITH insert AS (SELECT 13 AS n) SELECT * FROM insert", [(13,)]),
        ("WITH 13 AS insert SELECT insert", [(13,)]),
        ("WITH ' INSERT INTO ' AS v SELECT v; -- end", [(" INSERT INTO ",)]),
        ("SELECT $$it's; a /* heredoc$$", [("it's; a /* heredoc",)]),
        ("SELECT $tag$a;b$tag$", [("a;b",)]),
        ('SELECT 1 AS "a;b", 2 AS `c--d`', [(1, 2)]),
        ("(SELECT 3)", [(3,)]),
        ("SELECT 1 UNION ALL SELECT 1", [(1,), (1,)]),
        ("SELECT 'a''b', 'c\\'d', 'e\\\\'", [("a'b", "c'd", "e\\")]),
        ("SELECT 'FORMAT CSV', 'SETTINGS x = 1'", [("FORMAT CSV", "SETTINGS x = 1")]),
        ("SELECT 1 AS format, 2 AS settings", [(1, 2)]),
        ("SELECT getSetting('max_threads') SETTINGS max_threads = 3", [(3,)]),
    ],
)
def test_a_query_is_read_as_clickhouse_reads_it(home: Client, sql: str, rows: list[tuple[object, ...]]) -> None:
    assert home.query(sql).result_rows == rows


@pytest.mark.parametrize(
    "end", [";", ";\n", ";\u00a0", "; /* end */", "; /* a */ ;", "; /* in; */ ;", "; -- end", "  ", "\n-- x"]
)
def test_the_end_of_a_query_may_be_marked(home: Client, end: str) -> None:
    assert home.query("SELECT 13" + end).result_rows == [(13,)]
    assert home.raw_query("SELECT 13" + end, fmt="TabSeparated") == b"13\n"


@pytest.mark.parametrize("text", ["SELECT 1; SELECT 2", "SELECT 1;;SELECT 2", "DROP TABLE IF EXISTS a; SELECT 1"])
def test_two_statements_in_one_text_are_refused(home: Client, text: str) -> None:
    with pytest.raises(DatabaseError) as caught:
        home.raw_query(text)
    assert caught.value.code == 62


def test_data_behind_an_insert_keeps_its_semicolons(home: Client) -> None:
    with scratch_table(home, "s String") as table:
        home.command(f"INSERT INTO {table} (s) FORMAT TabSeparated\nvalue_1;\n")
        home.query(f"INSERT INTO {table} (s) FORMAT TabSeparated\nvalue_2;\n")
        home.query(f"WITH 1 AS y INSERT INTO {table} (s) FORMAT TabSeparated\nvalue_3;\n")
        home.raw_query(f"INSERT INTO {table} (s) FORMAT TabSeparated\nvalue_4;\n", fmt="TabSeparated")
        with home.raw_stream(f"INSERT INTO {table} (s) FORMAT TabSeparated\nvalue_5;", fmt="TabSeparated") as answer:
            answer.read()
        found = {row[0] for row in home.query(f"SELECT s FROM {table}").result_rows}
        assert {f"value_{number};" for number in range(1, 6)} <= found


def test_a_placeholder_may_be_named_like_a_keyword(home: Client) -> None:
    with scratch_table(home, "s String") as table:
        text = f"WITH {{SELECT:Int32}} AS value INSERT INTO {table} (s) FORMAT TabSeparated\nvalue_1;\n"
        home.query(text, parameters={"SELECT": 13})
        assert home.query(f"SELECT s FROM {table}").result_rows == [("value_1;",)]
    text = "WITH {INSERT:Int32} AS value SELECT value; -- end"
    assert home.raw_query(text, parameters={"INSERT": 13}, fmt="TabSeparated") == b"13\n"


def test_csv_in_an_insert_statement_is_loaded(home: Client) -> None:
    with scratch_table(home, '"key" String', '"val1" Int32', '"val2" Int32') as table:
        home.command(f'INSERT INTO {table} ("key", "val1", "val2") FORMAT CSV abc,1,1\nabc,1,0\nhij,1,\nklm,1,')
        assert home.query(f"SELECT * FROM {table}").result_rows == [
            ("abc", 1, 1),
            ("abc", 1, 0),
            ("hij", 1, 0),
            ("klm", 1, 0),
        ]


def test_values_in_an_insert_statement_are_loaded(home: Client) -> None:
    with scratch_table(home, "a UInt8", "b String") as table:
        home.command(f"INSERT INTO {table} VALUES (1, 'x;y'), (2, 'it''s'), (1 + 2, concat('a', 'b'))")
        assert home.query(f"SELECT * FROM {table} ORDER BY a").result_rows == [(1, "x;y"), (2, "it's"), (3, "ab")]
        home.command(f"INSERT INTO {table} VALUES", data="(9, 'from the body')")
        assert home.command(f"SELECT b FROM {table} WHERE a = 9") == "from the body"


@pytest.mark.parametrize(
    "sql",
    [
        "SHOW DATABASES",
        "SHOW TABLES FROM system",
        "DESCRIBE TABLE system.one",
        "EXISTS TABLE system.one",
        "EXPLAIN SELECT 1",
        "EXPLAIN SYNTAX SELECT 1",
        "SHOW PROCESSLIST",
        "SHOW SETTINGS LIKE 'max_threads'",
        "SHOW FUNCTIONS LIKE 'plus'",
        "SHOW COLUMNS FROM system.one",
    ],
)
def test_statements_that_show_something_are_queries(home: Client, sql: str) -> None:
    assert home.query(sql).row_count > 0


def test_show_create_names_its_column(home: Client) -> None:
    assert "statement" in home.query("SHOW CREATE TABLE system.tables").column_names


def test_killing_nobody_gives_no_rows(home: Client) -> None:
    with home.query_rows_stream("KILL QUERY WHERE query_id = 'no_such_query' TEST; -- end") as rows:
        assert list(rows) == []


def test_a_query_id_is_made_or_taken_and_always_told(warehouse: Settings, home: Client) -> None:
    assert uuid.UUID(home.query("SELECT 1").query_id).version == 4
    assert home.query("SELECT 1", settings={"query_id": "my own id"}).query_id == "my own id"
    with clickhouse_connect.get_client(**address(warehouse), autogenerate_query_id=False) as client:
        assert uuid.UUID(client.query("SELECT 1").query_id).version == 4
    with scratch_table(home, "id UInt32") as table:
        assert uuid.UUID(home.insert(table, [[1], [2]], column_names=["id"]).query_id()).version == 4


@pytest.mark.parametrize("given", [True, False])
def test_a_query_id_is_found_in_the_query_log_within_three_seconds(
    warehouse: Settings, home: Client, given: bool
) -> None:
    settings = {"query_id": f"looked for {uuid.uuid4()}"} if given else {}
    query_id = home.query("SELECT 2 AS num", settings=settings).query_id
    sql = "SELECT query_id, user FROM system.query_log WHERE query_id = {id:String} AND event_time > now() - 30 LIMIT 1"
    deadline = time.monotonic() + 3
    rows: list[object] = []
    while not rows and time.monotonic() < deadline:
        rows = list(home.query(sql, parameters={"id": query_id}).result_rows)
        time.sleep(0.1)
    assert rows == [(query_id, warehouse.warehouse_user)]


def test_read_rows_of_the_summary_equal_the_rows_that_an_insert_of_them_writes(home: Client) -> None:
    home.command("CREATE TABLE of_system AS system.tables ENGINE MergeTree ORDER BY name")
    tables = home.query("SELECT * FROM system.tables")
    written = home.insert("of_system", tables.result_set, "*")
    assert int(tables.summary["read_rows"]) == written.written_rows == tables.row_count
    home.command("DROP TABLE of_system")


def test_the_summary_counts_what_was_read_written_and_returned(home: Client) -> None:
    summary = home.query("SELECT number FROM numbers(1000)").summary
    assert (summary["read_rows"], summary["read_bytes"], summary["result_rows"]) == ("1000", "8000", "1000")
    assert int(summary["elapsed_ns"]) > 0
    with scratch_table(home, "a UInt64") as table:
        answer = home.command(f"INSERT INTO {table} SELECT number FROM numbers(500)")
        assert isinstance(answer, QuerySummary)
        assert (answer.written_rows, answer.written_bytes()) == (500, 4000)


def test_column_names_with_dots_and_blanks_survive(home: Client) -> None:
    assert home.query("SELECT 1 AS `a.b.c d_e`").column_names == ("a.b.c d_e",)


def test_a_limit_of_the_client_is_added_only_where_none_is(home: Client) -> None:
    home.query_limit = 2
    try:
        assert home.query("SELECT number FROM numbers(9)").row_count == 2
        assert home.query("SELECT number FROM numbers(9) LIMIT/*c*/4").row_count == 4
    finally:
        home.query_limit = 0


def test_settings_hold_for_one_query_only(home: Client) -> None:
    ask = "SELECT getSetting('max_block_size')"
    usual = home.command(ask)
    assert home.command(ask, settings={"max_block_size": 123}) == 123
    assert home.command(ask) == usual


def test_an_unknown_setting_is_refused_by_the_server(home: Client) -> None:
    with pytest.raises(DatabaseError) as caught:
        home.query("SELECT 1", settings={"no_such_setting_at_all": 1})
    assert caught.value.code == 115


def test_settings_of_map_type_arrive(home: Client) -> None:
    with scratch_table(home, "a UInt8") as table:
        home.insert(table, [[1], [2], [3]])
        filters = {f"{home.database}.{table}": "a > 1"}
        assert home.command(f"SELECT count() FROM {table}", settings={"additional_table_filters": filters}) == 2


def test_a_client_of_two_threads_is_protected_within_a_session(warehouse: Settings) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with (
        clickhouse_connect.get_client(**address(warehouse), autogenerate_session_id=True) as client,
        ThreadPoolExecutor(2) as pool,
    ):
        asked = [pool.submit(client.command, "SELECT sleep(0.3)") for _ in range(2)]
        errors = [each.exception() for each in asked]
    assert sum(isinstance(error, ProgrammingError) and "concurrent" in str(error) for error in errors) == 1


def test_a_dbapi_cursor_inserts_and_describes(warehouse: Settings, home: Client) -> None:
    from clickhouse_connect import dbapi

    with scratch_table(home, "dt DateTime64(3)", "d Decimal(18, 4)", "n UInt64", "s String") as table:
        connection = dbapi.connect(**address(warehouse), database=home.database)
        cursor = connection.cursor()
        rows = [("2024-01-02 03:04:05.678", 1.5, 13, "user_1"), ("2024-01-02 03:04:06", 2, 79, "user_2")]
        cursor.executemany(f"INSERT INTO {table} (dt, d, n, s) VALUES (%s, %s, %s, %s)", rows)
        cursor.execute(f"SELECT dt, d, n, s FROM {table} ORDER BY n")
        assert [row[2:] for row in cursor.fetchall()] == [(13, "user_1"), (79, "user_2")]
        assert [column[:2] for column in cursor.description] == [
            ("dt", "DateTime64(3)"),
            ("d", "Decimal(18, 4)"),
            ("n", "UInt64"),
            ("s", "String"),
        ]
        connection.close()
