"""Streams of clickhouse-connect: blocks as they come, errors in the middle, early exits, cancelled queries."""

import http.client
import json
import time
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError, StreamClosedError, StreamFailureError
from connect_support import scratch_client, scratch_table

from gtc.settings import Settings
from warehouse.client import connect

_FAILS_LATE = "SELECT sleepEachRow(0.01), throwIf(number = 100) FROM numbers(200)"
_AT_ONCE = {"max_block_size": 1, "wait_end_of_query": 0}


@pytest.fixture(scope="module")
def home(warehouse: Settings) -> Iterator[Client]:
    with scratch_client(warehouse) as client:
        yield client


@pytest.mark.parametrize("method", ["query_row_block_stream", "query_column_block_stream"])
def test_blocks_come_in_the_size_that_was_asked_for(home: Client, method: str) -> None:
    sql = "SELECT number, randomStringUTF8(50) FROM numbers(10000)"
    with getattr(home, method)(sql, settings={"max_block_size": 4000}) as stream:
        blocks = list(stream)
    assert len(blocks) > 1
    numbers = [number for block in blocks for number in (block[0] if "column" in method else (row[0] for row in block))]
    assert numbers == list(range(10_000))


def test_rows_come_one_by_one_and_only_once(home: Client) -> None:
    stream = home.query_rows_stream("SELECT number FROM numbers(10000)")
    with stream as rows:
        assert sum(row[0] for row in rows) == 49_995_000
    with pytest.raises(StreamClosedError), stream as rows:
        list(rows)


def test_raw_bytes_come_as_the_server_writes_them(home: Client) -> None:
    with home.raw_stream("SELECT number FROM system.numbers LIMIT 1000", fmt="TabSeparated") as answer:
        assert answer.read() == b"".join(b"%d\n" % number for number in range(1000))


def test_an_early_exit_leaves_the_client_usable(home: Client) -> None:
    with home.query_rows_stream(
        "SELECT number, repeat('x', 1000) FROM numbers(20000)", settings={"max_block_size": 1000}
    ) as rows:
        assert [next(rows)[0] for _ in range(1000)] == list(range(1000))
    assert home.command("SELECT 1") == 1


def _read_all(client: Client, sql: str, settings: dict[str, Any]) -> None:
    assert client.query(sql, settings=settings).result_set


def _stream_all(client: Client, sql: str, settings: dict[str, Any]) -> None:
    with client.query_rows_stream(sql, settings=settings) as rows:
        list(rows)


@pytest.mark.parametrize("read", [_read_all, _stream_all])
def test_an_error_in_mid_stream_reaches_the_client_with_its_text(home: Client, read: Any) -> None:
    with pytest.raises(StreamFailureError) as caught:
        read(home, _FAILS_LATE, _AT_ONCE)
    assert "Value passed to 'throwIf' function is non-zero" in str(caught.value)
    assert "Code: 395" in str(caught.value)
    assert home.command("SELECT 1") == 1


def test_an_error_in_mid_stream_can_be_scrubbed_or_hidden(home: Client) -> None:
    texts = {}
    for mode in ("scrub", False):
        home.show_clickhouse_errors = mode
        try:
            with pytest.raises(StreamFailureError) as caught:
                _stream_all(home, _FAILS_LATE, _AT_ONCE)
        finally:
            home.show_clickhouse_errors = True
        texts[mode] = str(caught.value)
    assert "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO" in texts["scrub"]
    assert "version" not in texts["scrub"].lower()
    assert texts[False] == "The ClickHouse server returned an error"


def _take_all(stream: Any, into: list[Any]) -> None:
    with stream as pieces:
        for piece in pieces:
            into.append(len(piece))


@pytest.mark.parametrize(
    "method", ["query_row_block_stream", "query_column_block_stream", "query_df_stream", "query_np_stream"]
)
def test_an_error_after_megabytes_reaches_the_client_after_good_blocks(home: Client, method: str) -> None:
    seen: list[int] = []
    sql = "SELECT number, throwIf(number >= 1000000) FROM numbers(2000000)"
    with pytest.raises(StreamFailureError, match="throwIf"):
        _take_all(getattr(home, method)(sql, settings={"max_threads": 1}), seen)
    assert seen


def test_a_division_by_zero_late_in_a_stream_is_told(home: Client) -> None:
    sql = "SELECT toString(cityHash64(number)) FROM numbers(10000000) WHERE intDiv(1, number - 300000) > -100000000"
    with pytest.raises(StreamFailureError, match=r"(?i)division by zero"), home.query_row_block_stream(sql) as stream:
        list(stream)


