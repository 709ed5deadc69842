"""Long answers and long bodies: errors on the way, clients that leave, bodies that break off."""

import http.client
import re
import time
import uuid

import pytest
from server_http import Http, eventually

ROWS = b"".join(b"%d\n" % number for number in range(200_000))


@pytest.fixture
def http_(warehouse):
    return Http(warehouse)


@pytest.fixture
def table(http_):
    name = f"stream_{uuid.uuid4().hex}"
    http_(f"CREATE TABLE {name} (a UInt64) ENGINE = MergeTree ORDER BY a")
    yield name
    http_(f"DROP TABLE {name}")


def running(http_, query_id: str) -> bool:
    return http_(f"SELECT count() FROM system.processes WHERE query_id = '{query_id}'").text == "1\n"


def ask_and_read_on(http_, sql: str, **parameters) -> tuple[http.client.HTTPResponse, bytes, bool]:
    """The response, what could be read of it, and whether it broke off."""
    connection = http.client.HTTPConnection(http_.settings.warehouse_host, http_.settings.warehouse_port)
    connection.request(
        "POST", "/?" + "&".join(f"{k}={v}" for k, v in parameters.items()), sql, {"Authorization": http_.authorization}
    )
    response = connection.getresponse()
    try:
        return response, response.read(), False
    except http.client.IncompleteRead as error:
        return response, error.partial, True


@pytest.mark.parametrize("output", ["TSV", "JSON", "CSV", "JSONEachRow"])
def test_an_error_in_mid_stream_is_told_by_the_exception_block_and_a_broken_connection(http_, output):
    sql = f"SELECT throwIf(number = 3000000, 'boom') FROM numbers(4000000) FORMAT {output}"
    response, body, broke_off = ask_and_read_on(http_, sql)
    tag = response.headers["X-ClickHouse-Exception-Tag"]
    found = re.search(
        rb"\r\n__exception__\r\n" + tag.encode() + rb"\r\n(.*\n)(\d+) " + tag.encode() + rb"\r\n__exception__\r\n$",
        body,
        re.S,
    )
    assert response.status == 200
    assert broke_off
    assert found is not None
    assert int(found[2]) == len(found[1])
    assert found[1].startswith(b"Code: 395. DB::Exception: boom")


def test_the_same_error_is_a_status_when_the_client_waits_for_the_end(http_):
    reply = http_("SELECT throwIf(number = 3000000, 'boom') FROM numbers(4000000)", wait_end_of_query=1)
    assert (reply.status, reply.code) == (500, 395)


def test_an_error_within_the_first_mebibyte_is_a_status(http_):
    assert http_("SELECT throwIf(number = 1000) FROM numbers(2000) SETTINGS max_block_size = 10").status == 500


def test_a_client_that_leaves_cancels_its_query(http_):
    for sql in ("SELECT count() FROM system.numbers", "SELECT number FROM system.numbers"):
        query_id = str(uuid.uuid4())
        connection = http_.raw(
            f"POST /?query_id={query_id} HTTP/1.1\r\nContent-Length: {len(sql)}\r\n\r\n{sql}".encode()
        )
        assert eventually(lambda q=query_id: running(http_, q))
        connection.close()
        assert eventually(lambda q=query_id: not running(http_, q), 3)


def test_a_client_that_stops_reading_holds_up_its_query_only(http_):
    sql = "SELECT number FROM system.numbers"
    connection = http_.raw(f"POST / HTTP/1.1\r\nContent-Length: {len(sql)}\r\n\r\n{sql}".encode())
    time.sleep(0.5)
    assert http_("SELECT 1").text == "1\n"
    connection.close()


def breaking_bodies(table: str) -> dict[str, bytes]:
    head = f"INSERT INTO {table} FORMAT TSV\n".encode()
    chunk = b"%x\r\n%s\r\n" % (len(head + ROWS), head + ROWS)
    return {
        "shorter than it says": b"Content-Length: %d\r\n\r\n%s" % (len(head + ROWS) + 10, head + ROWS),
        "much shorter than it says": b"Content-Length: 100000000\r\n\r\n" + head + ROWS,
        "cut in a row": b"Content-Length: 100000000\r\n\r\n" + head + ROWS[:-3],
        "chunks without the last": b"Transfer-Encoding: chunked\r\n\r\n" + chunk,
        "a chunk cut off": b"Transfer-Encoding: chunked\r\n\r\n" + chunk + b"100\r\n1\n2\n",
        "a chunk of nonsense": b"Transfer-Encoding: chunked\r\n\r\n" + chunk + b"not a size\r\n",
    }


@pytest.mark.parametrize("case", list(breaking_bodies("")))
def test_a_body_that_breaks_off_commits_nothing(http_, table, case):
    query_id = str(uuid.uuid4())
    connection = http_.raw(f"POST /?query_id={query_id} HTTP/1.1\r\n".encode() + breaking_bodies(table)[case])
    time.sleep(0.3)
    connection.close()
    assert eventually(lambda: not running(http_, query_id))
    assert http_.count(table) == 0


def test_an_insert_that_fails_late_keeps_only_whole_blocks(http_, table):
    good = 3_000_000
    body = b"".join(b"%d\n" % number for number in range(good)) + b"not a number\n"
    settings = {"max_insert_block_size": 1_000_000, "input_format_parallel_parsing": 0}
    reply = http_(body, query=f"INSERT INTO {table} FORMAT TSV", **settings)
    assert reply.status == 400
    assert http_.count(table) < good
    assert http_.count(table) == 0 or http_.count(table) >= 1_000_000


def test_a_small_insert_that_fails_keeps_nothing(http_, table):
    assert http_(f"INSERT INTO {table} FORMAT TSV\n1\n2\nx\n").status == 400
    assert http_.count(table) == 0


def test_an_insert_into_a_missing_table_is_refused_while_the_body_still_comes(http_):
    assert http_(ROWS * 20, query="INSERT INTO no_such_table FORMAT TSV").code == 60


def test_an_empty_insert_is_harmless(http_, table):
    http_("", query=f"INSERT INTO {table} FORMAT Native")
    assert http_.count(table) == 0


@pytest.mark.parametrize(
    "output", ["Native", "Parquet", "Arrow", "ORC", "RowBinary", "JSONEachRow", "CSVWithNames", "Avro"]
)
def test_every_format_goes_out_and_comes_in_again(http_, table, output):
    data = http_(f"SELECT number AS a FROM numbers(100000) FORMAT {output}").body
    assert http_(data, query=f"INSERT INTO {table} FORMAT {output}").status == 200
    assert http_(f"SELECT count(), sum(a) FROM {table}").text == f"100000\t{sum(range(100_000))}\n"
