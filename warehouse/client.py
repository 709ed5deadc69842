"""Connections to the warehouse, embedded or not, as every room opens them."""

import logging
from typing import Any, Literal

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from gtc.settings import Settings

Role = Literal["etl", "reader"]

# The driver logs every failure that it also raises; here it is raised once, in our words.
logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())


class WarehouseUnavailableError(Exception):
    """The warehouse did not answer or refused the user; the text says what to do."""


def connect(settings: Settings, role: Role = "etl", **options: Any) -> Client:
    """Open a client as `etl` (everything) or `reader` (read only).

    `options` go to `clickhouse_connect.get_client`. Sessions are off unless asked for, so that one client may serve
    several threads. Raises WarehouseUnavailableError.
    """
    reader = role == "reader"
    password = settings.warehouse_reader_password if reader else settings.warehouse_password
    address = {
        "host": settings.warehouse_host,
        "port": settings.warehouse_port,
        "secure": settings.warehouse_secure,
        "username": settings.warehouse_reader_user if reader else settings.warehouse_user,
        "password": password.get_secret_value(),
    }
    try:
        return clickhouse_connect.get_client(**{"autogenerate_session_id": False, **address, **options})
    except ClickHouseError as error:
        raise WarehouseUnavailableError(_advice(settings, role, str(error))) from error


def _advice(settings: Settings, role: Role, reason: str) -> str:
    address = f"{settings.warehouse_host}:{settings.warehouse_port}"
    if "AUTHENTICATION_FAILED" in reason or "Code: 516" in reason:
        name = "WAREHOUSE_READER_PASSWORD" if role == "reader" else "WAREHOUSE_PASSWORD"
        return f"the warehouse at {address} refused the password; compare {name} with `.env`"
    if "UNKNOWN_DATABASE" in reason:
        return f"the warehouse at {address} has no such database: {reason.splitlines()[0]}"
    return f"the warehouse at {address} does not answer; run `make up`, or set WAREHOUSE_HOST and WAREHOUSE_PORT"
