"""One process per data directory: an own lock file that says who holds it."""

import fcntl
import os
from pathlib import Path
from types import TracebackType


class DirectoryInUseError(Exception):
    """Another process serves this data directory; the text names it."""


class DirectoryLock:
    """Hold `<directory>/server.lock` while in the context; the kernel frees it however the process ends."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "server.lock"
        self._directory = directory

    def __enter__(self) -> "DirectoryLock":
        self._directory.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.seek(0)
            holder = self._file.read().strip() or "unknown"
            self._file.close()
            raise DirectoryInUseError(
                f"the data directory {self._directory} is in use by process {holder}; "
                "stop it with `make down`, or set another GTC_VAR_DIR"
            ) from None
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.truncate(0)
        self._file.close()
