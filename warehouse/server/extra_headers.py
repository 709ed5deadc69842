"""Headers that a client asks for: `http_response_headers` and `add_http_cors_header`."""

import re

from warehouse.server.errors import ClickHouseError
from warehouse.server.headers import RawHeaders
from warehouse.server.request import QueryRequest

_PAIR = re.compile(r"\s*'((?:[^'\\]|\\.)*)'\s*:\s*'((?:[^'\\]|\\.)*)'\s*(,|\})", re.DOTALL)
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")

#: Names that say how the body is to be read; a client that changed them could not read it.
_OURS = frozenset(["content-length", "transfer-encoding", "content-encoding", "connection"])


def extra_headers(request: QueryRequest, settings: dict[str, str]) -> RawHeaders:
    """What the URL and the statement's own SETTINGS ask for. Raises ClickHouseError 36 for what is no header."""
    chosen = {**request.settings, **settings}
    headers = _pairs(chosen.get("http_response_headers", ""))
    if request.headers.get("origin") and chosen.get("add_http_cors_header") in ("1", "true"):
        headers.append((b"Access-Control-Allow-Origin", b"*"))
    return headers


def overridden(headers: RawHeaders, extra: RawHeaders) -> RawHeaders:
    """All headers, where those the client chose take the place of equal names."""
    names = {name.lower() for name, _ in extra}
    return [(name, value) for name, value in headers if name.lower() not in names] + extra


def _pairs(literal: str) -> RawHeaders:
    """Read `{'name': 'value', …}`."""
    text = literal.strip()
    if not text or text == "{}":
        return []
    headers: RawHeaders = []
    position = 1
    while found := _PAIR.match(text, position):
        headers.append(_header(*(re.sub(r"\\(.)", r"\1", part) for part in found.groups()[:2])))
        position = found.end()
        if found[3] == "}":
            break
    if not text.startswith("{") or position != len(text):
        raise ClickHouseError(36, f"http_response_headers is not a map of names and values: {literal}")
    return headers


def _header(name: str, value: str) -> tuple[bytes, bytes]:
    raw = value.encode("utf-8", "surrogateescape").decode("latin-1")
    if not _NAME.fullmatch(name) or not _VALUE.fullmatch(raw) or name.lower() in _OURS:
        raise ClickHouseError(36, f"'{name}' cannot be sent as a header of the answer with this value")
    return name.encode(), raw.encode("latin-1")
