"""Sessions: what they keep, for how long, and for whom."""

import threading
import time
import uuid

import pytest
from server_http import Http, eventually


@pytest.fixture
def reader(warehouse):
    return Http(warehouse, "reader")


@pytest.fixture
def session():
    return f"session-{uuid.uuid4()}"


def test_a_session_keeps_settings_database_and_temporary_tables(http, session):
    http("CREATE DATABASE IF NOT EXISTS kept_database")
    http("SET max_block_size = 77", session_id=session)
    http("USE kept_database", session_id=session)
    http("CREATE TEMPORARY TABLE kept AS SELECT 5 AS x", session_id=session)
    asked = "SELECT getSetting('max_block_size'), currentDatabase(), x FROM kept"
    assert http(asked, session_id=session).text == "77\tkept_database\t5\n"
    assert http(asked).status == 404


def test_what_a_request_sets_is_gone_with_the_next_request_of_the_session(http, session):
    asked = "SELECT getSetting('max_block_size'), getSetting('max_threads'), currentDatabase()"
    http("SET max_block_size = 77", session_id=session)
    before = http(asked, session_id=session).text
    assert http(asked, session_id=session, max_block_size=5, max_threads=1, database="system").text == "5\t1\tsystem\n"
    assert http(asked, session_id=session).text == before


def test_a_request_that_fails_leaves_nothing_in_the_session(http, session):
    asked = "SELECT getSetting('max_block_size')"
    before = http(asked, session_id=session).text
    assert http("SELECT throwIf(1)", session_id=session, max_block_size=5).code == 395
    assert http("SELECT 1", session_id=session, max_block_size=6, no_such_setting=1).code == 115
    assert http(asked, session_id=session).text == before


def test_sessions_of_two_users_never_meet(http, reader, session):
    http("CREATE TEMPORARY TABLE mine AS SELECT 1 AS x", session_id=session)
    assert reader("SELECT * FROM mine", session_id=session).status == 404


def test_a_readers_session_keeps_database_and_parameters(reader, session):
    reader("USE system", session_id=session)
    reader("SET param_word = 'seven'", session_id=session)
    assert reader("SELECT currentDatabase(), {word:String}", session_id=session).text == "system\tseven\n"


def test_a_readers_session_does_not_make_a_writer(reader, session):
    for statement in ("SET readonly = 0", "SET max_execution_time = 0", "CREATE TEMPORARY TABLE t AS SELECT 1"):
        assert reader(statement, session_id=session).status >= 400
    assert reader("SELECT getSetting('readonly')", session_id=session).text == "1\n"


def test_session_check_wants_an_existing_session(http, session):
    assert http("SELECT 1", session_id=session, session_check=1).code == 372
    http("SELECT 1", session_id=session)
    assert http("SELECT 1", session_id=session, session_check=1).text == "1\n"


def test_a_session_ends_after_its_time_out(http, session):
    http("SELECT 1", session_id=session, session_timeout=1)
    assert http("SELECT 1", session_id=session, session_check=1, session_timeout=1).status == 200
    time.sleep(1.5)
    assert http("SELECT 1", session_id=session, session_check=1).code == 372


def test_close_session_ends_it_at_once(http, session):
    http("SELECT 1", session_id=session)
    http("SELECT 1", session_id=session, close_session=1)
    assert http("SELECT 1", session_id=session, session_check=1).code == 372


@pytest.mark.parametrize("timeout", ["soon", "-1", "3601", ""])
def test_an_impossible_time_out_is_refused(http, session, timeout):
    assert http("SELECT 1", session_id=session, session_timeout=timeout).code == 374


def test_a_session_runs_one_query_at_a_time(http, session):
    long = {"session_id": session, "query_id": f"long-{session}"}
    busy = threading.Thread(target=http, args=("SELECT sleep(2.5)",), kwargs=long)
    busy.start()
    running = f"SELECT count() FROM system.processes WHERE query_id = 'long-{session}'"
    assert eventually(lambda: http(running).text == "1\n", 2)  # asked outside: else this query might be the first
    assert http("SELECT 1", session_id=session).code == 373
    assert http("SELECT 1", session_id=session + "-other").text == "1\n"
    busy.join()
    assert http("SELECT 1", session_id=session).text == "1\n"


def test_a_session_that_made_itself_read_only_stays_so(http, session):
    http("SET readonly = 1", session_id=session)
    assert http("SELECT 1", session_id=session).text == "1\n"
    assert http("CREATE TABLE by_read_only (a Int8) ENGINE = Memory", session_id=session).code == 164
