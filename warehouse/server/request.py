"""What a request asks for: the URL's parameters and headers, sorted into what each of them means."""

import re
import uuid
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from starlette.types import Scope

from warehouse.server.errors import ClickHouseError

#: Settings that the interface itself obeys and that are also handed to the engine, since clients read them back.
ALSO_SETTINGS = frozenset(
    [
        "enable_http_compression",
        "http_zlib_compression_level",
        "http_wait_end_of_query",
        "http_response_buffer_size",
        "send_progress_in_http_headers",
        "add_http_cors_header",
        "http_headers_progress_interval_ms",
    ]
)

#: Parameters that steer the HTTP interface; every other one is a setting (`param_*` apart).
RESERVED = (
    frozenset(
        [
            "query",
            "user",
            "password",
            "quota_key",
            "query_id",
            "stacktrace",
            "buffer_size",
            "wait_end_of_query",
            "session_id",
            "session_timeout",
            "session_check",
            "close_session",
            "client_protocol_version",
            "compress",
            "decompress",
            "database",
            "default_format",
            "role",
        ]
    )
    | ALSO_SETTINGS
)

_SETTING_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")


@dataclass
class QueryRequest:
    """One HTTP request for a query. `parameters` are the last values of the URL's (and form's) fields."""

    method: str
    headers: dict[str, str]
    parameters: dict[str, str]
    roles: list[str] = field(default_factory=list)
    query_id: str = ""
    broken_off: bool = False  # the answer ended with an error in mid-stream

    @classmethod
    def from_scope(cls, scope: Scope) -> "QueryRequest":
        """Read the ASGI scope; header names are lower case."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        request = cls(scope["method"], headers, {})
        request.add_parameters(_decode(scope["query_string"].decode("latin-1")))
        request.query_id = (
            request.parameters.get("query_id") or headers.get("x-clickhouse-query-id") or str(uuid.uuid4())
        )
        return request

    def add_parameters(self, pairs: list[tuple[str, str]]) -> None:
        """Take more parameters, such as the fields of a form; `role` may come several times."""
        for name, value in pairs:
            if name == "role":
                self.roles.append(value)
            elif name:
                self.parameters[name] = value
        given = self.parameters.get("query_id") or self.headers.get("x-clickhouse-query-id")
        self.query_id = given or self.query_id or str(uuid.uuid4())

    def flag(self, name: str, default: bool = False) -> bool:
        """A parameter that says yes or no. Raises ClickHouseError 36 for anything else."""
        value = self.parameters.get(name)
        if value is None or value == "":
            return default
        if value.lower() in ("1", "true"):
            return True
        if value.lower() in ("0", "false"):
            return False
        raise ClickHouseError(
            467, f"Cannot parse boolean value here: '{value}' of parameter {name}", "CANNOT_PARSE_BOOL"
        )

    def number(self, name: str, default: int) -> int:
        """A parameter that is a whole number, 0 or more. Raises ClickHouseError 72."""
        value = self.parameters.get(name)
        if value is None:
            return default
        if not value.isdecimal():
            raise ClickHouseError(
                72, f"Cannot parse unsigned number: '{value}' of parameter {name}", "CANNOT_PARSE_NUMBER"
            )
        return int(value)

    @property
    def database(self) -> str:
        """The database to start in; empty means the default one."""
        return self.headers.get("x-clickhouse-database") or self.parameters.get("database", "")

    @property
    def given_format(self) -> str | None:
        """The format that the request names for a statement which names none."""
        return self.headers.get("x-clickhouse-format") or self.parameters.get("default_format") or None

    @property
    def default_format(self) -> str:
        """The output format of a query that names none."""
        return self.given_format or "TabSeparated"

    @property
    def query_parameters(self) -> dict[str, str]:
        """Values for `{name:Type}`, as the engine wants them: URL-decoded, still escaped as in TSV."""
        return {name[6:]: value for name, value in self.parameters.items() if name.startswith("param_")}

    @property
    def settings(self) -> dict[str, str]:
        """Everything else is a setting. Raises ClickHouseError 115 for what cannot be the name of one."""
        chosen = {
            name: value
            for name, value in self.parameters.items()
            if (name not in RESERVED or name in ALSO_SETTINGS) and not name.startswith("param_")
        }
        for name in chosen:
            if not _SETTING_NAME.fullmatch(name):
                raise ClickHouseError(115, f"Unknown setting '{name}'.")
        return chosen

    @property
    def waits_for_the_end(self) -> bool:
        """True when the whole result is to be kept back until it is complete."""
        return self.flag("wait_end_of_query") or self.flag("http_wait_end_of_query")


def _decode(query_string: str) -> list[tuple[str, str]]:
    """Split a query string; a value that is not UTF-8 keeps its bytes as surrogates."""
    pairs = (piece.partition("=") for piece in query_string.split("&") if piece)
    return [
        (unquote_plus(name, errors="surrogateescape"), unquote_plus(value, errors="surrogateescape"))
        for name, _, value in pairs
    ]
