"""Random numbers and identifiers that depend on the seed and their purpose, never on the machine or on blocks."""

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
AnyArray = npt.NDArray[Any]

_HEX = np.array([f"{byte:02x}".encode() for byte in range(256)], dtype="S2")


def generator(seed: int, purpose: str, cell: int = 0) -> np.random.Generator:
    """A stream of its own for each purpose and cell of users."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_number(purpose), cell)))


def words(seed: int, purpose: str, keys: Ints) -> Words:
    """One 64-bit word for each key, never the same twice for one purpose: SplitMix64 (Steele, Lea, Flood 2014)."""
    start = np.uint64((_number(f"{purpose}/{seed}") | 1) & 0xFFFFFFFFFFFFFFFF)
    with np.errstate(over="ignore"):
        word = start + keys.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


def uuids(seed: int, purpose: str, keys: Ints) -> AnyArray:
    """UUIDs (version 4 by their bits) as an array of 16-byte rows, big-endian."""
    high = words(seed, f"{purpose}/high", keys)
    low = words(seed, f"{purpose}/low", keys)
    high = (high & np.uint64(0xFFFFFFFFFFFF0FFF)) | np.uint64(0x4000)
    low = (low & np.uint64(0x3FFFFFFFFFFFFFFF)) | np.uint64(0x8000000000000000)
    pairs = np.stack([high, low], axis=1).astype(">u8")
    return np.ascontiguousarray(pairs).view(np.uint8).reshape(-1, 16)


def hex_names(prefix: str, seed: int, purpose: str, keys: Ints) -> AnyArray:
    """Names such as `s3f…`, the prefix and 16 hexadecimal digits, as an array of equally long byte strings."""
    big_endian = words(seed, purpose, keys).astype(">u8").view(np.uint8).reshape(-1, 8)
    digits = np.ascontiguousarray(_HEX[big_endian]).view(np.uint8).reshape(-1, 16)
    names = np.empty((len(keys), len(prefix) + 16), dtype=np.uint8)
    names[:, : len(prefix)] = np.frombuffer(prefix.encode(), dtype=np.uint8)
    names[:, len(prefix) :] = digits
    return names.view(f"S{names.shape[1]}").reshape(-1) if len(keys) else np.empty(0, f"S{len(prefix) + 16}")


def pick(random: np.random.Generator, weights: "npt.ArrayLike", size: int) -> Ints:
    """Positions in `weights`, drawn in proportion to them."""
    cumulative = np.cumsum(np.asarray(weights, dtype=np.float64))
    chosen: Ints = np.searchsorted(cumulative, random.random(size) * cumulative[-1], side="right").astype(np.int64)
    return chosen


def repeat_ranges(counts: Ints) -> tuple[Ints, Ints]:
    """For counts [2, 0, 3]: the owner of each item [0 0 2 2 2], and its number within the owner [0 1 0 1 2]."""
    owners = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    starts = np.cumsum(counts) - counts
    return owners, np.arange(len(owners), dtype=np.int64) - starts[owners]


def _number(purpose: str) -> int:
    return int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:8], "big")
