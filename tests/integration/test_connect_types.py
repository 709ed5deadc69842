"""Every type that clickhouse-connect knows goes into the warehouse and comes back equal, in Native format."""

import datetime as dt
import ipaddress
import math
import random
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from clickhouse_connect.datatypes.dynamic import typed_variant
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DataError
from connect_support import scratch_client, scratch_table

from gtc.settings import Settings

_ID = uuid.UUID("bef56f14-0870-4f82-a35e-9a47eff45a5b")
_V4, _V6 = ipaddress.IPv4Address("243.12.55.44"), ipaddress.IPv6Address("2001:db8:85a3::8a2e:370:7334")

ROUND_TRIPS: list[tuple[str, list[Any]]] = [
    *[(f"Int{bits}", [0, -1, 2 ** (bits - 1) - 1, -(2 ** (bits - 1))]) for bits in (8, 16, 32, 64, 128, 256)],
    *[(f"UInt{bits}", [0, 1, 2**bits - 1]) for bits in (8, 16, 32, 64, 128, 256)],
    ("Float32", [0.0, 1.5, -2.25, math.inf]),
    ("Float64", [0.0, 1.1, -1e300, -math.inf]),
    ("BFloat16", [0.0, 1.5, -2.0]),
    ("Bool", [True, False]),
    ("String", ["", "plain", "it's \\ \t \n \0 空 😀", "x" * 100_000]),
    ("FixedString(5)", [b"abcde", b"ab\0\0\0"]),
    ("Decimal(9, 2)", [Decimal("0.00"), Decimal("-1234567.89")]),
    ("Decimal(18, 4)", [Decimal("0.0001"), Decimal("-99999999999999.9999")]),
    ("Decimal(38, 10)", [Decimal("1.0000000001"), Decimal("-1234567890123456789012345678.0123456789")]),
    ("Decimal(76, 20)", [Decimal("1.00000000000000000001")]),
    ("Decimal32(3)", [Decimal("1.234")]),
    ("Date", [dt.date(1970, 1, 1), dt.date(2024, 2, 29), dt.date(2149, 6, 6)]),
    ("Date32", [dt.date(1900, 1, 1), dt.date(2299, 12, 31)]),
    ("DateTime", [dt.datetime(1970, 1, 1), dt.datetime(2024, 2, 29, 23, 59, 59)]),
    ("DateTime('UTC')", [dt.datetime(2024, 2, 29, 23, 59, 59)]),
    ("DateTime64(3)", [dt.datetime(2023, 3, 25, 10, 5, 44, 772000), dt.datetime(1925, 1, 1, 0, 0, 0, 1000)]),
    ("DateTime64(6, 'UTC')", [dt.datetime(2023, 3, 25, 10, 5, 44, 772402)]),
    ("Time", [dt.timedelta(seconds=5), dt.timedelta(hours=-1, minutes=-2, seconds=-3)]),
    ("Time64(6)", [dt.timedelta(hours=1, microseconds=123456), dt.timedelta(seconds=-5, microseconds=-500000)]),
    ("UUID", [_ID, uuid.UUID(int=0)]),
    ("IPv4", [_V4, ipaddress.IPv4Address("0.0.0.0")]),
    ("IPv6", [_V6, ipaddress.IPv6Address("::"), ipaddress.IPv6Address("::1")]),
    ("Enum8('a' = 1, 'b' = -2)", ["a", "b"]),
    ("Enum16('RED' = 1, 'it''s, teal' = -400)", ["RED", "it's, teal"]),
    ("Nullable(String)", [None, "", "x"]),
    ("Nullable(Int64)", [None, 0, 5882374747732834]),
    ("Nullable(DateTime64(3))", [None, dt.datetime(2023, 3, 25, 10, 5, 44, 772000)]),
    ("Nullable(IPv6)", [None, _V6]),
    ("Nullable(UUID)", [None, _ID]),
    ("Nullable(Decimal(18, 4))", [None, Decimal("1.5000")]),
    ("Nullable(Time)", [None, dt.timedelta(hours=5)]),
    ("Nullable(FixedString(3))", [None, b"abc"]),
    ("LowCardinality(String)", ["a", "b", "a", ""]),
    ("LowCardinality(Nullable(String))", ["a", None, "a"]),
    ("LowCardinality(FixedString(2))", [b"ab", b"cd"]),
    ("LowCardinality(UInt32)", [1, 2, 1]),
    ("LowCardinality(Date)", [dt.date(2024, 2, 29)]),
    ("Array(UInt8)", [[], [1, 2, 3]]),
    ("Array(Nullable(String))", [[None, "a"], []]),
    ("Array(Array(Int32))", [[[1], [], [2, 3]], []]),
    ("Array(LowCardinality(String))", [["a", "b", "a"], []]),
    ("Array(Date)", [[dt.date(2024, 2, 29)]]),
    ("Array(UUID)", [[_ID, _ID]]),
    ("Map(String, UInt64)", [{}, {"a": 1, "b": 2}]),
    ("Map(LowCardinality(String), Array(String))", [{"k": ["x", "y"]}]),
    ("Map(UInt16, Map(String, Int8))", [{7: {"a": -1}}]),
    ("Tuple(Int64, String)", [(1, "a"), (-5, "")]),
    ("Tuple(u1 UInt64, `ip 2` IPv4)", [{"u1": 7372, "ip 2": _V4}]),
    ("Array(Tuple(UInt8, String))", [[(1, "a"), (2, "b")], []]),
    ("Nullable(Tuple(Int64, String))", [(1, "a"), None]),
    ("Nested(a String, b UInt32)", [[{"a": "x", "b": 1}, {"a": "y", "b": 2}], []]),
    ("Point", [(1.5, -2.5)]),
    ("Ring", [[(0.0, 0.0), (10.0, 0.0), (10.0, 10.0)]]),
    ("LineString", [[(0.0, 0.0), (10.0, 0.0)]]),
    ("Polygon", [[[(20.0, 20.0), (50.0, 20.0), (50.0, 50.0)], [(30.0, 30.0), (50.0, 50.0), (50.0, 30.0)]]]),
    ("MultiPolygon", [[[[(0.0, 0.0), (10.0, 0.0), (10.0, 10.0)]], [[(20.0, 20.0), (50.0, 20.0), (50.0, 50.0)]]]]),
    ("Variant(UInt64, String, Array(UInt64), UUID)", [58322, "a string", _ID, [120, 250], None]),
    ("Variant(IPv4, Decimal(10, 2))", [None, Decimal("55.20"), _V4]),
    ("Variant(Bool, Int32)", [True, 57, False, -7]),
    ("Variant(Int32, String)", [None, None, 57, "hello", None]),
    ("Map(String, Variant(String, UInt128, Bool))", [{"k1": "string1", "k2": 34782477743, "k3": True}]),
    ("Tuple(Int64, Variant(Bool, String, Int32))", [(-40, True), (340283, "str"), (0, 55)]),
    ("JSON", [{}, {"a": 1, "b": {"c": "x", "d": [1, 2, 3]}}, {"HKD@spéçiäl": "Special K"}]),
    ("JSON(max_dynamic_paths=2)", [{f"key_{n}": f"value_{n}" * n for n in range(1, 20)}]),
    ("Nullable(JSON)", [{"a": 5, "b": 10}, None]),
    ("Tuple(t JSON)", [{"t": {"a": "qwe123", "b": "main"}}]),
    ("SimpleAggregateFunction(sum, UInt64)", [1, 2]),
]


