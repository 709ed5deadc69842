"""What the HTTP layer costs, and that its memory is bounded: ratios and growths measured in one run."""

import http.client
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import chdb
import psutil
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
from platforms import make_settings
from server_http import Http, own_server, start_server

pytestmark = pytest.mark.bench

#: A query that computes for about a second on one core of the machines of 2026.
SECOND = "SELECT sum(cityHash64(number, number + 1)) FROM numbers(250000000) SETTINGS max_threads = 1"

GIGABYTE = 1_000_000_000
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with own_server(tmp_path_factory.mktemp("bench")) as (settings, process):
        yield Http(settings), psutil.Process(process.pid)


@pytest.fixture(scope="module")
def in_process(tmp_path_factory):
    """A handle of an engine in this process, kept open."""
    handle = chdb.connect(str(tmp_path_factory.mktemp("in_process")))
    yield handle
    handle.close()


def median_of(run: Callable[[], object], times: int) -> float:
    """Median of `times` runs, in seconds."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        run()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def keep_alive(http_: Http) -> Callable[[str], bytes]:
    """Queries over one connection, as every client keeps it."""
    connection = http.client.HTTPConnection(http_.settings.warehouse_host, http_.settings.warehouse_port)
    connection.connect()

    def ask(sql: str) -> bytes:
        connection.request("POST", "/", sql, {"Authorization": http_.authorization})
        return connection.getresponse().read()

    return ask


def test_a_trivial_query_costs_at_most_two_milliseconds_more(server, in_process, record_figure):
    ask = keep_alive(server[0])
    assert ask("SELECT 1") == b"1\n"
    over_http, inside = [], []
    for _ in range(15):  # rounds in turn; the best one of each side is the one that nothing else disturbed
        over_http.append(median_of(lambda: ask("SELECT 1"), 60))
        inside.append(median_of(lambda: in_process.query("SELECT 1", "TabSeparated").bytes(), 60))
    record_figure("SELECT 1: over HTTP minus in process, p50", (min(over_http) - min(inside)) * 1000, "ms", 2.0)


def test_a_query_of_a_second_costs_at_most_five_percent_more(server, in_process, record_figure):
    ask = keep_alive(server[0])
    over_http, inside = [], []
    for _ in range(6):
        over_http.append(median_of(lambda: ask(SECOND), 1))
        inside.append(median_of(lambda: in_process.query(SECOND, "TabSeparated").bytes(), 1))
    record_figure("a query of a second: over HTTP by in process", min(over_http) / min(inside), "ratio", 1.05)


class Growth:
    """Peak growth of a process's resident memory while in the context, in bytes."""

    def __init__(self, process: psutil.Process) -> None:
        self.process = process

    def __enter__(self) -> "Growth":
        self.before = self.peak = self.process.memory_info().rss
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()
        return self

    def _watch(self) -> None:
        while not self.done.wait(0.02):
            self.peak = max(self.peak, self.process.memory_info().rss)

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.thread.join()
        self.bytes = self.peak - self.before


def read_all(http_: Http, sql: str) -> int:
    """Read an answer without keeping it; its size in bytes."""
    connection = http.client.HTTPConnection(http_.settings.warehouse_host, http_.settings.warehouse_port)
    connection.request("POST", "/", sql, {"Authorization": http_.authorization})
    response, size, buffer = connection.getresponse(), 0, bytearray(1 << 20)
    assert response.status == 200
    while read := response.readinto(buffer):
        size += read
    connection.close()
    return size


#: Bytes a row of `number, number * 2, toString(number)` in Native takes, for row numbers of nine digits.
ROW = 26


def select_of(size: int) -> str:
    return f"SELECT number + 100000000 AS a, a * 2 AS b, toString(a) AS c FROM numbers({size // ROW}) FORMAT Native"


