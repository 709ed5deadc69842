"""What the tests with clickhouse-connect share: a scratch database, and tables that go away with their test."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from clickhouse_connect import get_client
from clickhouse_connect.driver.client import Client

from gtc.settings import Settings
from warehouse.client import connect


@contextmanager
def scratch_client(warehouse: Settings, **options: Any) -> Iterator[Client]:
    """A client as `etl` whose own database exists as long as the client does."""
    name = f"connect_{uuid.uuid4().hex[:12]}"
    with connect(warehouse) as opener:
        opener.command(f"CREATE DATABASE {name}")
        try:
            with get_client(
                **{"autogenerate_session_id": False, **address(warehouse), "database": name, **options}
            ) as client:
                yield client
        finally:
            opener.command(f"DROP DATABASE {name}")


@contextmanager
def scratch_table(client: Client, *columns: str, order_by: str = "tuple()", settings: str = "") -> Iterator[str]:
    """A MergeTree table with these columns, dropped at the end; the value is its name."""
    name = f"scratch_{uuid.uuid4().hex[:12]}"
    clause = f" SETTINGS {settings}" if settings else ""
    client.command(f"CREATE TABLE {name} ({', '.join(columns)}) ENGINE MergeTree ORDER BY {order_by}{clause}")
    try:
        yield name
    finally:
        client.command(f"DROP TABLE IF EXISTS {name}")


def address(settings: Settings) -> dict[str, Any]:
    """Where and as whom to connect, as keyword arguments of clickhouse-connect."""
    return {
        "host": settings.warehouse_host,
        "port": settings.warehouse_port,
        "username": settings.warehouse_user,
        "password": settings.warehouse_password.get_secret_value(),
    }
