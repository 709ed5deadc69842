"""Who asks: Basic authorisation, `X-ClickHouse-User`/`-Key`, or `user` and `password` in the URL."""

import base64
import binascii
import hashlib
import hmac
import secrets

from starlette.concurrency import run_in_threadpool

from warehouse.server.errors import ClickHouseError
from warehouse.server.request import QueryRequest
from warehouse.server.session_log import SessionLog
from warehouse.server.users import HASHER, User

_FAILED = "{name}: Authentication failed: password is incorrect, or there is no user with such name."


class Authentication:
    """Checks passwords against the users file and remembers what was right, so that argon2 runs once per password."""

    def __init__(self, users: dict[str, User], log: SessionLog | None = None) -> None:
        self._users, self._log = users, log
        self._salt = secrets.token_bytes(32)
        self._verified: dict[str, bytes] = {}
        self._nobody = User("", HASHER.hash(secrets.token_hex(16)))

    async def authenticate(self, request: QueryRequest) -> User:
        """The user of this request. Raises ClickHouseError 516, after the same time for an unknown name."""
        name, password = _credentials(request)
        user = self._users.get(name)
        fingerprint = hmac.digest(self._salt, f"{name}\0{password}".encode(), hashlib.sha256)
        known = self._verified.get(name)
        if user and known and hmac.compare_digest(known, fingerprint):
            return user
        if not await run_in_threadpool((user or self._nobody).owns, password) or user is None:
            if self._log:
                self._log.refused(name, "password is incorrect, or no such user", request.headers.get("user-agent", ""))
            raise ClickHouseError(516, _FAILED.format(name=name))
        self._verified[name] = fingerprint
        return user


def _credentials(request: QueryRequest) -> tuple[str, str]:
    """Name and password; ClickHouse refuses a mixture of ways."""
    headers, parameters = request.headers, request.parameters
    by_header = bool(headers.get("x-clickhouse-user") or headers.get("x-clickhouse-key"))
    by_basic = bool(headers.get("authorization"))
    by_parameter = "user" in parameters or "password" in parameters
    if by_header + by_basic + by_parameter > 1:
        raise ClickHouseError(
            516, "Invalid authentication: it is not allowed to use several ways of authentication at once."
        )
    if by_header:
        return headers.get("x-clickhouse-user") or "default", headers.get("x-clickhouse-key", "")
    if by_basic:
        return _basic(headers["authorization"])
    return parameters.get("user") or "default", parameters.get("password", "")


def _basic(value: str) -> tuple[str, str]:
    scheme, _, token = value.partition(" ")
    if scheme.lower() != "basic":
        raise ClickHouseError(516, f"Invalid authentication: '{scheme}' HTTP Authorization scheme is not supported")
    try:
        name, _, password = base64.b64decode(token.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise ClickHouseError(
            516, "Invalid authentication: the Authorization header is not base64 of user:password"
        ) from None
    return name or "default", password
