"""Compressions of HTTP: `Content-Encoding` of requests, `Accept-Encoding` of answers."""

import zlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import brotli
import lz4.frame
import zstandard

from warehouse.server.body import Decoder
from warehouse.server.errors import ClickHouseError

#: Largest decoded piece, in bytes, where the library lets us choose.
PIECE = 1 << 20

#: Compressed bytes handed to libraries that give no bound on what comes out of them.
_SLICE = 1 << 12


class Encoder(Protocol):
    """Compresses an answer, piece by piece."""

    def encode(self, data: bytes) -> bytes:
        """What can be sent after taking `data`; may be empty."""
        ...

    def finish(self) -> bytes:
        """The rest, with the end mark of the compression."""
        ...


class ZlibDecoder:
    """gzip (also several members in a row) and deflate (with or without zlib's header)."""

    def __init__(self, window_bits: int) -> None:
        self._window_bits = window_bits
        self._stream = zlib.decompressobj(window_bits)
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """See Decoder."""
        while data:
            piece = self._decompress(data)
            self._begun = True
            if piece:
                yield piece
            data = self._stream.unconsumed_tail
            if self._stream.eof:
                data = self._stream.unused_data
                self._stream = zlib.decompressobj(self._window_bits)
                self._begun = False

    def _decompress(self, data: bytes) -> bytes:
        try:
            return self._stream.decompress(data, PIECE)
        except zlib.error as error:
            if self._window_bits == zlib.MAX_WBITS and not self._begun:  # deflate without the header
                self._window_bits = -zlib.MAX_WBITS
                self._stream = zlib.decompressobj(self._window_bits)
                return self._decompress(data)
            raise ClickHouseError(354, f"inflate failed: {error}") from error

    def finish(self) -> None:
        """See Decoder."""
        if self._begun:
            raise ClickHouseError(354, "inflate failed: unexpected end of the compressed body")


class SlicedDecoder:
    """Any library whose object knows `decompress` and `eof`: lz4 frames, zstd, brotli."""

    def __init__(
        self, make: Callable[[], Any], at_end: Callable[[Any], bool], failures: tuple[type[Exception], ...]
    ) -> None:
        self._make, self._at_end, self._failures = make, at_end, failures
        self._stream = make()
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """See Decoder."""
        for start in range(0, len(data), _SLICE):
            yield from self._slice(data[start : start + _SLICE])

    def _slice(self, data: bytes) -> Iterator[bytes]:
        while data:
            try:
                piece = (
                    self._stream.process if isinstance(self._stream, brotli.Decompressor) else self._stream.decompress
                )(data)
            except self._failures as error:
                raise ClickHouseError(271, f"Cannot decompress the request body: {error}") from error
            self._begun, data = True, b""
            if self._at_end(self._stream):
                data = getattr(self._stream, "unused_data", None) or b""
                self._stream, self._begun = self._make(), False
            if piece:
                yield piece

    def finish(self) -> None:
        """See Decoder."""
        if self._begun:
            raise ClickHouseError(271, "Cannot decompress the request body: it ends too early")


def decoder_for(name: str) -> Decoder | None:
    """The decoder of a `Content-Encoding`; None for none. Raises ClickHouseError 48 for an unknown one."""
    name = name.strip().lower()
    if name in ("", "identity"):
        return None
    if name not in _DECODERS:
        raise ClickHouseError(48, f"Unknown compression method '{name}' of the request body.", "NOT_IMPLEMENTED")
    return _DECODERS[name]()


_DECODERS: dict[str, Callable[[], Decoder]] = {
    "gzip": lambda: ZlibDecoder(zlib.MAX_WBITS | 16),
    "x-gzip": lambda: ZlibDecoder(zlib.MAX_WBITS | 16),
    "deflate": lambda: ZlibDecoder(zlib.MAX_WBITS),
    "lz4": lambda: SlicedDecoder(lz4.frame.LZ4FrameDecompressor, lambda stream: stream.eof, (RuntimeError, EOFError)),
    "zstd": lambda: SlicedDecoder(
        lambda: zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj(),
        lambda stream: stream.eof,
        (zstandard.ZstdError,),
    ),
    "br": lambda: SlicedDecoder(brotli.Decompressor, lambda stream: stream.is_finished(), (brotli.error,)),
}


class ZlibEncoder:
    """gzip or deflate."""

    def __init__(self, window_bits: int, level: int) -> None:
        self._stream = zlib.compressobj(level, zlib.DEFLATED, window_bits)

    def encode(self, data: bytes) -> bytes:
        """See Encoder."""
        return self._stream.compress(data)

    def finish(self) -> bytes:
        """See Encoder."""
        return self._stream.flush()


class Lz4Encoder:
    """lz4 frames."""

    def __init__(self) -> None:
        self._stream = lz4.frame.LZ4FrameCompressor(content_checksum=True)
        self._begun = False

    def encode(self, data: bytes) -> bytes:
        """See Encoder."""
        head = b"" if self._begun else self._stream.begin()
        self._begun = True
        return head + bytes(self._stream.compress(data))

    def finish(self) -> bytes:
        """See Encoder."""
        head = b"" if self._begun else self._stream.begin()
        return head + bytes(self._stream.flush())


class ZstdEncoder:
    """One zstd frame."""

    def __init__(self, level: int) -> None:
        self._stream = zstandard.ZstdCompressor(level=level).compressobj()

    def encode(self, data: bytes) -> bytes:
        """See Encoder."""
        return self._stream.compress(data)

    def finish(self) -> bytes:
        """See Encoder."""
        return self._stream.flush()


class BrotliEncoder:
    """One brotli stream."""

    def __init__(self, level: int) -> None:
        self._stream = brotli.Compressor(quality=level)

    def encode(self, data: bytes) -> bytes:
        """See Encoder."""
        return bytes(self._stream.process(data))

    def finish(self) -> bytes:
        """See Encoder."""
        return bytes(self._stream.finish())


#: Most wanted first, as a server chooses among what the client names (weights are not looked at there either).
_ENCODERS: dict[str, Callable[[int], Encoder]] = {
    "zstd": lambda level: ZstdEncoder(level),
    "br": lambda level: BrotliEncoder(level),
    "lz4": lambda level: Lz4Encoder(),
    "gzip": lambda level: ZlibEncoder(zlib.MAX_WBITS | 16, level),
    "deflate": lambda level: ZlibEncoder(zlib.MAX_WBITS, level),
}


def encoder_for(accepted: str, level: int) -> tuple[str, Encoder] | None:
    """Name and encoder of the best compression that an `Accept-Encoding` header names; None when it names none."""
    names = {
        item.partition(";")[0].strip().lower()
        for item in accepted.split(",")
        if item.partition(";")[2].strip() != "q=0"
    }
    for name, make in _ENCODERS.items():
        if name in names:
            return name, make(max(1, min(level, 9)))
    return None