@pytest.fixture(scope="module")
def home(warehouse: Settings) -> Iterator[Client]:
    settings = {"allow_suspicious_low_cardinality_types": 1, "flatten_nested": 0}
    with scratch_client(warehouse, settings=settings) as client:
        yield client


@pytest.mark.parametrize(("type_name", "values"), ROUND_TRIPS, ids=[name for name, _ in ROUND_TRIPS])
def test_a_value_comes_back_as_it_went_in(home: Client, type_name: str, values: list[Any]) -> None:
    with scratch_table(home, "key UInt32", f"value {type_name}", order_by="key") as table:
        home.insert(table, list(enumerate(values)))
        assert [row[1] for row in home.query(f"SELECT * FROM {table} ORDER BY key").result_rows] == values


@pytest.mark.parametrize("encoded", [False, "lz4", "zstd", "gzip", "br", "deflate", True])
def test_every_compression_carries_inserts_and_results(warehouse: Settings, encoded: str | bool) -> None:
    with (
        scratch_client(warehouse, compress="lz4" if encoded == "deflate" else encoded) as client,
        scratch_table(client, "n UInt64", "s String", order_by="n") as table,
    ):
        if encoded == "deflate":
            client.compression = "deflate"
        rows = [(number, f"data {number}" * 20) for number in range(4_000)]
        client.insert(table, rows)
        assert client.query(f"SELECT * FROM {table} ORDER BY n").result_rows == rows