def insert(http_: Http, size: int) -> int:
    """Send `size` bytes of RowBinary in chunks; the number of rows sent."""
    rows_a_chunk = 1 << 16
    chunk = b"".join(number.to_bytes(8, "little") * 2 for number in range(rows_a_chunk))
    chunks = size // len(chunk)

    def body() -> Iterator[bytes]:
        yield b"INSERT INTO bench_insert FORMAT RowBinary\n"
        for _ in range(chunks):
            yield chunk

    connection = http.client.HTTPConnection(http_.settings.warehouse_host, http_.settings.warehouse_port)
    headers = {"Authorization": http_.authorization, "Transfer-Encoding": "chunked"}
    connection.request("POST", "/", body(), headers, encode_chunked=True)
    assert connection.getresponse().status == 200
    connection.close()
    return chunks * rows_a_chunk


def measure_result(server, record_figure, size: int) -> None:
    http_, process = server
    read_all(http_, select_of(200 * MEGABYTE))  # what the engine allocates once
    with Growth(process) as growth:
        began = time.monotonic()
        read = read_all(http_, select_of(size))
        seconds = time.monotonic() - began
    assert read >= size * 0.95
    name = f"a result of {size / GIGABYTE:.0f} GB"
    record_figure(f"{name}: growth of memory", growth.bytes / MEGABYTE, "MB", 300)
    record_figure(f"{name}: throughput", read / seconds / MEGABYTE, "MB/s")


def measure_insert(server, record_figure, size: int) -> None:
    http_, process = server
    http_("CREATE OR REPLACE TABLE bench_insert (a UInt64, b UInt64) ENGINE = MergeTree ORDER BY tuple()")
    insert(http_, 200 * MEGABYTE)
    http_("TRUNCATE TABLE bench_insert")
    with Growth(process) as growth:
        began = time.monotonic()
        sent = insert(http_, size)
        seconds = time.monotonic() - began
    assert http_.count("bench_insert") == sent
    http_("DROP TABLE bench_insert SYNC")
    name = f"an insert of {size / GIGABYTE:.0f} GB"
    record_figure(f"{name}: growth of memory", growth.bytes / MEGABYTE, "MB", 300)
    record_figure(f"{name}: throughput", size / seconds / MEGABYTE, "MB/s")


def test_a_large_result_passes_through_bounded_memory(server, record_figure):
    measure_result(server, record_figure, 2 * GIGABYTE)


def test_a_large_insert_passes_through_bounded_memory(server, record_figure):
    measure_insert(server, record_figure, 2 * GIGABYTE)


@pytest.mark.heavy
def test_a_result_of_ten_gigabytes_passes_through_bounded_memory(server, record_figure):
    measure_result(server, record_figure, 10 * GIGABYTE)


@pytest.mark.heavy
def test_an_insert_of_ten_gigabytes_passes_through_bounded_memory(server, record_figure):
    measure_insert(server, record_figure, 10 * GIGABYTE)


@pytest.mark.parametrize(
    "output",
    [
        "TabSeparated",
        "CSV",
        "JSON",
        "JSONEachRow",
        "RowBinary",
        "Native",
        "Arrow",
        "ArrowStream",
        "Parquet",
        "ORC",
        "Avro",
    ],
)
def test_every_streaming_format_has_bounded_memory(server, record_figure, output):
    http_, process = server
    sql = f"SELECT number AS a, number * 2 AS b, toString(number) AS c FROM numbers(10000000) FORMAT {output}"
    with Growth(process) as growth:
        size = read_all(http_, sql)
    record_figure(f"{output}: growth for {size / MEGABYTE:.0f} MB", growth.bytes / MEGABYTE, "MB", 300)


def test_a_start_takes_seconds(tmp_path, record_figure):
    settings = make_settings(tmp_path)
    began = time.monotonic()
    process = start_server(settings)
    record_figure("start of the warehouse", time.monotonic() - began, "s")
    began = time.monotonic()
    process.terminate()
    assert process.wait(30) == 0
    record_figure("stop of the warehouse", time.monotonic() - began, "s")
