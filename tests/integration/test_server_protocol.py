"""What ClickHouse's HTTP interface answers to whom, over real HTTP."""

import json
import re

import pytest
from server_http import Http


@pytest.mark.parametrize("path", ["/ping", "/", "/replicas_status"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_health_checks_answer_ok_without_a_password(warehouse, path, method):
    http = Http(warehouse)
    http.authorization = ""
    reply = http(method=method, path=path)
    assert (reply.status, reply.text) == (200, "Ok.\n" if method == "GET" else "")


def test_an_unknown_path_is_explained(http):
    reply = http(method="GET", path="/nothing/here")
    assert reply.status == 404
    assert reply.text.startswith("There is no handle /nothing/here")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused(http, method):
    assert http("SELECT 1", method=method).status == 405


def test_options_are_answered_without_a_body(http):
    reply = http(method="OPTIONS")
    assert (reply.status, reply.body) == (204, b"")


def test_the_query_may_be_in_the_body_in_the_url_or_in_both(http):
    assert http("SELECT 1").text == "1\n"
    assert http(method="GET", query="SELECT 2").text == "2\n"
    assert http("", query="SELECT 3").text == "3\n"
    assert http(" 4", query="SELECT").text == "4\n"


def test_head_answers_headers_only(http):
    reply = http(method="HEAD", query="SELECT 1")
    assert (reply.status, reply.body) == (200, b"")
    assert reply.headers["X-ClickHouse-Format"] == "TabSeparated"


def test_data_come_in_the_body_behind_the_statement_or_beside_it(http):
    http("CREATE OR REPLACE TABLE data_in_body (a Int32, b String) ENGINE = MergeTree ORDER BY a")
    assert http("INSERT INTO data_in_body FORMAT CSV\n1,x\n2,y\n").status == 200
    assert http("3,z\n", query="INSERT INTO data_in_body FORMAT CSV").status == 200
    assert http("", query="INSERT INTO data_in_body VALUES (4, 'q')").status == 200
    assert http("INSERT INTO data_in_body VALUES (5, 'r'), (5 + 1, 's')").status == 200
    assert http("(7, 't')", query="INSERT INTO data_in_body VALUES").status == 200
    assert (
        http("8\tu\n9\tv", query="INSERT INTO data_in_body SELECT * FROM input('a Int32, b String') FORMAT TSV").status
        == 200
    )
    assert http("SELECT groupArray(a) FROM (SELECT a FROM data_in_body ORDER BY a)").text == "[1,2,3,4,5,6,7,8,9]\n"


def test_binary_data_arrive_unchanged(http):
    http("CREATE OR REPLACE TABLE binary_data (a String) ENGINE = MergeTree ORDER BY a")
    every_byte = bytes(range(256)) * 4
    http(b"INSERT INTO binary_data FORMAT RowBinary\n" + b"\x80\x08" + every_byte)
    assert http("SELECT hex(a) FROM binary_data").text.strip() == every_byte.hex().upper()


def test_a_large_values_list_needs_no_larger_query_size(http):
    http("CREATE OR REPLACE TABLE many_values (a UInt32, b String) ENGINE = MergeTree ORDER BY a")
    rows = ", ".join(f"({number}, '{'x' * 30}')" for number in range(40_000))
    assert http(f"INSERT INTO many_values VALUES {rows}").status == 200
    assert http.count("many_values") == 40_000


def test_a_statement_longer_than_the_head_of_a_body_is_read_whole(http):
    numbers = ",".join(str(number) for number in range(60_000))
    assert http(f"SELECT length([{numbers}])", max_query_size=10_000_000).text == "60000\n"


def test_parameters_are_values_not_text(http):
    assert http("SELECT {a:String}", param_a="it's; DROP TABLE x").text == "it\\'s; DROP TABLE x\n"
    assert http("SELECT {a:Array(UInt8)}, {b:Nullable(Int8)}", param_a="[1,2]", param_b="\\N").text == "[1,2]\t\\N\n"
    assert http("SELECT * FROM system.{t:Identifier}", param_t="one").text == "0\n"
    assert http("SELECT {missing:String}").code == 456


@pytest.mark.parametrize(
    ("parameters", "headers", "expected"),
    [
        ({}, {}, "1\n"),
        ({"default_format": "CSV"}, {}, "1\n"),
        ({"default_format": "JSONEachRow"}, {}, '{"x":1}\n'),
        ({}, {"X-ClickHouse-Format": "JSONCompactEachRow"}, "[1]\n"),
        ({"default_format": "CSV"}, {"X-ClickHouse-Format": "JSONEachRow"}, '{"x":1}\n'),
    ],
)
def test_the_default_format_comes_from_header_or_parameter(http, parameters, headers, expected):
    assert http("SELECT 1 AS x", headers=headers, **parameters).text == expected
    assert http("SELECT 1 AS x FORMAT TSVWithNames", headers=headers, **parameters).text == "x\n1\n"


@pytest.mark.parametrize(
    ("statement", "content_type"),
    [
        ("SELECT 1", "text/tab-separated-values; charset=UTF-8"),
        ("SELECT 1 FORMAT JSON", "application/json; charset=UTF-8"),
        ("SELECT 1 FORMAT Native", "application/octet-stream"),
        ("SELECT 1 FORMAT CSVWithNames", "text/csv; charset=UTF-8; header=present"),
    ],
)
def test_the_content_type_is_the_formats(http, statement, content_type):
    assert http(statement).headers["Content-Type"] == content_type


def test_the_headers_tell_true_figures(http):
    http("CREATE OR REPLACE TABLE figures (a UInt64) ENGINE = MergeTree ORDER BY a")
    inserted = http("INSERT INTO figures SELECT number FROM numbers(1000)")
    assert json.loads(inserted.headers["X-ClickHouse-Summary"])["written_rows"] == "1000"
    piped = http("INSERT INTO figures FORMAT CSV\n1\n2\n")
    assert json.loads(piped.headers["X-ClickHouse-Summary"])["written_rows"] == "2"
    selected = http("SELECT a FROM figures WHERE a < 10", query_id="figures-1")
    summary = {name: int(value) for name, value in json.loads(selected.headers["X-ClickHouse-Summary"]).items()}
    assert (summary["read_rows"], summary["read_bytes"]) == (1002, 1002 * 8)
    assert (summary["result_rows"], summary["written_rows"]) == (12, 0)
    assert summary["elapsed_ns"] > 0
    assert selected.headers["X-ClickHouse-Query-Id"] == "figures-1"
    assert selected.headers["X-ClickHouse-Timezone"]
    assert selected.headers["X-ClickHouse-Server-Display-Name"]
    assert re.fullmatch("[a-z0-9]{16}", selected.headers["X-ClickHouse-Exception-Tag"])


def test_a_large_result_has_exact_figures_when_the_client_waits_for_the_end(http):
    reply = http("SELECT number FROM numbers(5000000)", wait_end_of_query=1)
    assert json.loads(reply.headers["X-ClickHouse-Summary"])["result_rows"] == "5000000"
    assert reply.body.count(b"\n") == 5_000_000


def test_every_query_without_an_id_gets_one_of_its_own(http):
    assert http("SELECT 1").headers["X-ClickHouse-Query-Id"] != http("SELECT 1").headers["X-ClickHouse-Query-Id"]


@pytest.mark.parametrize(
    ("statement", "parameters", "status", "code", "name"),
    [
        ("", {}, 400, 62, "SYNTAX_ERROR"),
        ("SELEC 1", {}, 400, 62, "SYNTAX_ERROR"),
        ("SELECT 1; SELECT 2", {}, 400, 62, "SYNTAX_ERROR"),
        ("SELECT * FROM nowhere", {}, 404, 60, "UNKNOWN_TABLE"),
        ("SELECT 1", {"database": "nowhere"}, 404, 81, "UNKNOWN_DATABASE"),
        ("SELECT 1", {"database": "no&readonly=0"}, 404, 81, "UNKNOWN_DATABASE"),
        ("SELECT 1", {"no_such_setting": "1"}, 404, 115, "UNKNOWN_SETTING"),
        ("SELECT nosuchfunction(1)", {}, 404, 46, "UNKNOWN_FUNCTION"),
        ("SELECT 1 FORMAT NoSuchFormat", {}, 404, 73, "UNKNOWN_FORMAT"),
        ("SELECT throwIf(1)", {}, 500, 395, "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"),
        ("SELECT 1 + 'a'", {}, 500, 43, "ILLEGAL_TYPE_OF_ARGUMENT"),
        ("SELECT sleep(1.5)", {"max_execution_time": "1"}, 408, 159, "TIMEOUT_EXCEEDED"),
    ],
)
def test_errors_have_clickhouses_text_code_and_status(http, statement, parameters, status, code, name):
    reply = http(statement, **parameters)
    assert (reply.status, reply.code) == (status, code)
    assert re.fullmatch(
        rf"Code: {code}\. DB::Exception: .*\({name}\) \(version [0-9.]+ \(official build\)\)\n", reply.text, re.S
    )


def test_an_error_never_shows_how_the_server_talks_to_its_engine(http):
    http("CREATE OR REPLACE TABLE strict (a UInt8) ENGINE = MergeTree ORDER BY a")
    replies = [http("SELECT 1 +"), http("INSERT INTO strict FORMAT CSV\nx\n"), http("SELECT throwIf(1) FORMAT JSON")]
    for reply in replies:
        assert reply.status >= 400
        assert "/proc/self" not in reply.text
        assert "OUTFILE" not in reply.text.replace("INTO OUTFILE,", "")


def test_get_only_reads(http):
    for statement in (
        "CREATE TABLE by_get (a Int8) ENGINE = Memory",
        "DROP TABLE figures",
        "INSERT INTO figures VALUES (1)",
    ):
        assert http(method="GET", query=statement).code == 164


def test_settings_hold_for_one_query_only(http):
    asked = "SELECT getSetting('max_block_size')"
    before = http(asked).text
    assert http(asked, max_block_size=123).text == "123\n"
    assert http(asked).text == before


def test_one_connection_serves_many_queries(warehouse):
    import http.client

    connection = http.client.HTTPConnection(warehouse.warehouse_host, warehouse.warehouse_port)
    for number in range(50):
        connection.request("POST", "/", f"SELECT {number}", {"Authorization": Http(warehouse).authorization})
        assert connection.getresponse().read() == f"{number}\n".encode()
    connection.close()


def test_roles_and_quota_keys_do_no_harm(http):
    assert http("SELECT 1", quota_key="somebody").text == "1\n"
    assert http("SELECT 1", role="nobody").code == 511
