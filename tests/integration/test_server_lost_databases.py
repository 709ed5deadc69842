"""A session goes on when the database that it is in was dropped."""

import uuid

import pytest
from server_http import Http


@pytest.fixture
def session():
    return f"session-{uuid.uuid4()}"


@pytest.fixture
def database(http):
    name = f"short_lived_{uuid.uuid4().hex}"
    http(f"CREATE DATABASE {name}")
    yield name
    http(f"DROP DATABASE IF EXISTS {name}")


def test_a_request_that_drops_its_own_database_leaves_the_session_whole(http, session, database):
    http("CREATE TEMPORARY TABLE kept AS SELECT 7 AS x", session_id=session)
    assert http(f"DROP DATABASE {database}", session_id=session, database=database).status == 200
    assert http("SELECT x, currentDatabase() FROM kept", session_id=session).text == "7\tdefault\n"
    assert http("SELECT 1", session_id=session, database=database).code == 81


def test_a_session_whose_database_is_gone_keeps_its_settings_and_chooses_another(http, session, database):
    http("SET max_block_size = 77", session_id=session)
    http(f"USE {database}", session_id=session)
    http(f"DROP DATABASE {database}", session_id=session)
    assert http("SELECT getSetting('max_block_size')", session_id=session).text == "77\n"
    assert http("USE system", session_id=session).status == 200
    asked = "SELECT currentDatabase(), getSetting('max_block_size'), count() FROM one"
    assert http(asked, session_id=session).text == "system\t77\t1\n"


def test_a_name_is_never_looked_up_elsewhere_when_the_sessions_database_is_gone(http, session, database):
    http(f"USE {database}", session_id=session)
    http(f"DROP DATABASE {database}", max_block_size=5)  # by somebody else
    for statement in ("CREATE TABLE astray (a Int8) ENGINE = Memory", "SELECT * FROM astray", "SHOW TABLES"):
        assert http(statement, session_id=session).code == 81
    assert http("EXISTS TABLE default.astray").text == "0\n"
    assert http("SELECT currentDatabase()", session_id=session, database="system").text == "system\n"


def test_a_session_is_back_in_its_database_when_that_was_created_anew(http, session, database):
    http(f"USE {database}", session_id=session)
    http(f"DROP DATABASE {database}", session_id=session)
    assert http(f"CREATE DATABASE {database}", session_id=session).status == 200
    assert http("CREATE TABLE here (a Int8) ENGINE = Memory", session_id=session).status == 200
    assert http(f"EXISTS TABLE {database}.here").text == "1\n"


def test_a_reader_leaves_a_database_that_was_dropped(http, warehouse, session, database):
    reader = Http(warehouse, "reader")
    reader(f"USE {database}", session_id=session)
    http(f"DROP DATABASE {database}")
    assert reader("SELECT 1", session_id=session).code == 81
    assert reader("USE system", session_id=session).status == 200
    assert reader("SELECT currentDatabase()", session_id=session).text == "system\n"


def test_a_request_for_a_database_that_does_not_exist_leaves_the_session_whole(http, session):
    http("SET max_block_size = 77", session_id=session)
    assert http("SELECT 1", session_id=session, database="nowhere").code == 81
    assert http("SELECT currentDatabase(), getSetting('max_block_size')", session_id=session).text == "default\t77\n"
