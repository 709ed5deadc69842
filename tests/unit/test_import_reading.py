"""Readers without a warehouse: lines, records, blocks. The oracle is Python's csv module over the whole text."""

import csv
import io
from collections.abc import Iterator
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.importer import text as text_module
from warehouse.importer.batch import Reject
from warehouse.importer.delimited import Delimited, Dialect
from warehouse.importer.jsonl import JsonLines
from warehouse.importer.text import read_lines

# A short text full of control characters is taken for a binary file, on purpose; those that text has are kept.
CONTROLS = "".join(chr(code) for code in range(32) if chr(code) not in "\t\n\r\f")
FIELDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=f"{CONTROLS}\ufeff"), max_size=8)


@pytest.fixture(params=[1, 3, 7, 64, 1 << 20], ids=lambda size: f"block{size}")
def block(request: pytest.FixtureRequest) -> Iterator[int]:
    """Bytes read at a time: every record is cut by the end of a block somewhere."""
    with mock.patch.object(text_module, "BLOCK", request.param):
        yield request.param


def read(content: bytes, dialect: Dialect | None = None) -> tuple[list[tuple[int, tuple[str, ...]]], list[Reject]]:
    """Line numbers and fields of all rows, and the rejects."""
    reader = Delimited(io.BytesIO(content), "test.csv", "utf-8", dialect or Dialect(), None)
    rows, rejects = [], list[Reject]()
    for batch in reader.batches():
        columns = [column.to_pylist() for column in batch.columns]
        rows += list(zip(batch.lines, zip(*columns, strict=True), strict=True))
        rejects += batch.rejects
    return rows, rejects


@settings(deadline=None)
@given(rows=st.lists(st.tuples(FIELDS, FIELDS, FIELDS), max_size=12), size=st.sampled_from([1, 2, 5, 33, 1 << 20]))
def test_what_a_csv_writer_wrote_is_read_whatever_the_size_of_blocks(rows: list[tuple[str, ...]], size: int) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow("abc")
    numbers = []
    for row in rows:
        numbers.append(len(io.StringIO(text.getvalue(), newline="").readlines()) + 1)
        writer.writerow(row)
    with mock.patch.object(text_module, "BLOCK", size):
        found, rejects = read(text.getvalue().encode())

    assert rejects == []
    assert found == list(zip(numbers, rows, strict=True))


def test_a_multibyte_character_may_be_cut_by_the_end_of_a_block(block: int) -> None:
    assert read("a,b\né,€\n".encode())[0] == [(2, ("é", "€"))]


def test_windows_line_ends_count_once(block: int) -> None:
    rows, rejects = read(b'a,b\r\n1,"x\r\ny"\r\n2,z\r\nbad\r\n')
    assert rows == [(2, ("1", "x\r\ny")), (4, ("2", "z"))]
    assert [(reject.line, reject.raw) for reject in rejects] == [(5, "bad")]


def test_a_broken_record_does_not_take_its_neighbours_along(block: int) -> None:
    rows, rejects = read(b'a,b\n1,x\n2,"y"z\n3,"open\n4,x\n5,"q"\n')
    assert [line for line, _ in rows] == [2, 5, 6]
    assert [reject.line for reject in rejects] == [3, 4]


def test_the_raw_text_of_a_row_is_what_stands_in_the_file(block: int) -> None:
    content = b'a,b\n1,"x\ny"\n2,z\n'
    reader = Delimited(io.BytesIO(content), "test.csv", "utf-8", Dialect(), None)
    raws = [batch.raw(index) for batch in reader.batches() for index in range(len(batch.lines))]
    assert raws == ['1,"x\ny"', "2,z"]


def test_a_line_that_is_too_long_is_dropped_while_it_is_read() -> None:
    content = b"a,b\n1,x\n" + b"y" * 500 + b"\n2,z\n" + b"w" * 300
    with mock.patch.object(text_module, "BLOCK", 16), mock.patch.object(text_module, "LONGEST", 100):
        blocks = list(read_lines(io.BytesIO(content), "utf-8", "test.csv"))
    assert max(sum(map(len, part.lines)) for part in blocks) < 150
    assert [line for part in blocks for line in part.lines] == ["a,b\n", "1,x\n", "2,z\n"]
    assert [reject.line for part in blocks for reject in part.rejects] == [3, 5]
    assert next(part.first for part in blocks if "2,z\n" in part.lines) == 4


def test_json_lines_keep_digits_and_nested_values(block: int) -> None:
    content = b'{"a": 1.10, "b": {"c": [1, 2.50]}}\n\n{"b": true, "d": 1e2}\n{"a": "\\u0000"}\n'
    reader = JsonLines(io.BytesIO(content), "test.jsonl", "utf-8", None)
    batch = next(iter(reader.batches()))
    assert reader.names == ["a", "b", "d"]
    assert batch.columns[0].to_pylist() == ["1.10", None]
    assert batch.columns[1].to_pylist()[1] == "true"
    assert batch.columns[2].to_pylist() == [None, "100"]
    assert (batch.lines, [reject.line for reject in batch.rejects]) == ([1, 3], [4])
