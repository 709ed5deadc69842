"""NumPy, pandas, polars and Arrow through clickhouse-connect."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ProgrammingError
from connect_support import scratch_client, scratch_table

from gtc.settings import Settings


@pytest.fixture(scope="module")
def home(warehouse: Settings) -> Iterator[Client]:
    with scratch_client(warehouse) as client:
        yield client


def test_an_array_of_one_type_is_a_matrix(home: Client) -> None:
    found = home.query_np("SELECT toUInt16(number + 13) AS n, toUInt16(number + 79) AS m FROM numbers(13)")
    assert found.dtype == np.uint16
    assert found.tolist() == [[number + 13, number + 79] for number in range(13)]


def test_an_array_of_several_types_is_structured(home: Client) -> None:
    sql = "SELECT number AS n, toString(number) AS s, toDateTime64('2020-01-01 00:00:00.5', 9) AS t FROM numbers(3)"
    found = home.query_np(sql)
    assert found.dtype.names == ("n", "s", "t")
    assert found["t"][0] == np.datetime64("2020-01-01T00:00:00.500000000")


def test_arrays_come_in_blocks(home: Client) -> None:
    with home.query_np_stream(
        "SELECT number FROM numbers(100000)", settings={"max_block_size": 10000, "max_threads": 1}
    ) as stream:
        blocks = list(stream)
    assert len(blocks) > 5
    assert int(np.concatenate(blocks).sum()) == 4_999_950_000


def test_an_array_is_inserted_by_rows(home: Client) -> None:
    with scratch_table(home, "a Int32", "b Int32", order_by="a") as table:
        home.insert(table, np.array([[1, 10], [2, 20]], dtype="int32"))
        assert home.query(f"SELECT * FROM {table} ORDER BY a").result_rows == [(1, 10), (2, 20)]


def test_a_big_endian_array_is_inserted_by_value(home: Client) -> None:
    with scratch_table(home, "a Int32", "b Float64", order_by="a") as table:
        home.insert(table, np.array([(1, 0.5), (2, 1.5)], dtype=[("a", ">i4"), ("b", ">f8")]))
        assert home.query(f"SELECT * FROM {table} ORDER BY a").result_rows == [(1, 0.5), (2, 1.5)]


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "key": [1, 2, 3],
            "name": ["x", None, "z"],
            "value": [0.5, None, 1.5],
            "moment": pd.to_datetime(["2024-01-02 03:04:05", None, "2024-02-29 00:00:00"]),
            "day": [dt.date(2024, 1, 2), dt.date(1970, 1, 1), dt.date(2024, 2, 29)],
            "flag": [True, False, True],
            "tags": [["a"], [], ["b", "c"]],
            "price": [Decimal("1.25"), Decimal("0.00"), Decimal("-3.50")],
        }
    )


_FRAME_COLUMNS = (
    "key UInt32",
    "name Nullable(String)",
    "value Nullable(Float64)",
    "moment Nullable(DateTime)",
    "day Date",
    "flag Bool",
    "tags Array(String)",
    "price Decimal(9, 2)",
)


def test_a_data_frame_comes_back_as_it_went_in(home: Client, frame: pd.DataFrame) -> None:
    with scratch_table(home, *_FRAME_COLUMNS, order_by="key") as table:
        assert home.insert_df(table, frame).written_rows == 3
        found = home.query_df(f"SELECT * FROM {table} ORDER BY key")
        assert found["name"].fillna("?").tolist() == ["x", "?", "z"]
        assert found["moment"].isna().tolist() == [False, True, False]
        assert found["moment"].iloc[0] == pd.Timestamp("2024-01-02 03:04:05")
        for name in ("key", "flag", "tags", "price"):
            assert found[name].tolist() == frame[name].tolist()
        assert [pd.Timestamp(day).date() for day in found["day"]] == frame["day"].tolist()


def test_data_frames_come_in_blocks_that_add_up(home: Client) -> None:
    with home.query_df_stream(
        "SELECT number, toString(number) AS s FROM numbers(100000)",
        settings={"max_block_size": 10000, "max_threads": 1},
    ) as stream:
        frames = list(stream)
    assert len(frames) > 5
    assert sum(len(piece) for piece in frames) == 100_000
    assert pd.concat(frames)["number"].sum() == 4_999_950_000


@pytest.mark.parametrize("extended", [True, False])
def test_types_of_a_data_frame_follow_the_columns(home: Client, extended: bool) -> None:
    sql = (
        "SELECT toInt32(1) AS i, toNullable(toUInt8(2)) AS u, 'x' AS s, toFloat32(0.5) AS f,"
        " toDateTime64('2020-01-01', 3) AS t, NULL::Nullable(Int16) AS n"
    )
    found = home.query_df(sql, use_extended_dtypes=extended)
    assert found["i"].dtype == "int32"
    assert found["f"].iloc[0] == 0.5
    assert pd.isna(found["n"].iloc[0])
    assert str(found["t"].dtype).startswith("datetime64")
    assert (str(found["u"].dtype) == "UInt8") == extended


def test_an_empty_frame_and_an_empty_result_are_harmless(home: Client, frame: pd.DataFrame) -> None:
    with scratch_table(home, *_FRAME_COLUMNS, order_by="key") as table:
        home.insert_df(table, frame.iloc[:0])
        assert home.query_df(f"SELECT * FROM {table}").empty
        assert home.query(f"SELECT * FROM {table} LIMIT 0").column_names == tuple(frame.columns)


def test_a_frame_of_arrow_types_goes_in_and_comes_out(home: Client) -> None:
    frame = pd.DataFrame({"i": [78, 51], "n": [pd.NA, 421], "s": ["a", "b"]}).convert_dtypes(dtype_backend="pyarrow")
    with scratch_table(home, "i Int64", "n Nullable(Int64)", "s String", order_by="i") as table:
        home.insert_df_arrow(table, frame)
        assert home.query(f"SELECT * FROM {table} ORDER BY i").result_rows == [(51, 421, "b"), (78, None, "a")]
        found = home.query_df_arrow(f"SELECT * FROM {table} ORDER BY i")
        assert all(isinstance(kind, pd.ArrowDtype) for kind in found.dtypes)
        with home.query_df_arrow_stream(f"SELECT * FROM {table}") as stream:
            assert sum(len(piece) for piece in stream) == 2
        with pytest.raises(ProgrammingError, match="Non-Arrow"):
            home.insert_df_arrow(table, frame.assign(i=[1, 2]))


@pytest.mark.parametrize("text", [True, False])
def test_an_arrow_table_goes_in_and_comes_out(home: Client, text: bool) -> None:
    with scratch_table(home, "animal String", "legs Int64") as table:
        source = pa.table(
            {"legs": [2, 4, 5, 100] * 50, "animal": ["Flamingo", "Horse", "Brittle stars", "Centipede"] * 50}
        )
        home.insert_arrow(table, source)
        found = home.query_arrow(f"SELECT * FROM {table}", use_strings=text)
        assert [(field.name, field.type) for field in found.schema] == [
            ("animal", pa.string() if text else pa.binary()),
            ("legs", pa.int64()),
        ]
        assert sum(found["legs"].to_pylist()) == 5550


def test_arrow_comes_in_batches(home: Client) -> None:
    with scratch_table(home, "counter Int64", "letter String", order_by="counter") as table:
        home.insert_arrow(
            table, pa.table({"counter": range(300_000), "letter": [chr(97 + n % 26) for n in range(300_000)]})
        )
        with home.query_arrow_stream(
            f"SELECT * FROM {table} ORDER BY counter", use_strings=True, settings={"max_block_size": 50_000}
        ) as stream:
            batches = list(stream)
    assert len(batches) > 1
    assert (
        pa.concat_tables([pa.Table.from_batches([b]) if isinstance(b, pa.RecordBatch) else b for b in batches]).num_rows
        == 300_000
    )


def test_arrow_carries_maps_dates_and_small_blocks(home: Client) -> None:
    with scratch_table(home, "d Date", "code String", "kdj Map(String, Float32)", "t DateTime DEFAULT now()") as table:
        home.insert(
            table,
            [[dt.date(2023, 10, 15), "C1", {"k": 2.5}], [dt.date(2023, 10, 16), "C2", {"j": -0.5}]],
            ["d", "code", "kdj"],
        )
        home.insert_arrow(table, home.query_arrow(f"SELECT * FROM {table} ORDER BY d", use_strings=True))
        assert home.command(f"SELECT count() FROM {table}") == 4
    assert (
        home.query_arrow("SELECT number FROM system.numbers LIMIT 500", settings={"max_block_size": 50}).num_rows == 500
    )


def test_parquet_and_orc_are_results_like_others(home: Client) -> None:
    import io

    import pyarrow.orc as orc
    import pyarrow.parquet as pq

    sql = "SELECT number AS n, toString(number) AS s FROM numbers(1000)"
    assert pq.read_table(io.BytesIO(home.raw_query(sql, fmt="Parquet"))).num_rows == 1000
    assert orc.read_table(io.BytesIO(home.raw_query(sql, fmt="ORC"))).num_rows == 1000
    assert pa.ipc.open_file(io.BytesIO(home.raw_query(sql, fmt="Arrow"))).read_all().num_rows == 1000
    assert pa.ipc.open_stream(io.BytesIO(home.raw_query(sql, fmt="ArrowStream"))).read_all().num_rows == 1000


def test_a_polars_frame_goes_in_and_comes_out(home: Client) -> None:
    frame = pl.DataFrame({"id": [1, 2, 3], "name": ["a", None, "c"], "score": [0.5, 1.5, None]})
    with scratch_table(home, "id Int64", "name Nullable(String)", "score Nullable(Float64)", order_by="id") as table:
        home.insert_df_arrow(table, frame)
        found = home.query_df_arrow(f"SELECT * FROM {table} ORDER BY id", dataframe_library="polars")
        assert isinstance(found, pl.DataFrame)
        assert found.rows() == frame.rows()
        with home.query_df_arrow_stream(f"SELECT * FROM {table}", dataframe_library="polars") as stream:
            assert sum(len(piece) for piece in stream) == 3


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("Date32", [dt.date(1950, 1, 1), dt.date(2200, 1, 1)]),
        ("LowCardinality(String)", ["a", "b"]),
        ("Array(Int64)", [[1, 2], []]),
        ("Map(String, Int64)", [{"a": 1}, {}]),
        ("Tuple(a Int64, b String)", [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]),
        ("Enum8('a' = 1, 'b' = 2)", ["a", "b"]),
        ("Nullable(Bool)", [True, None]),
    ],
)
def test_columns_of_every_shape_fit_into_data_frames(home: Client, kind: str, values: list[Any]) -> None:
    with scratch_table(home, "k UInt8", f"v {kind}", order_by="k") as table:
        home.insert(table, list(enumerate(values)))
        found = home.query_df(f"SELECT v FROM {table} ORDER BY k")["v"].tolist()
        if kind == "Date32":
            found = [pd.Timestamp(value).date() for value in found]
        assert [None if not isinstance(value, (list, dict)) and pd.isna(value) else value for value in found] == values
