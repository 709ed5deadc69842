"""Numpy columns as Arrow columns, in the types that the raw tables expect."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from simulator.draws import AnyArray, Ints

TIMESTAMP = pa.timestamp("ms", "UTC")
MONEY = pa.decimal128(18, 4)


def text(names: AnyArray) -> pa.Array:
    """Byte strings as text; short ones may be of unequal length."""
    return pa.array(names.tolist(), pa.binary()).cast(pa.string()) if _uneven(names) else _even_text(names)


def _uneven(names: AnyArray) -> bool:
    width = names.dtype.itemsize
    return len(names) == 0 or bool((names.view(np.uint8).reshape(len(names), width)[:, -1] == 0).any())


def _even_text(names: AnyArray) -> pa.Array:
    width = names.dtype.itemsize
    offsets = np.arange(len(names) + 1, dtype=np.int32) * width
    return pa.StringArray.from_buffers(len(names), pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(names)))


def chosen(names: pa.Array, rows: Ints) -> pa.Array:
    """One name for each row; row -1 is the empty text."""
    return pa.concat_arrays([names, pa.array([""], pa.string())]).take(pa.array(np.where(rows < 0, len(names), rows)))


def low(names: Sequence[str], codes: Ints) -> pa.Array:
    """Few different texts (LowCardinality), `codes` being positions in `names`; code -1 is the empty text."""
    different = list(dict.fromkeys([*names, ""]))  # ClickHouse refuses a dictionary with repeats
    place = np.array([different.index(name) for name in [*names, ""]], dtype=np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(place[codes]), pa.array(different, pa.string()))


def constant(value: str, count: int) -> pa.Array:
    """The same text in every row."""
    return low([value], np.zeros(count, dtype=np.int64))


def stamps(moments: Ints) -> pa.Array:
    """Milliseconds since 1970 as UTC time stamps."""
    return pa.array(moments.astype(np.int64)).cast(TIMESTAMP)


def ids(rows_of_16_bytes: AnyArray) -> pa.Array:
    """UUIDs as the 16 bytes that ClickHouse reads."""
    data = np.ascontiguousarray(rows_of_16_bytes)
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(data), [None, pa.py_buffer(data)])


def money(amounts: Ints) -> pa.Array:
    """1/10000 of a currency as Decimal(18, 4)."""
    pairs = np.stack([amounts, amounts >> 63], axis=1).astype(np.int64)
    return pa.Array.from_buffers(MONEY, len(amounts), [None, pa.py_buffer(np.ascontiguousarray(pairs))])


class Properties:
    """The map of each row, filled key by key."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.rows: list[Ints] = []
        self.keys: list[str] = []
        self.values: list[pa.Array] = []

    def add(self, rows: Ints, key: str, values: pa.Array) -> None:
        """Give these rows a key; `values` has one text for each of them."""
        self.rows.append(rows)
        self.keys.append(key)
        self.values.append(values)

    def build(self) -> pa.Array:
        """All maps; keys stand in the order in which they were added."""
        rows = np.concatenate([np.empty(0, dtype=np.int64), *self.rows])
        codes = np.repeat(np.arange(len(self.keys)), [len(r) for r in self.rows])
        order = np.argsort(rows, kind="stable")
        offsets = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=self.count))]).astype(np.int32)
        keys = pa.array([*self.keys, ""], pa.string()).take(pa.array(codes[order]))
        values = pa.concat_arrays([pa.array([], pa.string()), *self.values]).take(pa.array(order))
        return pa.MapArray.from_arrays(pa.array(offsets), keys, values)
