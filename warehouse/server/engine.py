"""The engine: one data directory, opened once; a fresh handle for every request."""

import shutil
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote as percent_encode

import chdb

from warehouse.server.default_database import DETACH_OVERLAY, define_default_database
from warehouse.server.engine_config import write_engine_config
from warehouse.server.errors import ClickHouseError
from warehouse.server.identity import MARK_OF_ROW


class EngineStartError(Exception):
    """The engine could not open its data directory."""


def quote(value: str) -> str:
    """A string literal of ClickHouse."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


class Engine:
    """chDB over one directory. Handles are cheap (0.1 ms) and share nothing, so nobody's settings leak."""

    def __init__(self, directory: Path, users: Iterable[str] = ()) -> None:
        data = directory / "data"
        data.mkdir(parents=True, exist_ok=True)
        # The engine keeps `system` in memory: what a former process logged is out of reach and would only pile up.
        shutil.rmtree(data / "data" / "system", ignore_errors=True)
        define_default_database(data)
        self._address = f"{data}?config-file={write_engine_config(directory, users)}"
        try:
            self._keeper = chdb.connect(self._address)  # the engine lives as long as one handle is open
            self._keeper.query(DETACH_OVERLAY, "Null")
        except Exception as error:
            raise EngineStartError(f"the engine cannot open {data}: {error}") from error
        self._control_lock = threading.Lock()
        self.version, self.timezone, self.host = self.rows("SELECT version(), timezone(), hostName()")[0]
        formats = self.rows("SELECT name, content_type FROM system.formats WHERE is_output")
        self.content_types: dict[str, str] = {name: content_type for name, content_type in formats}  # noqa: C416 - typed

    def fresh(self, settings: dict[str, str] | None = None) -> Any:
        """A new handle with the profile's defaults and `settings`, whose values must not contain `&`.

        Settings in the address cost nothing; the engine ignores an unknown one without a word, so they are for this
        layer's own, never for a client's.
        """
        chosen = "".join(f"&{name}={percent_encode(value, safe='')}" for name, value in (settings or {}).items())
        return chdb.connect(self._address + chosen)

    def rows(self, sql: str) -> list[list[str]]:
        """Ask something on the engine's own handle; fields come back as text without tabs or line ends."""
        with self._control_lock:
            text = bytes(self._keeper.query(sql, "TabSeparatedRaw").bytes() or b"").decode()
        return [line.split("\t") for line in text.splitlines()]

    def run(self, sql: str) -> None:
        """Do something on the engine's own handle."""
        with self._control_lock:
            self._keeper.query(sql, "Null")

    def kill(self, mark: str) -> bool:
        """Ask the query with this mark to stop; False when no such query runs (any more, or yet)."""
        return bool(self.rows(f"KILL QUERY WHERE {MARK_OF_ROW} = {quote(mark)} ASYNC"))

    def close(self) -> None:
        """Let the engine write what it holds and end."""
        self._keeper.close()


def engine_error(error: Exception) -> ClickHouseError:
    """The engine's exception as ClickHouse's error."""
    return ClickHouseError.from_engine(str(error))
