"""Writes a statement so that its rows go into, or its data come from, a file descriptor of the server process.

The engine in the wheel has no network side; `/proc/self/fd/N` is how it streams any format (see the decision record).
"""

from warehouse.server.sql.errors import syntax_error
from warehouse.server.sql.statement import Statement

_SELECTS = (b"SELECT", b"WITH", b"FROM")


def to_pipe(statement: Statement, fd: int, default_format: str) -> bytes:
    """The statement with `INTO OUTFILE … FORMAT …` where the engine's grammar wants it."""
    text, tail = statement.text, statement.tail
    target = b" INTO OUTFILE '/proc/self/fd/%d' TRUNCATE FORMAT %s" % (fd, _name(tail.format or default_format))
    body = text[: tail.body_end]
    if tail.settings_span is None:
        return body + target
    settings = text[slice(*tail.settings_span)]
    return body + target + b" " + settings


def from_pipe(statement: Statement, fd: int, compression: str | None, default_format: str | None) -> bytes:
    """The insert with `FROM INFILE`, or with `file()` where it reads `input()`."""
    data_format = statement.format or default_format
    if data_format is None:
        raise syntax_error("INSERT with input() needs FORMAT and data")
    if statement.input_call is not None:
        return _from_input(statement, fd, compression, data_format)
    packed = b" COMPRESSION '%s'" % compression.encode("ascii") if compression else b""
    span = statement.tail.settings_span
    settings = b" " + statement.text[slice(*span)] if span else b""
    return (
        statement.text[: statement.tail.body_end]
        + b" FROM INFILE '/proc/self/fd/%d'" % fd
        + packed
        + settings
        + b" FORMAT "
        + _name(data_format)
    )


def _from_input(statement: Statement, fd: int, compression: str | None, data_format: str) -> bytes:
    assert statement.input_call is not None
    start, end, structure = statement.input_call
    packed = b", '%s'" % compression.encode("ascii") if compression else b""
    source = b"file('/proc/self/fd/%d', '%s', %s%s)" % (fd, data_format.encode(), structure, packed)
    return statement.text[:start] + source + statement.text[end : statement.tail.body_end]


def _name(written: str) -> bytes:
    """A format name as an identifier of the grammar, quoted unless it is a plain word."""
    if written.isascii() and written.isalnum():
        return written.encode()
    return b"`" + written.encode().replace(b"\\", b"\\\\").replace(b"`", b"\\`") + b"`"
