"""The engine itself as the judge of our SQL layer: in a process of its own, since a process has one data directory."""

import contextlib
import multiprocessing
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

Way = Literal["plain", "to_pipe", "from_pipe"]


@dataclass(frozen=True)
class Verdict:
    """What the engine said: its output, or its error text."""

    output: bytes
    error: str

    @property
    def accepted(self) -> bool:
        return not self.error

    @property
    def syntax_error(self) -> bool:
        return "SYNTAX_ERROR" in self.error


class Oracle:
    """Asks the engine; each question gets a fresh handle with a server's defaults."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def ask(self, sql: bytes, *, way: Way = "plain", data: bytes = b"", **settings: str) -> Verdict:
        """Run `sql` as it is, or as our layer writes it for a pipe."""
        self._connection.send((sql, way, data, settings))
        return Verdict(*self._connection.recv())


@contextlib.contextmanager
def running_oracle(directory: Path) -> Iterator[Oracle]:
    """An engine over `directory` for as long as the context lasts."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, str(directory)), daemon=True)
    process.start()
    try:
        yield Oracle(here)
    finally:
        here.send(None)
        process.join(20)


def _serve(connection: Connection, directory: str) -> None:
    import chdb

    from warehouse.server.default_database import DETACH_OVERLAY, OVERLAY, define_default_database

    config = Path(directory, "engine.xml")
    config.write_text(f"<clickhouse><default_database>{OVERLAY}</default_database></clickhouse>")
    define_default_database(Path(directory))
    directory = f"{directory}?config-file={config}"
    keeper = chdb.connect(directory)
    keeper.query(DETACH_OVERLAY)
    while (question := connection.recv()) is not None:
        sql, way, data, settings = question
        handle = chdb.connect(directory)
        try:
            for name, value in {"implicit_select": "0", "max_execution_time": "3", **settings}.items():
                handle.query(f"SET {name} = '{value}'")
            connection.send((_run(handle, sql, way, data), ""))
        except Exception as error:  # noqa: BLE001 the test judges every failure
            connection.send((b"", str(error) or repr(error)))
        finally:
            with contextlib.suppress(Exception):
                handle.close()
    keeper.close()


def _run(handle: Any, sql: bytes, way: Way, data: bytes) -> bytes:
    from warehouse.server.sql import parse

    if way == "plain":
        return bytes(handle.query(sql, "TSV").bytes() or b"")
    reading, writing = os.pipe()
    if way == "to_pipe":
        output: list[bytes] = []
        reader = threading.Thread(target=lambda: output.append(_drain(reading)))
        reader.start()
        try:
            handle.query(parse(sql).to_pipe(writing, "TSV"), "TSV")
        finally:
            os.close(writing)
            reader.join()
        return output[0]
    statement = parse(sql)
    writer = threading.Thread(target=_feed, args=(writing, (statement.inline_data or b"") + data))
    writer.start()
    try:
        handle.query(statement.from_pipe(reading), "Null")
    finally:
        os.close(reading)
        writer.join()
    return b""


def _drain(descriptor: int) -> bytes:
    with os.fdopen(descriptor, "rb") as stream:
        return stream.read()


def _feed(descriptor: int, data: bytes) -> None:
    with contextlib.suppress(BrokenPipeError), os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