def test_a_wide_random_table_comes_back_equal(home: Client) -> None:
    chosen = random.Random(20240229)
    kinds = {
        "Int32": lambda: chosen.randrange(-(2**31), 2**31),
        "Float64": chosen.random,
        "String": lambda: "".join(chosen.choices("ab\n\\'空", k=chosen.randrange(30))),
        "Nullable(UInt16)": lambda: chosen.choice([None, chosen.randrange(2**16)]),
        "LowCardinality(String)": lambda: chosen.choice("xyz"),
        "Array(Nullable(Int64))": lambda: [chosen.choice([None, 5]) for _ in range(chosen.randrange(4))],
        "Map(String, Float32)": lambda: dict.fromkeys(chosen.sample("abc", 2), 0.5),
        "UUID": lambda: uuid.UUID(int=chosen.getrandbits(128)),
        "Tuple(UInt8, String)": lambda: (chosen.randrange(256), "t"),
        "DateTime": lambda: dt.datetime(2000, 1, 1) + dt.timedelta(seconds=chosen.randrange(10**9)),
    }
    for _ in range(15):
        types = chosen.choices(list(kinds), k=12)
        rows = [(number, *(kinds[name]() for name in types)) for number in range(chosen.randrange(1, 60))]
        with scratch_table(
            home, "key UInt32", *(f"c{n} {name}" for n, name in enumerate(types)), order_by="key"
        ) as table:
            home.insert(table, rows)
            assert home.query(f"SELECT * FROM {table} ORDER BY key").result_rows == rows


def test_text_can_be_read_as_bytes_and_written_from_them(home: Client) -> None:
    with scratch_table(home, "key UInt32", "s String", "n Nullable(String)", order_by="key") as table:
        home.insert(table, [[0, b"str", b"n"], [1, bytearray([5, 120, 24]), bytes([16, 48])], [2, b"", None]])
        asked = f"SELECT * FROM {table} ORDER BY key"
        assert home.query(asked, query_formats={"String": "bytes"}).result_columns[1] == [b"str", b"\x05x\x18", b""]
        assert home.query(asked).result_columns[2] == ["n", "\x100", None]


def test_nulls_can_be_read_as_defaults(home: Client) -> None:
    with scratch_table(home, "key UInt32", "s Nullable(String)", "i Nullable(Int64)", order_by="key") as table:
        home.insert(table, [[1, None, None], [2, "x", 5]])
        assert home.query(f"SELECT * FROM {table} ORDER BY key", use_none=False).result_rows == [
            (1, "", 0),
            (2, "x", 5),
        ]


def test_formats_of_a_query_and_of_a_column_are_obeyed(home: Client) -> None:
    sql = f"SELECT toUUID('{_ID}') AS u, toIPv4('{_V4}') AS ip, toUInt64(9523372036854775807) AS n"
    assert home.query(sql, query_formats={"UUID": "string", "UInt64": "signed"}).first_row == (
        str(_ID),
        _V4,
        -8923372036854775809,
    )
    assert home.query(sql, column_formats={"ip": "string"}).first_row == (_ID, str(_V4), 9523372036854775807)


def test_a_variant_that_would_be_ambiguous_is_chosen_by_its_type(home: Client) -> None:
    values = [
        typed_variant([1, 2], "Array(UInt32)"),
        typed_variant(["a"], "Array(String)"),
        typed_variant([], "Array(UInt32)"),
    ]
    with scratch_table(home, "key Int32", "v Variant(Array(UInt32), Array(String))", order_by="key") as table:
        home.insert(table, list(enumerate(values)))
        assert home.query(f"SELECT v FROM {table} ORDER BY key").result_columns == [[[1, 2], ["a"], []]]
        with pytest.raises(DataError):
            home.insert(table, [[9, typed_variant(1.5, "Float64")]])


def test_dynamic_values_come_back_by_their_own_type(home: Client) -> None:
    with scratch_table(home, "key UInt64", "v Dynamic", order_by="key") as table:
        home.command(f"INSERT INTO {table} SELECT 1, 58322::UInt32")
        home.command(f"INSERT INTO {table} SELECT 2, 'a string'")
        home.command(f"INSERT INTO {table} SELECT 3, [120, 250]")
        home.command(f"INSERT INTO {table} SELECT 4, NULL")
        assert home.query(f"SELECT v FROM {table} ORDER BY key").result_columns == [
            [58322, "a string", [120, 250], None]
        ]


def test_dynamic_values_without_room_for_types_are_read_from_their_shared_form(home: Client) -> None:
    with scratch_table(home, "id UInt8", "d Dynamic(max_types=0)", order_by="id") as table:
        for number, value in enumerate(["toDate('2024-01-02')", "[1, 2, 3]", "'hello'"]):
            home.command(f"INSERT INTO {table} SELECT {number}, {value}")
        assert home.query(f"SELECT d FROM {table} ORDER BY id").result_columns == [
            [dt.date(2024, 1, 2), [1, 2, 3], "hello"]
        ]


