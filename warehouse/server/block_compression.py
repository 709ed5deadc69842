"""ClickHouse's own compressed blocks (`compress=1`, `decompress=1`).

A block is a 16-byte CityHash128 (version 1.0.2) of all that follows, one byte for the method, the compressed size with
these nine bytes and the raw size as UInt32, then the data (ClickHouse: docs/en/development/… "Compression", class
CompressedReadBufferBase).
"""

import struct
from collections.abc import Iterator

import lz4.block
import zstandard
from clickhouse_cityhash.cityhash import CityHash128

from warehouse.server.errors import ClickHouseError

_LZ4, _ZSTD, _NONE = 0x82, 0x90, 0x02
_CHECKSUM_SIZE = 16
_HEADER = struct.Struct("<BII")

#: Raw bytes of a block that this layer writes; the size that ClickHouse's buffer has.
BLOCK = 1 << 20

#: Largest block that is accepted (ClickHouse: DBMS_MAX_COMPRESSED_SIZE).
_LARGEST = 1 << 30


def _checksum(data: bytes) -> bytes:
    number: int = CityHash128(data)
    high, low = divmod(number, 1 << 64)
    return high.to_bytes(8, "little") + low.to_bytes(8, "little")


def pack_block(raw: bytes) -> bytes:
    """One lz4 block with its checksum."""
    packed = lz4.block.compress(raw, store_size=False)
    body = _HEADER.pack(_LZ4, len(packed) + _HEADER.size, len(raw)) + packed
    return b"".join((_checksum(body), body))


class BlockEncoder:
    """Writes blocks of up to 1 MiB."""

    def encode(self, data: bytes) -> bytes:
        """Blocks that hold all of `data`."""
        return b"".join(pack_block(data[start : start + BLOCK]) for start in range(0, len(data), BLOCK))

    def finish(self) -> bytes:
        """Nothing: the format has no end mark."""
        return b""


class BlockDecoder:
    """Reads blocks; refuses a wrong checksum and a block that is cut off."""

    def __init__(self, *, check: bool = True) -> None:
        self._check = check
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Raw data of every complete block. Raises ClickHouseError 40, 271 or 432."""
        self._rest += data
        head = _CHECKSUM_SIZE + _HEADER.size
        while len(self._rest) >= head:
            method, packed_size, raw_size = _HEADER.unpack_from(self._rest, _CHECKSUM_SIZE)
            if not _HEADER.size <= packed_size <= _LARGEST or raw_size > _LARGEST:
                raise ClickHouseError(271, "Cannot decompress: the sizes in the head of the block are not possible")
            end = _CHECKSUM_SIZE + packed_size
            if len(self._rest) < end:
                return
            block = bytes(self._rest[:end])
            del self._rest[:end]
            yield self._unpack(method, block, raw_size)

    def _unpack(self, method: int, block: bytes, raw_size: int) -> bytes:
        body = block[_CHECKSUM_SIZE:]
        if self._check and _checksum(body) != block[:_CHECKSUM_SIZE]:
            raise ClickHouseError(40, "Checksum doesn't match: corrupted data.")
        packed = body[_HEADER.size :]
        try:
            raw = _unpack_data(method, packed, raw_size)
        except (lz4.block.LZ4BlockError, zstandard.ZstdError) as error:
            raise ClickHouseError(271, f"Cannot decompress: {error}") from error
        if len(raw) != raw_size:
            raise ClickHouseError(271, f"Cannot decompress: {len(raw)} bytes instead of {raw_size}")
        return raw

    def finish(self) -> None:
        """Raise ClickHouseError 271 when the last block is not complete."""
        if self._rest:
            raise ClickHouseError(271, "Cannot decompress: the last block is cut off")


def _unpack_data(method: int, packed: bytes, raw_size: int) -> bytes:
    if method == _LZ4:
        return bytes(lz4.block.decompress(packed, uncompressed_size=raw_size))
    if method == _ZSTD:
        return zstandard.ZstdDecompressor().decompress(packed, max_output_size=raw_size)
    if method == _NONE:
        return packed
    raise ClickHouseError(432, f"Unknown codec family code: {method}")
