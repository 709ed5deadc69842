"""Who is let in, and how."""

import contextlib
import http.client
from urllib.parse import urlencode

import pytest
from server_http import Reply, basic


@pytest.fixture
def credentials(warehouse):
    return warehouse.warehouse_user, warehouse.warehouse_password.get_secret_value()


def anonymous(warehouse, headers, **parameters):
    """One request with nothing but these headers and parameters."""
    connection = http.client.HTTPConnection(warehouse.warehouse_host, warehouse.warehouse_port)
    with contextlib.closing(connection):
        connection.request("POST", "/?" + urlencode(parameters), "SELECT 1", headers)
        response = connection.getresponse()
        return Reply(response.status, response.read(), response.headers)


def test_there_are_three_ways_to_say_who_one_is(warehouse, credentials):
    user, password = credentials
    assert anonymous(warehouse, {"Authorization": basic(user, password)}).text == "1\n"
    assert anonymous(warehouse, {"X-ClickHouse-User": user, "X-ClickHouse-Key": password}).text == "1\n"
    assert anonymous(warehouse, {}, user=user, password=password).text == "1\n"


def test_nobody_is_served_without_a_password(warehouse, credentials):
    user, _ = credentials
    for headers, parameters in [
        ({}, {}),
        ({}, {"user": user}),
        ({}, {"user": "default"}),
        ({}, {"user": "default", "password": ""}),
        ({"X-ClickHouse-User": user}, {}),
        ({"Authorization": basic(user, "")}, {}),
        ({"Authorization": basic("", "")}, {}),
        ({"Authorization": basic(user, "wrong")}, {}),
        ({"Authorization": basic("nobody", "x")}, {}),
        ({"Authorization": basic(user.upper(), credentials[1])}, {}),
        ({"Authorization": "Basic not-base64!"}, {}),
        ({"Authorization": "Bearer x"}, {}),
        ({"Authorization": "Basic"}, {}),
    ]:
        reply = anonymous(warehouse, headers, **parameters)
        assert (reply.status, reply.code) == (403, 516), (headers, parameters, reply.text)


def test_one_users_password_does_not_open_anothers_door(warehouse):
    reader = warehouse.warehouse_reader_password.get_secret_value()
    assert anonymous(warehouse, {"Authorization": basic(warehouse.warehouse_user, reader)}).code == 516


def test_ways_are_not_mixed(warehouse, credentials):
    user, password = credentials
    good = {"Authorization": basic(user, password)}
    assert anonymous(warehouse, {**good, "X-ClickHouse-User": user, "X-ClickHouse-Key": password}).code == 516
    assert anonymous(warehouse, good, user=user, password=password).code == 516


def test_a_wrong_password_after_a_right_one_is_still_wrong(warehouse, credentials):
    user, password = credentials
    assert anonymous(warehouse, {"Authorization": basic(user, password)}).status == 200
    assert anonymous(warehouse, {"Authorization": basic(user, password + " ")}).code == 516
    assert anonymous(warehouse, {"Authorization": basic(user, password)}).status == 200
