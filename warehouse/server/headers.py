"""The headers of an answer, as ClickHouse's HTTP interface names them."""

import json
import secrets
from base64 import b32encode

from warehouse.server.engine import Engine
from warehouse.server.execution import Figures

RawHeaders = list[tuple[bytes, bytes]]

TAG_LENGTH = 16


def exception_tag() -> str:
    """Sixteen random letters that no client data can foresee."""
    # One look into the system's random source, which takes 0.06 ms; a letter at a time took a millisecond an answer.
    return b32encode(secrets.token_bytes(TAG_LENGTH * 5 // 8)).decode().lower()


def summary(figures: Figures) -> str:
    """The value of `X-ClickHouse-Summary`; ClickHouse writes numbers as strings."""
    return json.dumps({name: str(value) for name, value in vars(figures).items()}, separators=(",", ":"))


def common_headers(engine: Engine, query_id: str, timezone: str = "") -> RawHeaders:
    """What every answer to a query carries; `timezone` is that of the session where it is not the server's."""
    return [
        (b"X-ClickHouse-Server-Display-Name", engine.host.encode()),
        (b"X-ClickHouse-Query-Id", query_id.encode("utf-8", "surrogateescape")),
        (b"X-ClickHouse-Timezone", (timezone or engine.timezone).encode("utf-8", "replace")),
        (b"Keep-Alive", b"timeout=30, max=9999"),
    ]


def exception_block(tag: str, text: str) -> bytes:
    """What stands at the end of a body whose query failed after the first bytes were sent.

    The length counts the message with its line end (ClickHouse 25.11 and later).
    """
    message = text.rstrip("\n").encode() + b"\n"
    frame = f"__exception__\r\n{tag}\r\n".encode()
    return b"\r\n" + frame + message + f"{len(message)} {tag}\r\n__exception__\r\n".encode()
