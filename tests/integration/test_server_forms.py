"""Multipart forms: queries, parameters and external tables."""

import pytest
from server_http import Http

BOUNDARY = "a-boundary-of-the-test"


def form(*parts: tuple[str, str | None, bytes]) -> bytes:
    """Parts are name, file name (None for a field) and content."""
    text = b""
    for name, file_name, content in parts:
        file = f'; filename="{file_name}"' if file_name else ""
        text += (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + content + b"\r\n"
        )
    return text + f"--{BOUNDARY}--\r\n".encode()


HEADERS = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


@pytest.fixture(params=["etl", "reader"])
def http(request, warehouse):
    return Http(warehouse, request.param)


def test_query_and_parameters_may_be_fields(http):
    body = form(
        ("query", None, b"SELECT {a:Int32} + 1, {b:String}"), ("param_a", None, b"41"), ("param_b", None, b"\xc3\xa9")
    )
    assert http(body, headers=HEADERS).text == "42\té\n"


def test_a_file_is_a_table_for_this_query(http):
    body = form(("fruit", "fruit.csv", b"1,apple\n2,pear\n"))
    described = {"fruit_format": "CSV", "fruit_structure": "id UInt8, name String"}
    reply = http(body, headers=HEADERS, query="SELECT name FROM fruit ORDER BY id DESC", **described)
    assert reply.text == "pear\napple\n"
    assert http("SELECT * FROM fruit").status == 404


def test_types_give_numbered_columns(http):
    body = form(("t", "t", b"7\t(1,'x')\n"))
    reply = http(body, headers=HEADERS, query="SELECT _1, _2.2 FROM t", t_types="UInt8,Tuple(a Int8, b String)")
    assert reply.text == "7\tx\n"


def test_several_tables_and_a_large_one(http):
    numbers = b"".join(b"%d\n" % number for number in range(300_000))
    body = form(("a", "a", numbers), ("b", "b", b"1\n2\n"), ("c", "c", b""))
    sql = "SELECT (SELECT count() FROM a), (SELECT count() FROM b), (SELECT count() FROM c)"
    reply = http(
        body, headers=HEADERS, query=sql, a_structure="n UInt32", b_structure="n UInt32", c_structure="n UInt32"
    )
    assert reply.text == "300000\t2\t0\n"


def test_a_form_does_not_lift_read_only(warehouse):
    reader = Http(warehouse, "reader")
    body = form(("t", "t", b"1\n"), ("query", None, b"CREATE TABLE made_by_form (a Int8) ENGINE = Memory"))
    assert reader(body, headers=HEADERS, t_structure="n UInt8").code == 164
    sealed = reader(
        form(("t", "t", b"1\n")), headers=HEADERS, t_structure="n UInt8", query="SELECT getSetting('readonly')"
    )
    assert sealed.text == "1\n"


def test_a_table_without_structure_is_refused(http):
    assert http(form(("t", "t", b"1\n")), headers=HEADERS, query="SELECT * FROM t").code == 36


@pytest.mark.parametrize("name", ["a b", "a`b", "1a", "a;drop"])
def test_a_table_with_an_impossible_name_is_refused(http, name):
    assert (
        http(form((name, "t", b"1\n")), headers=HEADERS, query="SELECT 1", **{f"{name}_structure": "n UInt8"}).code
        == 36
    )


def test_data_that_do_not_fit_the_structure_are_refused(http):
    reply = http(form(("t", "t", b"word\n")), headers=HEADERS, query="SELECT * FROM t", t_structure="n UInt8")
    assert reply.status == 400
    assert "/proc/self" not in reply.text


def test_a_form_without_its_end_is_not_answered_with_rows(warehouse):
    http = Http(warehouse)
    body = form(("t", "t", b"1\n2\n"))[:-10]
    assert http(body, headers=HEADERS, query="SELECT count() FROM t", t_structure="n UInt8").code == 36
