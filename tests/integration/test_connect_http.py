"""What ClickHouse's documentation of the HTTP interface shows with curl, asked with curl."""

import base64
import gzip
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

import lz4.frame
import pytest
import zstandard
from clickhouse_connect.driver.client import Client
from connect_support import scratch_client, scratch_table

from gtc.settings import Settings

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl, the program of the documentation")


@dataclass
class Reply:
    """One answer as curl shows it; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes
    exit_code: int

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def summary(self) -> dict[str, int]:
        """The figures of X-ClickHouse-Summary."""
        return {name: int(value) for name, value in json.loads(self.headers["x-clickhouse-summary"]).items()}


Curl = Callable[..., Reply]


@pytest.fixture(scope="module")
def home(warehouse: Settings) -> Iterator[Client]:
    with scratch_client(warehouse) as client:
        yield client


@pytest.fixture(scope="module")
def base(warehouse: Settings) -> str:
    return f"http://{warehouse.warehouse_host}:{warehouse.warehouse_port}"


@pytest.fixture(scope="module")
def curl(warehouse: Settings, base: str) -> Curl:
    login = ["-u", f"{warehouse.warehouse_user}:{warehouse.warehouse_password.get_secret_value()}"]

    def run(path: str, *options: str, data: bytes = b"", user: bool = True) -> Reply:
        command = ["curl", "-sS", "-i", "--max-time", "30", *(login if user else []), base + path, *options]
        done = subprocess.run(command, input=data, capture_output=True, check=False)
        rest = done.stdout
        while True:
            head, _, rest = rest.partition(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            if " 100 " not in first:
                break
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        return Reply(int(first.split()[1]), headers, rest, done.returncode)

    return run


def _select(sql: str, *, fmt: str = "") -> str:
    return "/?query=" + quote(sql) + (f"&default_format={fmt}" if fmt else "")


@pytest.mark.parametrize("path", ["/", "/ping", "/replicas_status"])
def test_a_health_check_needs_no_password_and_says_ok(curl: Curl, path: str) -> None:
    reply = curl(path, user=False)
    assert (reply.status, reply.text) == (200, "Ok.\n")


def test_an_unknown_path_is_explained(curl: Curl) -> None:
    reply = curl("/nothing_here")
    assert reply.status == 404
    assert "There is no handle /nothing_here" in reply.text


def test_a_query_in_the_url_is_answered(curl: Curl) -> None:
    assert curl("/?query=SELECT%201").text == "1\n"
    assert curl("/?query=SELECT+1+%2B+1").text == "2\n"


def test_a_query_in_the_body_is_answered(curl: Curl) -> None:
    assert curl("/", "--data-binary", "@-", data=b"SELECT 1").text == "1\n"
    assert curl("/", "-d", "@-", data=b"SELECT 1").text == "1\n"


def test_a_query_may_be_split_between_url_and_body(curl: Curl) -> None:
    assert curl("/?query=SELECT%201%20%2B", "--data-binary", "@-", data=b" 41").text == "42\n"


def test_a_body_in_chunks_is_answered(curl: Curl) -> None:
    assert curl("/", "-H", "Transfer-Encoding: chunked", "--data-binary", "@-", data=b"SELECT 7").text == "7\n"


def test_get_only_reads(curl: Curl, home: Client) -> None:
    reply = curl(_select(f"CREATE TABLE {home.database}.by_get (a UInt8) ENGINE Memory"))
    assert reply.status == 500
    assert reply.headers["x-clickhouse-exception-code"] == "164"


def test_head_gives_headers_only(curl: Curl) -> None:
    reply = curl(_select("SELECT 1"), "-I")
    assert (reply.status, reply.body) == (200, b"")
    assert "x-clickhouse-query-id" in reply.headers


@pytest.mark.parametrize(
    ("fmt", "body"),
    [
        ("", "1\ta\n"),
        ("TabSeparated", "1\ta\n"),
        ("TabSeparatedWithNames", "n\ts\n1\ta\n"),
        ("TSVWithNamesAndTypes", "n\ts\nUInt8\tString\n1\ta\n"),
        ("CSV", '1,"a"\n'),
        ("CSVWithNames", '"n","s"\n1,"a"\n'),
        ("JSONEachRow", '{"n":1,"s":"a"}\n'),
        ("JSONCompactEachRow", '[1, "a"]\n'),
        ("Values", "(1,'a')"),
        ("Vertical", "Row 1:\n──────\nn: 1\ns: a\n"),
        ("RowBinary", "\x01\x01a"),
        ("TSKV", "n=1\ts=a\n"),
        ("XML", None),
        ("JSON", None),
        ("Pretty", None),
        ("Markdown", "| n | s |\n|-:|:-|\n| 1 | a |\n"),
        ("Null", ""),
    ],
)
def test_the_format_is_tab_separated_unless_another_is_chosen(curl: Curl, fmt: str, body: str | None) -> None:
    sql = "SELECT toUInt8(1) AS n, 'a' AS s"
    replies = [
        curl(_select(sql, fmt=fmt)),
        curl("/", "-H", f"X-ClickHouse-Format: {fmt}", "--data-binary", "@-", data=sql.encode()),
    ]
    if fmt:
        replies.append(curl("/", "--data-binary", "@-", data=f"{sql} FORMAT {fmt}".encode()))
    assert len({reply.body if fmt not in ("JSON", "XML") else reply.status for reply in replies}) == 1
    assert all(reply.headers["x-clickhouse-format"] == (fmt or "TabSeparated") for reply in replies)
    if body is not None:
        assert replies[0].text == body


def test_a_format_in_the_query_wins(curl: Curl) -> None:
    assert curl(_select("SELECT 1 AS a FORMAT CSVWithNames", fmt="JSON")).text == '"a"\n1\n'


def test_an_unknown_format_is_refused(curl: Curl) -> None:
    reply = curl(_select("SELECT 1", fmt="NoSuchFormat"))
    assert reply.headers["x-clickhouse-exception-code"] == "73"


@pytest.mark.parametrize(
    ("fmt", "kind"),
    [
        ("TabSeparated", "text/tab-separated-values; charset=UTF-8"),
        ("CSV", "text/csv; charset=UTF-8; header=absent"),
        ("CSVWithNames", "text/csv; charset=UTF-8; header=present"),
        ("JSON", "application/json; charset=UTF-8"),
        ("XML", "application/xml; charset=UTF-8"),
        ("Parquet", "application/octet-stream"),
        ("Native", "application/octet-stream"),
    ],
)
def test_the_content_type_is_that_of_the_format(curl: Curl, fmt: str, kind: str) -> None:
    assert curl(_select("SELECT 1", fmt=fmt)).headers["content-type"] == kind


def test_rows_are_inserted_from_the_body(curl: Curl, home: Client) -> None:
    with scratch_table(home, "n UInt8", order_by="n") as table:
        full = f"{home.database}.{table}"
        assert curl("/", "--data-binary", "@-", data=f"INSERT INTO {full} VALUES (1),(2),(3)".encode()).status == 200
        assert curl(_select(f"INSERT INTO {full} VALUES"), "--data-binary", "@-", data=b"(4),(5),(6)").status == 200
        assert (
            curl(_select(f"INSERT INTO {full} FORMAT TabSeparated"), "--data-binary", "@-", data=b"7\n8\n9\n").status
            == 200
        )
        assert curl("/", "--data-binary", "@-", data=f"INSERT INTO {full} FORMAT CSV\n10\n11\n".encode()).status == 200
        assert home.query(f"SELECT arraySort(groupArray(n)) FROM {full}").first_row == (list(range(1, 12)),)


def test_an_insert_tells_what_it_wrote(curl: Curl, home: Client) -> None:
    with scratch_table(home, "n UInt64") as table:
        reply = curl(
            _select(f"INSERT INTO {home.database}.{table} FORMAT CSV"), "--data-binary", "@-", data=b"1\n2\n3\n"
        )
        assert (reply.summary["written_rows"], reply.summary["written_bytes"]) == (3, 24)


def test_a_post_with_an_empty_body_runs_the_query_of_the_url(curl: Curl, home: Client) -> None:
    assert (
        curl(
            _select(f"CREATE TABLE {home.database}.by_post (a UInt8) ENGINE Memory"),
            "-X",
            "POST",
            "-H",
            "Content-Length: 0",
        ).status
        == 200
    )
    assert curl(_select(f"DROP TABLE {home.database}.by_post"), "-X", "POST").status == 200


@pytest.mark.parametrize("way", ["basic", "headers", "url", "nobody"])
def test_a_user_may_come_in_three_ways_and_must_come_in_one(curl: Curl, warehouse: Settings, way: str) -> None:
    user, password = warehouse.warehouse_user, warehouse.warehouse_password.get_secret_value()
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    path, options = {
        "basic": ("/?query=SELECT%201", ["-H", f"Authorization: Basic {token}"]),
        "headers": ("/?query=SELECT%201", ["-H", f"X-ClickHouse-User: {user}", "-H", f"X-ClickHouse-Key: {password}"]),
        "url": (f"/?query=SELECT%201&user={user}&password={password}", []),
        "nobody": ("/?query=SELECT%201", []),
    }[way]
    reply = curl(path, *options, user=False)
    if way == "nobody":
        assert reply.status in (401, 403)
        assert "516" in reply.headers["x-clickhouse-exception-code"]
    else:
        assert reply.text == "1\n"


def test_a_database_may_come_in_two_ways(curl: Curl) -> None:
    assert curl(_select("SELECT currentDatabase()") + "&database=system").text == "system\n"
    assert curl(_select("SELECT currentDatabase()"), "-H", "X-ClickHouse-Database: system").text == "system\n"
    assert curl(_select("SELECT 1") + "&database=no_such_database").headers["x-clickhouse-exception-code"] == "81"


def test_the_headers_of_an_answer_are_those_of_clickhouse(curl: Curl) -> None:
    reply = curl(_select("SELECT number FROM numbers(10)") + "&query_id=asked")
    assert reply.headers["x-clickhouse-query-id"] == "asked"
    assert reply.headers["x-clickhouse-server-display-name"]
    assert reply.headers["x-clickhouse-timezone"]
    assert len(reply.headers["x-clickhouse-exception-tag"]) == 16
    figures = reply.summary
    assert (figures["read_rows"], figures["read_bytes"], figures["result_rows"], figures["result_bytes"] > 0) == (
        10,
        80,
        10,
        True,
    )
    assert set(figures) >= {
        "read_rows",
        "read_bytes",
        "written_rows",
        "written_bytes",
        "total_rows_to_read",
        "result_rows",
        "result_bytes",
        "elapsed_ns",
    }


def test_the_time_zone_of_the_session_is_told(curl: Curl) -> None:
    assert (
        curl(_select("SELECT 1") + "&session_timezone=Asia/Shanghai").headers["x-clickhouse-timezone"]
        == "Asia/Shanghai"
    )


@pytest.mark.parametrize(
    ("sql", "status", "code"),
    [
        ("SELEC 1", 400, "62"),
        ("SELECT * FROM nowhere_13", 404, "60"),
        ("SELECT no_such_column", 404, "47"),
        ("SELECT toUInt8('x')", 400, "6"),
        ("SELECT throwIf(1)", 500, "395"),
        ("SELECT 1 FORMAT NoSuchFormat", 404, "73"),
        ("SELECT noSuchFunction()", 404, "46"),
    ],
)
def test_an_error_has_its_own_status_code_and_text(curl: Curl, sql: str, status: int, code: str) -> None:
    reply = curl("/", "--data-binary", "@-", data=sql.encode())
    assert (reply.status, reply.headers["x-clickhouse-exception-code"]) == (status, code)
    assert reply.text.startswith(f"Code: {code}. DB::Exception: ")
    assert "(version 26." in reply.text
    assert reply.text.endswith("\n")


def test_an_error_is_plain_text_whatever_the_format(curl: Curl) -> None:
    reply = curl(_select("SELECT throwIf(1)", fmt="Parquet"))
    assert reply.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd", "lz4"])
def test_an_answer_is_compressed_only_when_both_sides_want_it(curl: Curl, encoding: str) -> None:
    import zlib

    import brotli

    unpack = {
        "gzip": gzip.decompress,
        "br": brotli.decompress,
        "deflate": zlib.decompress,
        "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
        "lz4": lz4.frame.decompress,
    }
    sql = _select("SELECT repeat('a', 10) FROM numbers(1000)")
    plain = curl(sql, "-H", f"Accept-Encoding: {encoding}")
    assert "content-encoding" not in plain.headers
    packed = curl(sql + "&enable_http_compression=1", "-H", f"Accept-Encoding: {encoding}")
    assert packed.headers["content-encoding"] == encoding
    assert unpack[encoding](packed.body) == plain.body


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("lz4", lz4.frame.compress), ("zstd", zstandard.compress)]
)
def test_a_body_may_be_compressed(curl: Curl, home: Client, encoding: str, pack: Callable[[bytes], bytes]) -> None:
    assert curl("/", "-H", f"Content-Encoding: {encoding}", "--data-binary", "@-", data=pack(b"SELECT 5")).text == "5\n"
    with scratch_table(home, "n UInt8") as table:
        path = _select(f"INSERT INTO {home.database}.{table} FORMAT CSV")
        curl(path, "-H", f"Content-Encoding: {encoding}", "--data-binary", "@-", data=pack(b"1\n2\n"))
        assert home.command(f"SELECT sum(n) FROM {table}") == 3


def test_clickhouses_own_blocks_are_read_back_as_they_were_written(curl: Curl) -> None:
    packed = curl(_select("SELECT 'SELECT 11'", fmt="TabSeparatedRaw") + "&compress=1")
    assert packed.body[16] == 0x82
    assert curl("/?decompress=1", "--data-binary", "@-", data=packed.body).text == "11\n"


def test_parameters_of_a_query_come_by_name(curl: Curl) -> None:
    path = "/?param_id=2&param_phrase=test&param_list=" + quote("['a','b']")
    sql = b"SELECT {id:UInt8}, {phrase:String}, {list:Array(String)}[2]"
    assert curl(path, "--data-binary", "@-", data=sql).text == "2\ttest\tb\n"
    assert (
        curl("/?param_arg1=abc%5C%09123", "--data-binary", "@-", data=b"SELECT splitByChar('\\t', {arg1:String})").text
        == "['abc','123']\n"
    )


def test_parameters_may_come_as_a_form(curl: Curl) -> None:
    reply = curl("/", "-F", "query=SELECT {p1:UInt8} + {p2:UInt8}", "-F", "param_p1=3", "-F", "param_p2=4")
    assert reply.text == "7\n"


def test_an_external_table_comes_as_a_file_of_a_form(curl: Curl) -> None:
    path = (
        _select("SELECT sum(n), any(s) FROM more")
        + "&more_structure="
        + quote("n UInt8, s String")
        + "&more_format=CSV"
    )
    reply = curl(path, "-F", "more=@-;filename=more.csv", data=b"1,x\n2,x\n")
    assert reply.text == "3\tx\n"


def test_settings_of_the_url_hold_for_the_query_only(curl: Curl) -> None:
    sql = _select("SELECT getSetting('max_block_size')")
    usual = curl(sql).text
    assert curl(sql + "&max_block_size=77").text == "77\n"
    assert curl(sql).text == usual
    assert curl(_select("SELECT 1") + "&no_such_setting=1").headers["x-clickhouse-exception-code"] == "115"


def test_results_are_limited_as_the_settings_say(curl: Curl) -> None:
    sql = _select("SELECT number FROM numbers(100000)")
    assert curl(sql + "&max_result_rows=10").headers["x-clickhouse-exception-code"] == "396"
    rows = curl(sql + "&max_result_rows=10&result_overflow_mode=break&max_block_size=5").text.count("\n")
    assert 0 < rows < 100


def test_a_session_keeps_a_temporary_table(curl: Curl) -> None:
    session = "/?session_id=curl_1&session_timeout=60"
    curl(session, "--data-binary", "@-", data=b"CREATE TEMPORARY TABLE t AS SELECT 42 AS x")
    assert curl(session + "&session_check=1&query=SELECT%20x%20FROM%20t").text == "42\n"
    curl(session + "&close_session=1&query=SELECT%201")
    assert curl("/?session_id=curl_1&session_check=1&query=SELECT%201").headers["x-clickhouse-exception-code"] == "372"


@pytest.mark.parametrize(
    "options",
    [
        "wait_end_of_query=1",
        "wait_end_of_query=1&buffer_size=3000000",
        "http_wait_end_of_query=1",
        "http_response_buffer_size=3000000",
    ],
)
def test_a_result_that_is_waited_for_has_exact_figures_and_an_honest_status(curl: Curl, options: str) -> None:
    reply = curl(_select("SELECT number FROM numbers(300000)") + "&" + options)
    assert reply.summary["result_rows"] == reply.body.count(b"\n") == 300_000
    failed = curl(_select("SELECT throwIf(number = 290000) FROM numbers(300000)") + "&max_block_size=1000&" + options)
    assert (failed.status, failed.headers["x-clickhouse-exception-code"]) == (500, "395")


def test_an_error_after_the_first_bytes_is_marked_and_breaks_the_connection(curl: Curl) -> None:
    reply = curl(_select("SELECT number, throwIf(number = 1900000) FROM numbers(2000000)"))
    tag = reply.headers["x-clickhouse-exception-tag"].encode()
    assert reply.status == 200
    assert reply.exit_code != 0
    before, mark, after = reply.body.partition(b"__exception__\r\n" + tag + b"\r\n")
    message, _, _ = after.rpartition(b"\n")
    assert before
    assert mark
    assert b"Code: 395" in message
    assert reply.body.endswith(tag + b"\r\n__exception__\r\n")


def test_progress_is_told_in_the_summary_when_asked_for(curl: Curl) -> None:
    reply = curl(
        _select("SELECT count() FROM numbers(50000000)")
        + "&send_progress_in_http_headers=1&http_headers_progress_interval_ms=100&wait_end_of_query=1"
    )
    assert reply.summary["read_rows"] == 50_000_000


@pytest.mark.parametrize("asked", [False, True])
def test_other_origins_are_allowed_when_asked_for(curl: Curl, asked: bool) -> None:
    origin = ["-H", "Origin: http://example.org"]
    reply = curl(_select("SELECT 1") + f"&add_http_cors_header={int(asked)}", *origin)
    assert (reply.headers.get("access-control-allow-origin") == "*") == asked


def test_headers_of_the_clients_choice_are_sent_along(curl: Curl) -> None:
    chosen = quote("{'X-My-Header': 'it works', 'Cache-Control': 'no-store'}")
    reply = curl(_select("SELECT 1") + f"&http_response_headers={chosen}")
    assert (reply.headers["x-my-header"], reply.headers["cache-control"]) == ("it works", "no-store")


def test_two_statements_in_one_request_are_refused(curl: Curl) -> None:
    reply = curl("/", "--data-binary", "@-", data=b"SELECT 1; SELECT 2")
    assert (reply.status, reply.headers["x-clickhouse-exception-code"]) == (400, "62")
    assert curl("/", "--data-binary", "@-", data=b"SELECT 1;\n").text == "1\n"


def test_a_connection_is_kept_for_the_next_query(curl: Curl, base: str) -> None:
    reply = curl(_select("SELECT 1"), base + "/?query=SELECT%202", "-w", "%{num_connects}\n")
    assert reply.body.count(b"HTTP/1.1 200") == 1
    assert reply.body.rstrip().endswith(b"0")


def test_letters_beyond_ascii_arrive_everywhere(curl: Curl) -> None:
    assert curl(_select("SELECT '空 😀' AS `名`", fmt="JSONEachRow")).text == '{"名":"空 😀"}\n'
    assert (
        curl("/?param_p=" + quote("空"), "--data-binary", "@-", data="SELECT {p:String} = '空'".encode()).text == "1\n"
    )
