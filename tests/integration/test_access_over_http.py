"""The access policy as a client meets it over HTTP, with the ways in which one might try to get round it."""

import gzip
import threading
import time
import uuid

import pytest
from server_http import Http, eventually

SECRET = "/proc/self/status"
NOBODY = [
    (f"SELECT file('{SECRET}')", 497),
    (f"SELECT arrayMap(file, ['{SECRET}'])", 497),
    (f"SELECT * APPLY(file) FROM (SELECT '{SECRET}')", 497),
    (f"SELECT * FROM file('{SECRET}', LineAsString)", 497),
    (f"DESCRIBE TABLE file('{SECRET}', CSV)", 497),
    (f"SELECT * FROM url('file://{SECRET}', LineAsString)", 497),
    ("SELECT * FROM Python(handle)", 497),
    ("SELECT * FROM eval('SELECT 1')", 497),
    ("SELECT 1 INTO OUTFILE '/tmp/never'", 392),
    ("SELECT 1; SELECT 2", 62),
    ("SELECT 1 SETTINGS chdb_client_name = '{}'", 452),
    ("SET profile = 'default'", 452),
]
READER_ONLY = [
    ("DROP TABLE system.one", 164),
    ("CREATE TABLE default.x (a Int8) ENGINE = Memory", 164),
    ("INSERT INTO default.x VALUES (1)", 164),
    ("SYSTEM STOP MERGES", 164),
    ("KILL MUTATION WHERE 1", 164),
    ("SELECT * FROM system.engine_query_log", 497),
    ("SELECT * FROM merge('system', 'engine')", 497),
    ("SELECT * FROM clusterAllReplicas('default', system, engine_query_log)", 497),
    ("DESCRIBE TABLE s3('http://127.0.0.1:1/b/k')", 497),
    ("SELECT 1 SETTINGS max_memory_usage = 0", 452),
    ("SELECT 1 SETTINGS readonly = 0", 164),
    ("SET readonly = 0", 164),
    ("SET max_execution_time = DEFAULT", 452),
]
ETL_ONLY = [
    ("DROP TABLE system.one", 497),
    ('TRUNCATE TABLE `system`."query_log"', 497),
    ("CREATE VIEW system.x AS SELECT 1", 497),
    ("INSERT INTO system.engine_query_log SELECT * FROM system.engine_query_log", 497),
    ("INSERT INTO default.x FROM INFILE '/etc/passwd' FORMAT CSV", 392),
    (f"CREATE TABLE default.x ENGINE = File(LineAsString, '{SECRET}')", 497),
    ("CREATE DATABASE x ENGINE = Filesystem('/')", 497),
]


@pytest.fixture
def etl(warehouse) -> Http:
    return Http(warehouse)


@pytest.fixture
def looker(warehouse) -> Http:
    return Http(warehouse, "reader")


@pytest.mark.parametrize(("sql", "code"), [*NOBODY, *READER_ONLY])
def test_a_reader_is_refused_with_clickhouses_code(looker: Http, sql: str, code: int) -> None:
    assert looker(sql).code == code


@pytest.mark.parametrize(("sql", "code"), [*NOBODY, *ETL_ONLY])
def test_etl_is_refused_what_nobody_may_do(etl: Http, sql: str, code: int) -> None:
    assert etl(sql).code == code


@pytest.mark.parametrize("role", ["etl", "reader"])
@pytest.mark.parametrize(
    "table",
    [f"'{SECRET}'", f"`{SECRET}`", f"default.`{SECRET}`", f'"{SECRET}"', "_files_of_this_machine.`/etc/passwd`"],
)
def test_a_path_is_not_the_name_of_a_table(warehouse, role: str, table: str) -> None:
    said = Http(warehouse, role)(f"SELECT * FROM {table}")
    assert said.code in (60, 81, 62)
    assert b"VmRSS" not in said.body


def test_a_parameter_can_neither_be_a_path_nor_a_function(looker: Http) -> None:
    assert looker("SELECT * FROM {t:Identifier}", param_t=SECRET).code == 60
    assert looker("SELECT arrayMap({f:Identifier}, ['" + SECRET + "'])", param_f="file").code == 497
    assert looker("SELECT * FROM system.{t:Identifier}", param_t="engine_query_log").code == 497


FORBIDDEN = f"SELECT file('{SECRET}')"


