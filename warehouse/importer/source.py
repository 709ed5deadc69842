"""Opens what the user named: a file, a FIFO or standard input, packed or not, told apart by content."""

import gzip
import hashlib
import lzma
import shutil
import stat
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from warehouse.importer.errors import SourceError

#: Bytes read at a time.
BLOCK = 1 << 20

_MAGIC = {b"\x1f\x8b": "gz", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zst"}
#: What a damaged archive raises: gzip and lzma say EOFError when it ends too early, Arrow says OSError.
_DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError)


@dataclass(frozen=True)
class Source:
    """Content that can be read as often as needed. `name` is for people; `sha256`, `size` are of the unpacked bytes."""

    path: Path
    name: str
    packing: str
    sha256: str
    size: int

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """The unpacked bytes. Raises SourceError when the archive is damaged or the disk fails."""
        with _translated(self.name), _unpacked(self.path, self.packing) as stream:
            yield stream

    @contextmanager
    def seekable(self, folder: Path) -> Iterator[Path]:
        """A plain file with the unpacked bytes, for formats that read from the end."""
        if not self.packing:
            yield self.path
            return
        with _scratch(folder) as scratch, self.open() as stream:
            shutil.copyfileobj(stream, scratch, BLOCK)
            scratch.flush()
            yield Path(scratch.name)


@contextmanager
def open_source(file: str, folder: Path) -> Iterator[Source]:
    """Look at `file` (`-` is standard input) once from end to end: packing, hash, size, damage.

    What cannot be read twice (a pipe) is copied into `folder` first and removed afterwards. Raises SourceError.
    """
    if file == "-":
        with _spooled(sys.stdin.buffer, folder) as path:
            yield _examined(path, "standard input")
        return
    path = Path(file)
    mode = _mode(path)
    if stat.S_ISDIR(mode):
        raise SourceError(f"a directory, not a file: {file}")
    if stat.S_ISREG(mode):
        yield _examined(path, path.name)
        return
    with path.open("rb") as pipe, _spooled(pipe, folder) as copy:
        yield _examined(copy, path.name)


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except OSError as error:
        raise SourceError(f"cannot open the file: {path} ({error.strerror})") from None


@contextmanager
def _spooled(stream: IO[bytes], folder: Path) -> Iterator[Path]:
    with _scratch(folder) as scratch:
        try:
            shutil.copyfileobj(stream, scratch, BLOCK)
            scratch.flush()
        except OSError as error:
            raise SourceError(f"cannot keep a copy of the stream in {folder}: {error.strerror}") from None
        yield Path(scratch.name)


@contextmanager
def _scratch(folder: Path) -> Iterator[IO[bytes]]:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, prefix="import-") as scratch:
        yield scratch


def _examined(path: Path, name: str) -> Source:
    digest, size = hashlib.sha256(), 0
    with _translated(name):
        packing = _packing(path)
        with _unpacked(path, packing) as stream:
            while block := stream.read(BLOCK):
                digest.update(block)
                size += len(block)
    if not size:
        raise SourceError(f"the file is empty: {name}")
    return Source(path, name, packing, digest.hexdigest(), size)


def _packing(path: Path) -> str:
    with path.open("rb") as stream:
        head = stream.read(8)
    return next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), "")


@contextmanager
def _unpacked(path: Path, packing: str) -> Iterator[IO[bytes]]:
    opened: Any
    if packing == "gz":
        opened = gzip.open(path)  # noqa: SIM115 - closed below
    elif packing == "xz":
        opened = lzma.open(path)  # noqa: SIM115
    elif packing == "zst":  # Arrow's reader notices a missing end, python-zstandard's takes it for the end
        opened = pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")
    else:
        opened = path.open("rb")
    with opened as stream:
        yield stream


@contextmanager
def _translated(name: str) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise SourceError(f"the archive is damaged or ends too early: {name} ({error})") from None
    except PermissionError:
        raise SourceError(f"no permission to read the file: {name}") from None
    except OSError as error:
        if error.errno is None:  # Arrow: truncated or damaged stream
            raise SourceError(f"the archive is damaged or ends too early: {name} ({error})") from None
        raise SourceError(f"cannot read the file: {name} ({error.strerror})") from None