@pytest.mark.parametrize("encoding", [False, "lz4", "zstd", "gzip", "br"])
def test_an_error_in_mid_stream_survives_every_compression(warehouse: Settings, encoding: str | bool) -> None:
    with scratch_client(warehouse, compress=encoding) as client, pytest.raises(StreamFailureError, match="throwIf"):
        _stream_all(client, "SELECT number, throwIf(number >= 600000) FROM numbers(2000000)", {})


def test_an_error_of_a_query_that_is_waited_for_has_its_own_status(home: Client) -> None:
    with pytest.raises(DatabaseError) as caught:
        home.query("SELECT number, throwIf(number >= 1000000) FROM numbers(2000000)")
    assert not isinstance(caught.value, StreamFailureError)
    assert caught.value.code == 395


def test_a_client_that_stops_waiting_can_go_on(warehouse: Settings) -> None:
    with connect(warehouse, send_receive_timeout=1, query_retries=0) as client:
        with pytest.raises(OperationalError):
            client.query("SELECT sleep(2)")
        assert client.command("SELECT 1") == 1


@pytest.mark.parametrize("revision", [0, 54405])
def test_a_stream_that_is_dropped_ends_its_query(warehouse: Settings, home: Client, revision: int) -> None:
    query_id = f"dropped {uuid.uuid4()}"
    connection = http.client.HTTPConnection(warehouse.warehouse_host, warehouse.warehouse_port, timeout=10)
    password = warehouse.warehouse_password.get_secret_value()
    login = {"X-ClickHouse-User": warehouse.warehouse_user, "X-ClickHouse-Key": password}
    endless = b"SELECT number, repeat('x', 100) FROM system.numbers FORMAT Native"
    connection.request("POST", f"/?client_protocol_version={revision}&query_id={quote(query_id)}", endless, login)
    answer = connection.getresponse()
    assert len(answer.read(2_000_000)) == 2_000_000
    assert _running(home, query_id)
    answer.close()
    connection.close()
    deadline = time.monotonic() + 5
    while _running(home, query_id) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _running(home, query_id)


def test_a_query_is_killed_by_the_id_its_client_chose(warehouse: Settings, home: Client) -> None:
    from concurrent.futures import ThreadPoolExecutor

    query_id = f"killed {uuid.uuid4()}"
    with connect(warehouse) as other, ThreadPoolExecutor(1) as pool:
        sql = "SELECT count() FROM system.numbers WHERE NOT ignore(cityHash64(number))"
        running = pool.submit(other.query, sql, settings={"query_id": query_id})
        while not _running(home, query_id):
            time.sleep(0.02)
        killed = json.loads(home.raw_query(f"KILL QUERY WHERE query_id = '{query_id}' SYNC", fmt="JSONEachRow"))
        assert killed.pop("query").strip() == sql + "\n FORMAT Native"
        assert killed == {"kill_status": "finished", "query_id": query_id, "user": warehouse.warehouse_user}
        with pytest.raises(DatabaseError) as caught:
            running.result(10)
    assert caught.value.code == 394


@pytest.mark.parametrize("seconds", [1, 0.5])
def test_a_query_over_its_time_ends_with_the_code_of_a_timeout(home: Client, seconds: float) -> None:
    with pytest.raises(DatabaseError) as caught:
        home.query("SELECT count() FROM system.numbers", settings={"max_execution_time": seconds})
    assert caught.value.code == 159


def test_a_result_over_its_limit_is_refused_or_cut(home: Client) -> None:
    with pytest.raises(DatabaseError) as caught:
        home.query("SELECT number FROM numbers(1000)", settings={"max_result_rows": 10})
    assert caught.value.code == 396
    cut = home.query(
        "SELECT number FROM numbers(100000)",
        settings={"max_result_rows": 10, "result_overflow_mode": "break", "max_block_size": 5},
    )
    assert cut.row_count < 100


def test_a_large_insert_streams_in_blocks(home: Client) -> None:
    with scratch_table(home, "n UInt64", "s String") as table:
        home.insert(table, [list(range(300_000)), ["abcdefgh"] * 300_000], ["n", "s"], column_oriented=True)
        assert home.query(f"SELECT count(), sum(n), any(s) FROM {table}").first_row == (
            300_000,
            44_999_850_000,
            "abcdefgh",
        )


def _running(client: Client, query_id: str) -> int:
    found = client.command(
        "SELECT count() FROM system.processes WHERE query_id = {id:String}", parameters={"id": query_id}
    )
    assert isinstance(found, int)
    return found
