"""Where the limits of requests count, on a machine without Redis: one file for all processes of the server.

Flask-Limiter counts in the memory of each process otherwise, and a guesser of passwords would get as many limits
as there are processes.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import unquote, urlparse

from limits.storage import Storage

#: Fixed windows: how often a key was hit since the window began, and when the window ends, in seconds since 1970.
TABLE = "create table if not exists hits (key text primary key, count integer not null, ends real not null)"

#: Windows that are over begin again with the first hit after them.
HIT = """
insert into hits (key, count, ends) values (:key, :amount, :ends)
on conflict (key) do update set count = count + :amount
returning count
"""


class FileStorage(Storage):  # type: ignore[misc]
    """Counters of the `limits` package in a SQLite file; its address is `shared-file:///path`."""

    STORAGE_SCHEME = ["shared-file"]  # noqa: RUF012  # the package reads it as a list

    def __init__(self, uri: str, wrap_exceptions: bool = False, **options: object) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions, **options)
        self.path = Path(unquote(urlparse(uri).path))
        with self._counters() as counters:
            counters.execute("pragma journal_mode = wal")
            counters.execute(TABLE)

    @property
    def base_exceptions(self) -> type[Exception]:
        """What the package may take for a storage that does not answer."""
        return sqlite3.Error

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count `amount` hits of a key in its window of `expiry` seconds; how many there are now."""
        now = time.time()
        with self._counters() as counters:
            counters.execute("begin immediate")
            counters.execute("delete from hits where ends <= ?", [now])
            [(count,)] = counters.execute(HIT, {"key": key, "amount": amount, "ends": now + expiry}).fetchall()
        return int(count)

    def get(self, key: str) -> int:
        """Hits of a key in the window that runs."""
        with self._counters() as counters:
            found = counters.execute("select count from hits where key = ? and ends > ?", [key, time.time()]).fetchone()
        return int(found[0]) if found else 0

    def get_expiry(self, key: str) -> float:
        """When the window of a key ends; now, where none runs."""
        now = time.time()
        with self._counters() as counters:
            found = counters.execute("select ends from hits where key = ? and ends > ?", [key, now]).fetchone()
        return float(found[0]) if found else now

    def check(self) -> bool:
        """Whether the file answers."""
        with self._counters() as counters:
            counters.execute("select 1 from hits limit 1")
        return True

    def reset(self) -> int:
        """Forget all; how many keys there were."""
        with self._counters() as counters:
            return counters.execute("delete from hits").rowcount

    def clear(self, key: str) -> None:
        """Forget one key."""
        with self._counters() as counters:
            counters.execute("delete from hits where key = ?", [key])

    @contextmanager
    def _counters(self) -> Iterator[sqlite3.Connection]:
        """The file, open for one transaction. What a crash of the machine loses of it, nobody misses."""
        with closing(sqlite3.connect(self.path, timeout=10)) as counters:
            counters.execute("pragma synchronous = off")
            with counters:
                yield counters
