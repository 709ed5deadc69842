"""Reading the engine's error texts."""

import pytest

from warehouse.server.errors import ClickHouseError


@pytest.mark.parametrize(
    ("text", "code", "name", "message"),
    [
        ("Code: 60. DB::Exception: No table x. (UNKNOWN_TABLE)", 60, "UNKNOWN_TABLE", "No table x."),
        ("Code: 60. DB::Exception: No table x. (UNKNOWN_TABLE) (version 26.9.2.1)", 60, "UNKNOWN_TABLE", "No table x."),
        ("Code: 1. DB::Exception: Code: 1. DB::Exception: Twice. (A_B)", 1, "A_B", "Twice."),
        (
            "Code: 107. DB::Exception: Code: 107. DB::ErrnoException: Gone. (NO_FILE) (version 26.9.2.1). (NO_FILE)",
            107,
            "NO_FILE",
            "Gone.",
        ),
        (
            "Streaming query failed: Code: 241. DB::Exception: Memory (total) exceeded. (MEMORY_LIMIT_EXCEEDED)",
            241,
            "MEMORY_LIMIT_EXCEEDED",
            "Memory (total) exceeded.",
        ),
        ("Code: 279. DB::Exception: All failed: Code: 210. DB::NetException: refused (NET). (ALL)", 279, "ALL", None),
        ("Code: 62. DB::Exception: Line one\nline two. (SYNTAX_ERROR)", 62, "SYNTAX_ERROR", "Line one\nline two."),
        ("something else", 1002, "UNKNOWN_EXCEPTION", "something else"),
    ],
)
def test_code_name_and_message_are_told_apart(text, code, name, message):
    error = ClickHouseError.from_engine(text)
    assert (error.code, error.name) == (code, name)
    assert message is None or error.message == message


def test_clauses_that_this_layer_added_are_taken_out():
    error = ClickHouseError.from_engine(
        "Code: 1. DB::Exception: In SELECT 1 INTO OUTFILE '/proc/self/fd/12' TRUNCATE FORMAT TSV and "
        "INSERT INTO t FROM INFILE '/proc/self/fd/9' COMPRESSION 'gz' FORMAT CSV: (in file/uri /proc/self/fd/9). (A)"
    )
    assert "/proc" not in error.message


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("SYNTAX_ERROR", 400),
        ("AUTHENTICATION_FAILED", 403),
        ("ACCESS_DENIED", 403),
        ("UNKNOWN_TABLE", 404),
        ("TIMEOUT_EXCEEDED", 408),
        ("NOT_IMPLEMENTED", 501),
        ("CANNOT_SCHEDULE_TASK", 503),
        ("MEMORY_LIMIT_EXCEEDED", 500),
        ("TOO_MANY_SIMULTANEOUS_QUERIES", 500),
    ],
)
def test_the_status_is_clickhouses(name, status):
    assert ClickHouseError(1, "x", name).http_status == status


def test_the_text_carries_the_version_as_a_servers_does():
    text = ClickHouseError(81, "No database x.").text("26.9.2.1")
    assert text == "Code: 81. DB::Exception: No database x. (UNKNOWN_DATABASE) (version 26.9.2.1 (official build))\n"
