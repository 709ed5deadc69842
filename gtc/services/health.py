"""Is a service there, and who holds its port?"""

import socket

import psutil
import requests

from gtc.settings import Settings
from warehouse.client import WarehouseUnavailableError, connect


def warehouse_answers(settings: Settings) -> bool:
    """True when the warehouse at the configured address takes our password."""
    if not _is_open(settings.warehouse_host, settings.warehouse_port):
        return False
    try:
        connect(settings, connect_timeout=2, send_receive_timeout=10).close()
    except WarehouseUnavailableError:
        return False
    return True


def superset_answers(settings: Settings) -> bool:
    """True when Superset at the configured address says that it is well."""
    try:
        return requests.get(f"{settings.superset_url}/health", timeout=5).text == "OK"
    except requests.RequestException:
        return False


def holder_of_port(host: str, port: int) -> str:
    """`name, pid 123` of the program that listens there, empty when nobody does."""
    if not _is_open(host, port):
        return ""
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
            return f"{psutil.Process(connection.pid).name()}, pid {connection.pid}"
    return "program of another user"


def _is_open(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=2).close()
    except OSError:
        return False
    return True
