"""Seeing and stopping queries, and how many may run."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from server_http import Http, eventually, own_server

ENDLESS = "SELECT count() FROM system.numbers"


@pytest.fixture
def reader(warehouse):
    return Http(warehouse, "reader")


@pytest.fixture
def query_id():
    return str(uuid.uuid4())


@pytest.fixture
def background():
    with ThreadPoolExecutor(8) as pool:
        yield pool.submit


def is_running(http, query_id):
    return http(f"SELECT count() FROM system.processes WHERE query_id = '{query_id}'").text == "1\n"


def test_kill_query_finds_the_clients_id(http, background, query_id):
    victim = background(http, ENDLESS, query_id=query_id)
    assert eventually(lambda: is_running(http, query_id))
    assert http(f"KILL QUERY WHERE query_id = '{query_id}' SYNC").status == 200
    reply = victim.result(10)
    assert (reply.status, reply.code) == (500, 394)


def test_a_reader_kills_own_queries_only(http, reader, background, query_id):
    victim = background(http, ENDLESS, query_id=query_id)
    assert eventually(lambda: is_running(http, query_id))
    reader(f"KILL QUERY WHERE query_id = '{query_id}' SYNC")
    assert is_running(http, query_id)
    http(f"KILL QUERY WHERE query_id = '{query_id}' SYNC")
    victim.result(10)


def test_processes_show_ids_and_users_as_clients_know_them(http, reader, query_id):
    asked = "SELECT query_id, user, query FROM system.processes"
    assert reader(asked, query_id=query_id).text == f"{query_id}\treader\t{asked}\n".replace(
        "processes", "client_processes"
    )
    assert f"{query_id}\tetl" in http(asked, query_id=query_id).text


def test_a_reader_does_not_see_others_processes(http, reader, background, query_id):
    victim = background(http, ENDLESS, query_id=query_id)
    assert eventually(lambda: is_running(http, query_id))
    assert not is_running(reader, query_id)
    http(f"KILL QUERY WHERE query_id = '{query_id}' SYNC")
    victim.result(10)


def test_the_query_log_knows_the_clients_query(http, query_id):
    sql = "SELECT 7 AS seven FORMAT JSON"
    http(sql, query_id=query_id, log_comment="my own comment")
    http("SYSTEM FLUSH LOGS")
    asked = (
        "SELECT query_id, initial_query_id, user, log_comment, query, mapContains(Settings, 'chdb_client_name') "
        f"FROM system.query_log WHERE query_id = '{query_id}' AND type = 'QueryFinish'"
    )
    assert http(asked).text == f"{query_id}\t{query_id}\tetl\tmy own comment\tSELECT 7 AS seven\t0\n"


def test_the_query_log_tells_failures(http, query_id):
    http("SELECT throwIf(1)", query_id=query_id)
    http("SYSTEM FLUSH LOGS")
    codes = http(
        f"SELECT DISTINCT exception_code FROM system.query_log WHERE query_id = '{query_id}' AND exception_code != 0"
    )
    assert codes.text == "395\n"


def test_a_reader_sees_own_rows_of_the_logs_only(http, reader):
    mine, others = str(uuid.uuid4()), str(uuid.uuid4())
    reader("SELECT 1", query_id=mine)
    http("SELECT 1", query_id=others)
    http("SYSTEM FLUSH LOGS")
    seen = reader("SELECT DISTINCT query_id FROM system.query_log").text.split()
    assert mine in seen
    assert others not in seen
    assert reader("SELECT DISTINCT user FROM system.query_log").text == "reader\n"
    assert reader("SELECT DISTINCT user FROM system.user_query_log").text == "reader\n"
    assert {"etl", "reader"} <= set(http("SELECT DISTINCT user FROM system.query_log").text.split())


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count() FROM system.engine_query_log",
        "SELECT count() FROM `system`.`engine_query_log`",
        "SELECT count() FROM system . /* x */ engine_text_log",
        "SELECT count() FROM (SELECT * FROM system.engine_query_log)",
        "SELECT * FROM merge('system', 'engine_.*')",
    ],
)
def test_a_reader_does_not_get_round_the_views(reader, sql):
    assert reader(sql).status in (403, 404, 500)
    assert reader(sql).code in (497, 60, 164)


def test_a_reader_does_not_read_them_from_inside_system(reader):
    assert reader("SELECT count() FROM engine_query_log", database="system").code in (497, 60, 164)


@pytest.mark.parametrize(
    "log",
    [
        "query_log",
        "query_thread_log",
        "query_views_log",
        "part_log",
        "text_log",
        "metric_log",
        "error_log",
        "asynchronous_insert_log",
        "asynchronous_metric_log",
        "processors_profile_log",
        "session_log",
        "backup_log",
        "crash_log",
    ],
)
def test_every_log_table_answers(http, reader, log):
    assert http(f"SELECT count() FROM system.{log}").status == 200
    assert reader(f"SELECT count() FROM system.{log}").status == 200


def test_part_log_rows_carry_the_clients_id(http, query_id):
    http("CREATE OR REPLACE TABLE logged_parts (a Int8) ENGINE = MergeTree ORDER BY a")
    http("INSERT INTO logged_parts VALUES (1)", query_id=query_id)
    http("SYSTEM FLUSH LOGS")
    assert http(f"SELECT event_type FROM system.part_log WHERE query_id = '{query_id}'").text == "NewPart\n"


def test_an_id_runs_once_at_a_time(http, background, query_id):
    victim = background(http, ENDLESS, query_id=query_id)
    assert eventually(lambda: is_running(http, query_id))
    assert http("SELECT 1", query_id=query_id).code == 216
    assert http("SELECT 1", query_id=query_id, replace_running_query=1).text == "1\n"
    assert victim.result(10).code == 394
    assert http("SELECT 1", query_id=query_id).text == "1\n"


def test_one_user_cannot_replace_anothers_query(http, reader, background, query_id):
    victim = background(http, ENDLESS, query_id=query_id)
    assert eventually(lambda: is_running(http, query_id))
    assert reader("SELECT 1", query_id=query_id, replace_running_query=1).code == 216
    http(f"KILL QUERY WHERE query_id = '{query_id}' SYNC")
    victim.result(10)


USERS = """
server: {max_concurrent_queries: 3, queue_seconds: 0.5, queue_length: 2}
users:
  etl: {read_only: false, password_hash: ''}
  reader:
    {read_only: true, password_hash: '', max_concurrent_queries: 1, max_execution_time: 2, max_memory_usage: 100000000}