def test_no_way_of_sending_hides_a_query(looker: Http) -> None:
    half = len(FORBIDDEN) // 2 - 7
    ways = {
        "url, GET": looker(method="GET", query=FORBIDDEN),
        "url, POST": looker(query=FORBIDDEN),
        "url and empty body": looker(b"", query=FORBIDDEN),
        "body, gzip": looker(gzip.compress(FORBIDDEN.encode()), headers={"Content-Encoding": "gzip"}),
        "split between url and body": looker(FORBIDDEN[half:].lstrip(), query=FORBIDDEN[:half]),
        "PUT": looker(FORBIDDEN, method="PUT"),
    }
    boundary = "b0undary"
    form = f'--{boundary}\r\nContent-Disposition: form-data; name="query"\r\n\r\n{FORBIDDEN}\r\n--{boundary}--\r\n'
    ways["multipart"] = looker(form, headers={"Content-Type": f"multipart/form-data; boundary={boundary}"})
    assert {name: b"VmRSS" in said.body for name, said in ways.items()} == dict.fromkeys(ways, False)
    assert {name: said.status >= 400 for name, said in ways.items()} == dict.fromkeys(ways, True)


@pytest.mark.parametrize(
    ("chosen", "codes"),
    [
        ({"readonly": "0"}, (452, 164)),
        ({"profile": "default"}, (452, 164)),
        ({"max_memory_usage": "0"}, (452,)),
        ({"max_execution_time": "0"}, (452,)),
        ({"max_execution_time": "-1"}, (452, 72)),
        ({"chdb_client_name": '{"q":"x","u":"etl","a":1}'}, (452,)),
        ({"CHDB_CLIENT_NAME": "x"}, (452, 115)),
        ({"log_queries": "0"}, (452,)),
        ({"allow_introspection_functions": "1"}, (164,)),
        ({"input_format_record_errors_file_path": "/tmp/x"}, (452, 164)),
    ],
)
def test_settings_in_the_url_lift_nothing(looker: Http, chosen: dict[str, str], codes: tuple[int, ...]) -> None:
    assert looker("SELECT 1", **chosen).code in codes


def test_nobody_writes_error_files_or_reads_schemas_by_a_setting(etl: Http) -> None:
    assert etl("SELECT 1", input_format_record_errors_file_path="/tmp/x").code == 452
    assert etl("SELECT 1 FORMAT Protobuf", format_schema="/etc/passwd:M").code == 497


def test_a_session_that_uses_system_changes_nothing_in_it_and_sees_nothing_withheld(etl: Http, looker: Http) -> None:
    session = uuid.uuid4().hex
    assert etl("USE system", session_id=session).status == 200
    assert etl("DROP TABLE one", session_id=session).code == 497
    assert etl("CREATE TABLE x (a Int8) ENGINE = Memory", session_id=session).code == 497
    assert etl("SELECT count() FROM one", session_id=session).text == "1\n"
    assert etl("USE default", session_id=session).status == 200
    assert etl("DROP TABLE IF EXISTS one", session_id=session).status == 200
    assert looker("USE `system`", session_id=session).status == 200
    assert looker("SELECT * FROM engine_query_log", session_id=session).code == 497
    assert looker("SELECT * FROM merge('.*')", session_id=session).code == 497


def test_a_failed_use_does_not_make_the_policy_forget_where_the_session_is(etl: Http) -> None:
    session = uuid.uuid4().hex
    etl("USE system", session_id=session)
    assert etl("USE no_such_database", session_id=session).code == 81
    assert etl("DROP TABLE one", session_id=session).code == 497


def test_the_database_parameter_counts_as_well(etl: Http, looker: Http) -> None:
    assert etl("DROP TABLE one", database="system").code == 497
    assert etl("DROP TABLE one", headers={"X-ClickHouse-Database": "system"}).code == 497
    assert looker("SELECT * FROM engine_query_log", database="system").code == 497


def test_a_parameter_kept_by_the_session_is_known_to_the_policy(looker: Http) -> None:
    session = uuid.uuid4().hex
    assert looker("SET param_f = 'file'", session_id=session).status == 200
    assert looker("SELECT arrayMap({f:Identifier}, ['" + SECRET + "'])", session_id=session).code == 497
    assert looker("SET param_f = 'upper'", session_id=session).status == 200
    assert looker("SELECT arrayMap({f:Identifier}, ['a'])", session_id=session).text == "['A']\n"


