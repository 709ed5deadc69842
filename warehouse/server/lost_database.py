"""A session whose own database was dropped.

ClickHouse lets it go on: only names without a database fail. The engine in the wheel answers everything on such a
handle with error 81, even USE. So a new handle is opened, in `default`, and whatever might read or write there by a
name without a database is answered with error 81 here, until the session chooses another database or its own is back.
"""

from typing import Any

from warehouse.server.engine import engine_error
from warehouse.server.errors import ClickHouseError
from warehouse.server.sql import Kind, Statement

UNKNOWN_DATABASE = 81

_OF_DATABASES = (b"DATABASE", b"SCHEMA", b"DATABASES")
_READS = (b"FROM", b"JOIN", b"TABLE", b"IN", b"DESCRIBE", b"DESC", b"EXISTS", b"SHOW")


def is_about_databases(statement: Statement) -> bool:
    """`DROP DATABASE x`, `CREATE DATABASE x AS …` and their kin: the current database means nothing to them."""
    found = statement.tokens
    return len(found) > 1 and found[1].word in _OF_DATABASES


def needs_no_database(statement: Statement) -> bool:
    """Whether the statement means the same in every current database."""
    if statement.kind in (Kind.USE, Kind.SET, Kind.KILL) or is_about_databases(statement):
        return True
    return statement.kind is Kind.SELECT and not any(token.word in _READS for token in statement.tokens)


def is_dead(handle: Any) -> bool:
    """Whether the handle's current database is gone, and with it every answer."""
    try:
        handle.query("SELECT 1", "Null")
    except Exception as error:  # noqa: BLE001 - the binding raises many kinds
        return engine_error(error).code == UNKNOWN_DATABASE
    return False


def is_back(handle: Any, database: str) -> bool:
    """Make `database` the current one again, if somebody created it anew."""
    name = database.replace("\\", "\\\\").replace("`", "\\`")
    try:
        handle.query(f"USE `{name}`".encode("utf-8", "surrogateescape"), "Null")
    except Exception as raised:
        error = engine_error(raised)
        if error.code != UNKNOWN_DATABASE:
            raise error from raised
        return False
    return True


def unknown(database: str) -> ClickHouseError:
    """The answer to a name that would have been looked up in `database`."""
    return ClickHouseError(UNKNOWN_DATABASE, f"Database {database} does not exist.")