"""


def test_the_number_of_queries_is_bounded_with_a_short_queue(tmp_path, background):
    (tmp_path / "warehouse_users.yml").write_text(USERS)
    with own_server(tmp_path) as (settings, _):
        http, reader = Http(settings), Http(settings, "reader")
        slow = [background(http, f"SELECT sleep(2), {number}") for number in range(3)]
        assert eventually(lambda: http("SELECT 1").code == 202)
        assert "TOO_MANY_SIMULTANEOUS_QUERIES" in http("SELECT 1").text
        assert all(reply.result(10).status == 200 for reply in slow)
        assert http("SELECT 1").status == 200  # Places are free again
        waiting = [background(http, f"SELECT sleep(0.3), {number}") for number in range(4)]
        assert all(reply.result(10).status == 200 for reply in waiting)  # The fourth waited in the queue
        busy = background(reader, "SELECT sleep(1.5)")
        assert eventually(lambda: reader("SELECT 1").code == 202, 1)
        assert http("SELECT 1").status == 200  # One user's limit is not another's
        assert busy.result(10).status == 200


LIFTS = [
    {"sql": "SELECT sum(length(groupArray)) FROM (SELECT groupArray(number) AS groupArray FROM numbers(100000000))"},
    {"sql": "SELECT count() FROM system.numbers"},
]


@pytest.mark.parametrize("sql", [case["sql"] for case in LIFTS])
@pytest.mark.parametrize(
    "attempt",
    [
        {},
        {"max_memory_usage": "0", "max_execution_time": "0"},
        {"max_memory_usage": "9999999999999"},
        {"max_execution_time": "1000"},
        {"max_untracked_memory": "9999999999"},
        {"readonly": "0"},
        {"readonly": "2"},
        {"profile": "default"},
        {"timeout_overflow_mode": "break"},
        {"chdb_client_name": "x"},
        {"query_id": "x&readonly=0&max_memory_usage=0&max_execution_time=0"},
        {"database": "default&readonly=0&max_memory_usage=0&max_execution_time=0"},
    ],
    ids=str,
)
def test_a_query_cannot_lift_its_users_limits(limited, sql, attempt):
    for clause in ("", " SETTINGS max_memory_usage = 0, max_execution_time = 0"):
        reply = limited(sql + clause, **attempt)
        assert reply.code in (159, 241, 164, 452, 81), reply.text


@pytest.fixture(scope="module")
def limited(tmp_path_factory):
    """A reader with tight limits, on a server of its own."""
    var_dir = tmp_path_factory.mktemp("limited")
    (var_dir / "warehouse_users.yml").write_text(USERS)
    with own_server(var_dir) as (settings, _):
        yield Http(settings, "reader")


def test_a_session_cannot_lift_limits_either(limited):
    session = str(uuid.uuid4())
    limited("SET max_execution_time = 0", session_id=session)
    limited("SET readonly = 0", session_id=session)
    assert limited("SELECT count() FROM system.numbers", session_id=session).code == 159


def test_a_client_may_ask_for_less_than_its_limit(limited):
    assert limited("SELECT count() FROM system.numbers", max_execution_time=1).code == 159


def test_queries_of_one_connection_do_not_wait_for_anothers(http, background):
    slow = background(http, "SELECT sleep(2)")
    assert http("SELECT 1").text == "1\n"
    assert not slow.done()
    slow.result(10)