def test_json_keeps_types_paths_and_missing_keys(home: Client) -> None:
    values = {
        "i": -(9 * 10**18),
        "u": 18 * 10**18,
        "f": 2.718281828459045,
        "t": True,
        "e": "",
        "long": "x" * 200,
        "nil": None,
    }
    with scratch_table(home, "id Int32", "data JSON(max_dynamic_paths=2)", order_by="id") as table:
        home.insert(table, [[1, values], [2, {"i": "text", "nested.level1.x": 79}]])
        first, second = home.query(f"SELECT data FROM {table} ORDER BY id").result_columns[0]
        assert first == {name: value for name, value in values.items() if value is not None}
        assert second == {"i": "text", "nested": {"level1": {"x": 79}}}
        assert home.query(f"SELECT data.nil, data.i FROM {table} ORDER BY id").result_rows == [
            (None, -(9 * 10**18)),
            (None, "text"),
        ]


def test_json_with_typed_and_skipped_paths(home: Client) -> None:
    with scratch_table(home, "j JSON(max_dynamic_paths=150, `a.b` DateTime64(3), SKIP a.c)") as table:
        home.insert(table, [['{"a": {"b": "2020-10-15T10:15:44.877", "c": "skipped"}}']])
        assert home.query(f"SELECT j FROM {table}").first_row == (
            {"a": {"b": dt.datetime(2020, 10, 15, 10, 15, 44, 877000)}},
        )


def test_json_keys_with_dots_are_kept_when_the_session_asks_for_it(warehouse: Settings) -> None:
    with scratch_client(warehouse, autogenerate_session_id=True) as client:
        client.command("SET json_type_escape_dots_in_keys = 1")
        with scratch_table(client, "value JSON") as table:
            payload = {"a.b": 123, "c": {"d.e": 456}}
            client.insert(table, [[payload]])
            assert client.query(f"SELECT value FROM {table}").first_row == (payload,)
        client.command("SET json_type_escape_dots_in_keys = 0")
        with scratch_table(client, "value JSON") as table:
            client.insert(table, [[{"a.b": 789}]])
            assert client.query(f"SELECT value FROM {table}").first_row == ({"a": {"b": 789}},)


def test_json_text_becomes_json_in_a_cast(home: Client) -> None:
    assert home.query("""SELECT '{"t": "2025-01-01T00:00:00+0000", "n": [1, 2]}'::JSON""").first_row == (
        {"t": dt.datetime(2025, 1, 1), "n": [1, 2]},
    )


def test_vectors_are_stored_and_compared(home: Client) -> None:
    with scratch_table(home, "id UInt32", "vec QBit(Float32, 8)", order_by="id") as table:
        home.insert(table, [[1, [1.0] * 8], [2, [0.0] * 8], [3, None or [0.5] * 8]])
        asked = f"SELECT id FROM {table} ORDER BY L2DistanceTransposed(vec, {[1.0] * 8}::Array(Float32), 32)"
        assert home.query(asked).result_columns == [[1, 3, 2]]


def test_states_of_aggregates_travel_as_values_of_merge(home: Client) -> None:
    with scratch_table(home, "k UInt8", "u AggregateFunction(uniq, String)", order_by="k") as table:
        home.command(f"INSERT INTO {table} SELECT 1, uniqState(toString(number)) FROM numbers(100)")
        assert home.query(f"SELECT uniqMerge(u) FROM {table}").first_row == (100,)


def test_intervals_and_big_numbers_of_expressions_are_read(home: Client) -> None:
    row = home.query(
        "SELECT toIntervalDay(3), toInt256(-5), toDecimal256('1.5', 3), NULL, [], map(), (1, 'a')"
    ).first_row
    assert row == (3, -5, Decimal("1.500"), None, [], {}, (1, "a"))


def test_data_of_the_wrong_kind_is_refused_before_it_is_stored(home: Client) -> None:
    with scratch_table(home, "key Int32", "f Float64") as table:
        with pytest.raises((DataError, TypeError)):
            home.insert(table, [[1, 3.22], [2, "nope"]])
        assert home.command(f"SELECT count() FROM {table}") == 0


def test_many_columns_and_a_large_block_come_back_equal(home: Client) -> None:
    names = [f"c{number}" for number in range(200)]
    with scratch_table(home, *(f"{name} UInt16" for name in names)) as table:
        rows = [tuple((row * 31 + column) % 65536 for column in range(200)) for row in range(2_000)]
        home.insert(table, rows)
        assert home.query(f"SELECT * FROM {table}").result_rows == rows
