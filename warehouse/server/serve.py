"""Start and stop: one line that says what is wrong, or a server until SIGTERM."""

import getpass
import logging
import signal
import socket
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import uvicorn

from gtc.settings import Settings, load_settings
from gtc.settings.settings import SettingsError
from warehouse.server.app import build_app
from warehouse.server.authentication import Authentication
from warehouse.server.engine import Engine, EngineStartError
from warehouse.server.limits import Gate
from warehouse.server.lock import DirectoryInUseError, DirectoryLock
from warehouse.server.log_views import create_log_views
from warehouse.server.query import QueryEndpoint, Services
from warehouse.server.running import RunningQueries
from warehouse.server.session_log import SessionLog
from warehouse.server.sessions import SessionBook
from warehouse.server.users import HASHER, Accounts, UsersFileError, load_accounts

#: Seconds for which an idle connection is kept; the `Keep-Alive` header says the same.
KEEP_ALIVE = 30

#: Seconds that running queries get to end after SIGTERM before they are cancelled.
_GRACE = 5


class StartError(Exception):
    """The server cannot start; the text says why and what to do."""


def main(arguments: list[str]) -> int:
    """Serve, or with `hash` print the hash of a password for the users file. The exit code."""
    if arguments == ["hash"]:
        sys.stdout.write(HASHER.hash(getpass.getpass("password: ")) + "\n")
        return 0
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("uvicorn.error").addFilter(_not_our_own)
    try:
        serve(load_settings())
    except (SettingsError, StartError, UsersFileError, DirectoryInUseError, EngineStartError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def _not_our_own(record: logging.LogRecord) -> bool:
    """False for uvicorn's complaint about an answer without an end, which is how an error in mid-stream is told."""
    return "without completing response" not in record.getMessage()


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises StartError and its kin before the first request."""
    with DirectoryLock(settings.warehouse_dir):
        listener = _listen(settings.warehouse_host, settings.warehouse_port)
        with listener:
            accounts = load_accounts(settings)
            if not any(user.password_hash for user in accounts.users.values()):
                raise StartError("no user of the warehouse has a password; run `make setup` to create `.env`")
            _serve_on(listener, settings.warehouse_dir, accounts)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio turns Nagle's delay off; without it every kept-alive answer waits 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise StartError(
            f"cannot listen on {host}:{port}: {error.strerror}; "
            "run `gtc status` to see who holds the port, or set WAREHOUSE_PORT in `.env`"
        ) from None
    return listener


def _serve_on(listener: socket.socket, directory: Path, accounts: Accounts) -> None:
    engine = Engine(directory, accounts.users)
    session_log = SessionLog(engine)
    create_log_views(engine)
    spool = directory / "spool"
    spool.mkdir(exist_ok=True)
    most = accounts.limits.max_concurrent_queries or 256
    with ThreadPoolExecutor(most, "query") as pool, tempfile.TemporaryDirectory(dir=spool) as temporary:
        services = Services(
            engine,
            Authentication(accounts.users, session_log),
            Gate(accounts.limits),
            RunningQueries(engine),
            pool,
            Path(temporary),
            SessionBook(session_log),
        )
        config = uvicorn.Config(
            build_app(QueryEndpoint(services)),
            http="httptools",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=_GRACE,
        )
        for stop in (signal.SIGTERM, signal.SIGINT):
            signal.signal(stop, lambda *_: None)  # uvicorn raises it once more after a clean stop; status 0 is meant
        uvicorn.Server(config).run(sockets=[listener])
        services.sessions.close_all()
        session_log.flush()
    engine.close()
