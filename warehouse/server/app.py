"""The ASGI application: health checks and queries under the paths of ClickHouse's HTTP interface."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from warehouse.server.query import QueryEndpoint

_UNKNOWN_PATH = """\
There is no handle {path}

Use / or /ping for health checks.
Or /replicas_status for more sophisticated health checks.

Send queries from your program with POST method or GET /?query=...

Use clickhouse-client:

For interactive data analysis:
    clickhouse-client

For batch query processing:
    clickhouse-client --query='SELECT 1' > result
    clickhouse-client < query > result
"""

_METHODS = ["GET", "HEAD", "POST"]


def build_app(endpoint: QueryEndpoint) -> Starlette:
    """The application over one query endpoint."""
    return Starlette(
        routes=[
            Route("/", _options, methods=["OPTIONS"]),
            Route("/", endpoint, methods=_METHODS),
            Route("/query", endpoint, methods=_METHODS),
            Route("/ping", _ok, methods=["GET", "HEAD"]),
            Route("/replicas_status", _ok, methods=["GET", "HEAD"]),
        ],
        exception_handlers={404: _unknown_path},
    )


async def _options(request: Request) -> Response:
    return Response(status_code=204, headers={"Allow": ", ".join([*_METHODS, "OPTIONS"])})


async def _ok(request: Request) -> Response:
    return Response("Ok.\n", media_type="text/html; charset=UTF-8")


async def _unknown_path(request: Request, error: Exception) -> Response:
    return PlainTextResponse(_UNKNOWN_PATH.format(path=request.url.path), 404)