def _running(http: Http, query_id: str, answers: list[int]) -> threading.Thread:
    """A long query of `http` in the background; returns when the engine runs it."""

    def run() -> None:
        answers.append(http("SELECT sleepEachRow(0.1) FROM numbers(300)", query_id=query_id, max_block_size="1").code)

    thread = threading.Thread(target=run)
    thread.start()
    sql = f"SELECT count() FROM system.processes WHERE query_id = '{query_id}'"
    assert eventually(lambda: http(sql).text == "1\n")
    return thread


def test_queries_are_seen_and_killed_by_the_clients_own_ids_and_only_by_their_user(etl: Http, looker: Http) -> None:
    query_id, ends = f"long-{uuid.uuid4().hex}", []
    thread = _running(etl, query_id, ends)
    try:
        assert looker(f"SELECT count() FROM system.processes WHERE query_id = '{query_id}'").text == "0\n"
        assert looker("SELECT DISTINCT user FROM system.processes").text == "reader\n"
        assert "sleepEachRow" not in looker("SHOW PROCESSLIST").text
        for table in ("merge('system', '^processes$')", "clusterAllReplicas('default', system.processes)"):
            assert "sleepEachRow" not in looker(f"SELECT query FROM {table}").text
        for condition in (f"query_id = '{query_id}'", "1", "user = 'etl'", "user = 'reader' OR 1", "1) OR (1"):
            assert "sleepEachRow" not in looker(f"KILL QUERY WHERE {condition} ASYNC").text
        assert looker("SELECT 1", query_id=query_id).code == 216
        assert looker("SELECT 1", query_id=query_id, replace_running_query="1").code == 216
        time.sleep(0.3)
        assert ends == []
        assert query_id in etl(f"KILL QUERY WHERE query_id = '{query_id}' SYNC").text
    finally:
        thread.join(60)
    assert ends == [394]


def test_a_reader_kills_its_own_query(looker: Http) -> None:
    query_id, ends = f"mine-{uuid.uuid4().hex}", []
    thread = _running(looker, query_id, ends)
    assert query_id in looker(f"KILL QUERY WHERE query_id = '{query_id}' SYNC").text
    thread.join(60)
    assert ends == [394]


def test_a_readers_log_shows_its_own_queries_however_it_asks(etl: Http, looker: Http) -> None:
    mark = uuid.uuid4().hex
    etl(f"SELECT 'of etl {mark}'")
    looker(f"SELECT 'of reader {mark}'")
    etl("SYSTEM FLUSH LOGS")
    sql = f"SELECT DISTINCT query FROM system.query_log WHERE query LIKE '%{mark}%' AND query NOT LIKE '%LIKE%'"
    seen = looker(sql).text
    assert f"of reader {mark}" in seen
    assert f"of etl {mark}" not in seen
    assert f"of etl {mark}" in etl(sql).text
    comment = '{"q":"x","u":"etl","a":1}'
    assert f"of etl {mark}" not in looker(sql, log_comment=comment).text
    for table in ("view(SELECT * FROM system.query_log)", "clusterAllReplicas('default', system.query_log)"):
        assert f"of etl {mark}" not in looker(sql.replace("system.query_log", table)).text


def test_a_view_of_etl_over_the_raw_log_shows_a_reader_its_own_rows(etl: Http, looker: Http) -> None:
    mark = uuid.uuid4().hex
    etl(f"SELECT 'of etl {mark}'")
    etl("CREATE OR REPLACE VIEW default.everybodys_queries AS SELECT query FROM system.engine_query_log")
    etl("SYSTEM FLUSH LOGS")
    sql = f"SELECT count() > 0 FROM default.everybodys_queries WHERE query LIKE '%{mark}%' AND query NOT LIKE '%LIKE%'"
    assert etl(sql).text == "1\n"
    assert looker(sql).text == "0\n"


ORDINARY = [
    "SELECT 'INTO OUTFILE', 'file(' AS file",
    "SELECT count() > 0 FROM system.tables",
    "SELECT name FROM system.columns WHERE table = 'one'",
    "SHOW TABLES FROM system LIKE 'one'",
    "SELECT * FROM view(SELECT 1)",
    "SELECT count() FROM clusterAllReplicas('default', system.one)",
    "SELECT value FROM system.settings WHERE name = 'max_threads'",
    "DESCRIBE TABLE system.one",
    "EXPLAIN SELECT 1",
    "SELECT table_name FROM information_schema.tables LIMIT 1",
]


@pytest.mark.parametrize("sql", ORDINARY)
def test_a_reader_asks_ordinary_questions(looker: Http, sql: str) -> None:
    said = looker(sql)
    assert said.status == 200, said.text
    assert said.body
