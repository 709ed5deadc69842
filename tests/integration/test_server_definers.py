"""Views that name a user of the users file as their definer."""

import uuid

import pytest
from server_http import Http


@pytest.fixture
def reader(warehouse):
    return Http(warehouse, "reader")


@pytest.fixture
def view(http):
    name = f"default.defined_{uuid.uuid4().hex}"
    yield name
    http(f"DROP VIEW IF EXISTS {name}")


def test_a_view_keeps_its_definer(http, reader, warehouse, view):
    definer = f"DEFINER = {warehouse.warehouse_user} SQL SECURITY DEFINER"
    assert http(f"CREATE VIEW {view} {definer} AS SELECT 7 AS x").status == 200
    assert definer in http(f"SHOW CREATE VIEW {view} FORMAT TSVRaw").text
    assert reader(f"SELECT x FROM {view}").text == "7\n"


def test_a_definer_who_does_not_exist_is_refused(http, view):
    assert http(f"CREATE VIEW {view} DEFINER = nobody_here SQL SECURITY DEFINER AS SELECT 7 AS x").code == 192


@pytest.mark.parametrize("table", ["system.query_log", "system.engine_query_log"])
def test_a_view_of_another_definer_shows_a_reader_its_own_rows_only(http, reader, warehouse, view, table):
    definer = f"DEFINER = {warehouse.warehouse_user} SQL SECURITY DEFINER"
    assert http(f"SELECT 'of a writer' FROM numbers(1) WHERE '{view}' != ''").status == 200
    assert http("SYSTEM FLUSH LOGS").status == 200
    assert http(f"CREATE VIEW {view} {definer} AS SELECT query FROM {table}").status == 200
    seen = http(f"SELECT countIf(query LIKE '%of a writer%{view}%') FROM {view}").text
    assert seen != "0\n"
    answer = reader(f"SELECT countIf(query LIKE '%of a writer%') FROM {view} WHERE query NOT LIKE '%countIf%'")
    assert answer.text == "0\n"
