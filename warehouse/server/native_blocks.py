"""Native format as a client of a given protocol version reads it: block by block, each with its information.

A server puts 8 bytes in front of every block and names the zone of `DateTime('zone')` from revision 54337 on
(src/Formats/NativeWriter.cpp, src/Core/ProtocolDefines.h). The engine in the wheel writes the format of revision 0,
so both are added here. Revisions from 54452 on change what stands inside of a block and are refused.
"""

import contextlib
import os
import re
from collections.abc import Callable, Iterable
from typing import Any

from warehouse.server.errors import ClickHouseError

#: First revision whose blocks this layer cannot write: versions of aggregate states stand in the types.
TOO_NEW = 54452

#: First revision in which the type of a time names its zone.
_WITH_ZONES = 54337

#: What a server writes in front of a block: field 1 is_overflows = 0, field 2 bucket_num = -1, end of fields.
BLOCK_INFORMATION = b"\x01\x00\x02\xff\xff\xff\xff\x00"

_BARE_TIME = b"\x08DateTime"
_ZONED_TIME = re.compile(r"DateTime\('[^']*'\)")

#: Names and types of the columns of a result, in order.
Columns = list[tuple[str, str]]


def check_revision(revision: int) -> None:
    """Raise ClickHouseError 36 for a protocol version whose blocks cannot be written."""
    if revision >= TOO_NEW:
        raise ClickHouseError(
            36, f"client_protocol_version {revision} is not spoken here; the highest is {TOO_NEW - 1}"
        )


class BlockWriter:
    """Turns blocks of revision 0 into those of `revision`; `describe` tells the columns when a zone may be missing."""

    def __init__(self, revision: int, describe: Callable[[], Columns]) -> None:
        self._zones: list[tuple[bytes, bytes]] | None = None if revision >= _WITH_ZONES else []
        self._describe = describe

    def convert(self, block: bytes) -> bytes:
        """One block, with its information in front and the zones of its columns."""
        if self._zones is None and _BARE_TIME in block:
            self._zones = list(_headers(self._describe()))
        for bare, zoned in self._zones or []:
            # A text in the data may equal a header; then nobody knows which is which, and the bare type is right too.
            if block.count(bare) == 1:
                block = block.replace(bare, zoned)
        return BLOCK_INFORMATION + block


def _headers(columns: Columns) -> Iterable[tuple[bytes, bytes]]:
    """Each column of a zoned time: its header as the engine writes it, and as it should be."""
    for name, kind in columns:
        if _ZONED_TIME.fullmatch(kind):
            start = _text(name.encode("utf-8", "surrogateescape"))
            yield start + _BARE_TIME, start + _text(kind.encode())


def _text(value: bytes) -> bytes:
    """A string of Native format: its length as VarUInt, then its bytes."""
    length, size = b"", len(value)
    while size > 0x7F:
        length += bytes([size & 0x7F | 0x80])
        size >>= 7
    return length + bytes([size]) + value


def write_stream(
    handle: Any, text: bytes, parameters: dict[str, str], writer: BlockWriter, descriptor: int
) -> tuple[int, int]:
    """Run a SELECT and write its blocks into `descriptor`; gives rows and bytes of the result.

    Raises the engine's exception, and BrokenPipeError when nobody reads any more.
    """
    rows = size = 0
    stream = handle.send_query(text, "Native", params=parameters)
    try:
        while (chunk := stream.fetch()) is not None:
            block = bytes(chunk.bytes() or b"")
            if not block:
                break
            rows, size = rows + chunk.rows_read(), size + chunk.bytes_read()
            write_all(descriptor, writer.convert(block))
    except BrokenPipeError:
        stream.cancel()
        raise
    finally:
        with contextlib.suppress(Exception):  # a stream that failed may refuse to close; its handle is thrown away
            stream.close()
    return rows, size


def write_result(result: Any, writer: BlockWriter | None, descriptor: int) -> None:
    """Write a whole result. With a `writer` it must be one block, such as that of SHOW, else ClickHouseError 48."""
    block = bytes(result.bytes() or b"")
    if writer is None or not block:
        write_all(descriptor, block)
        return
    if _rows_of_first_block(block) != result.rows_read():
        raise ClickHouseError(
            48, "this result has several blocks: ask without client_protocol_version", "NOT_IMPLEMENTED"
        )
    write_all(descriptor, writer.convert(block))


def _rows_of_first_block(block: bytes) -> int:
    _, position = _number(block, 0)
    return _number(block, position)[0]


def _number(data: bytes, position: int) -> tuple[int, int]:
    """A VarUInt and the position behind it."""
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, position


def write_all(descriptor: int, data: bytes) -> None:
    """Write everything into a blocking pipe."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
