"""Parameters, forms, external tables and raw data through clickhouse-connect."""

import datetime as dt
import gzip
import io
import uuid
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import lz4.frame
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError
from clickhouse_connect.driver.external import ExternalData
from clickhouse_connect.driver.tools import insert_file
from connect_support import scratch_client, scratch_table

from gtc.settings import Settings

_FILMS = [("12 Angry Men", 1957, 9.0), ("Memento", 2000, 8.4), ("Scarface", 1983, 8.3), ("The Sting", 1973, 8.3)]
_STRUCTURE = ["movie String", "year UInt16", "rating Decimal32(3)"]


@pytest.fixture(scope="module", params=[False, True], ids=["in the URL", "as a form"])
def home(warehouse: Settings, request: pytest.FixtureRequest) -> Iterator[Client]:
    with scratch_client(warehouse, form_encode_query_params=request.param) as client:
        yield client


@pytest.fixture(scope="module")
def plain(warehouse: Settings) -> Iterator[Client]:
    """A client for what does not depend on the way of parameters."""
    with scratch_client(warehouse) as client:
        yield client


@pytest.fixture
def films_csv(tmp_path: Path) -> Path:
    path = tmp_path / "films.csv"
    path.write_text("movie,year,rating\n" + "".join(f"{title},{year},{rating}\n" for title, year, rating in _FILMS))
    return path


@pytest.fixture
def films_parquet(tmp_path: Path) -> Path:
    path = tmp_path / "films.parquet"
    titles, years, ratings = zip(*_FILMS, strict=True)
    pq.write_table(pa.table({"movie": titles, "year": pa.array(years, pa.uint16()), "rating": ratings}), path)
    return path


@pytest.mark.parametrize(
    ("type_name", "value"),
    [
        ("String", "it's \\ tab\t line\n 空 %s {x:y}"),
        ("String", ""),
        ("Int64", -(2**63)),
        ("UInt256", 2**256 - 1),
        ("Float64", 1.5),
        ("Bool", True),
        ("Decimal(18, 4)", Decimal("1.2345")),
        ("Date", dt.date(2024, 2, 29)),
        ("DateTime", dt.datetime(2024, 2, 29, 1, 2, 3)),
        ("DateTime64(6)", dt.datetime(2024, 2, 29, 1, 2, 3, 456789)),
        ("UUID", uuid.UUID("bef56f14-0870-4f82-a35e-9a47eff45a5b")),
        ("Array(UInt32)", [1, 3]),
        ("Array(String)", ["it's", "a\\b", "tab\t"]),
        ("Array(Nullable(String))", ["a", None]),
        ("Tuple(Int8, String)", (1, "x")),
        ("Nullable(String)", None),
        ("Nullable(String)", "text"),
        ("Enum8('a' = 1)", "a"),
    ],
)
def test_a_typed_parameter_arrives_unchanged(home: Client, type_name: str, value: Any) -> None:
    suffix = "_64" if type_name.startswith("DateTime64") else ""
    assert home.query(f"SELECT {{v:{type_name}}}", parameters={f"v{suffix}": value}).first_row == (value,)


def test_an_identifier_may_be_a_parameter(home: Client) -> None:
    sql = "SELECT {c:Identifier} FROM {d:Identifier}.{t:Identifier}"
    assert home.query(sql, parameters={"c": "dummy", "d": "system", "t": "one"}).first_row == (0,)


def test_parameters_written_into_the_text_are_quoted(home: Client) -> None:
    values = {"s": "it's 100% \\", "n": None, "l": [1, 2], "t": ("a", 1)}
    assert home.query("SELECT %(s)s, %(n)s, 1 IN %(l)s, 'a%%'", parameters=values).first_row == (
        values["s"],
        None,
        1,
        "a%",
    )


def test_parameters_hold_in_statements_and_inserts(home: Client) -> None:
    with scratch_table(home, "id UInt32", "name String", order_by="id") as table:
        home.command(
            f"INSERT INTO {table} SELECT {{id:UInt32}}, {{name:String}}", parameters={"id": 7, "name": "seven"}
        )
        home.command(
            f"INSERT INTO {table} VALUES ({{id:UInt32}}, {{name:String}})", parameters={"id": 8, "name": "eight"}
        )
        home.command(
            f"ALTER TABLE {table} DELETE WHERE id = {{id:UInt32}} SETTINGS mutations_sync = 1", parameters={"id": 7}
        )
        assert home.query(
            f"SELECT * FROM {table} WHERE id IN {{ids:Array(UInt32)}}", parameters={"ids": [7, 8]}
        ).result_rows == [(8, "eight")]


def test_a_missing_parameter_is_named(home: Client) -> None:
    with pytest.raises(DatabaseError, match="nobody_set_me") as caught:
        home.query("SELECT {nobody_set_me:String}")
    assert caught.value.code == 456


def test_a_probe_for_columns_takes_parameters(home: Client) -> None:
    result = home.query(
        "SELECT name, 2 * {m:Float64} AS twice FROM system.tables WHERE name = {n:String} LIMIT 0",
        parameters={"m": 2.5, "n": "x"},
    )
    assert (result.column_names, result.result_set) == (("name", "twice"), [])


def test_a_raw_query_takes_parameters(home: Client) -> None:
    assert home.raw_query("SELECT {a:Int32} + {b:Int32}", parameters={"a": 10, "b": 20}) == b"30\n"


def test_a_context_is_used_again_with_other_parameters(home: Client) -> None:
    with scratch_table(home, "key Int32", "value String", order_by="key") as table:
        insert = home.create_insert_context(table, data=[[1, "v1"], [2, "v2"]])
        home.insert(context=insert)
        query = home.create_query_context(
            f"SELECT value FROM {table} WHERE key = {{k:Int32}}", parameters={"k": 2}, column_oriented=True
        )
        assert home.query(context=query).result_set == [["v2"]]
        query.set_parameter("k", 1)
        assert home.query(context=query).result_set == [["v1"]]
        home.insert(data=[[1, "v3"]], context=insert)
        assert sorted(home.query(context=query).result_set[0]) == ["v1", "v3"]


def test_binary_parameters_stand_in_the_text_as_they_are(home: Client, films_parquet: Path) -> None:
    raw = {"$x$": b"col1,col2\n100,700"}
    assert home.raw_query("SELECT col2, col1 FROM format(CSVWithNames, $x$)", parameters=raw) == b"700\t100\n"
    raw = {"$file$": films_parquet.read_bytes()}
    assert home.query("SELECT movie FROM format(Parquet, $file$) ORDER BY movie", parameters=raw).first_item == {
        "movie": "12 Angry Men"
    }
    assert home.query("SELECT $m$ AS a, $m$ AS b WHERE a = 'foobar'", parameters={"$m$": b"foobar"}).first_row == (
        "foobar",
        "foobar",
    )
    assert (
        home.raw_query("SELECT %(v)s + toUInt8($r$); -- end", parameters={"v": 13, "$r$": b"79"}, fmt="TabSeparated")
        == b"92\n"
    )


def test_an_external_file_is_a_table_of_the_query(home: Client, films_csv: Path) -> None:
    data = ExternalData(str(films_csv), fmt="CSVWithNames", structure=_STRUCTURE)
    rows = home.query(
        "SELECT movie, rating FROM films WHERE year > {y:UInt16} ORDER BY movie",
        parameters={"y": 1975},
        external_data=data,
    ).result_rows
    assert rows == [("Memento", Decimal("8.400")), ("Scarface", Decimal("8.300"))]
    assert home.query_arrow("SELECT count() AS n FROM films", external_data=data).to_pydict() == {"n": [4]}
    assert home.raw_query("SELECT count() FROM films", external_data=data) == b"4\n"
    assert home.command("SELECT count() FROM films", external_data=data) == 4


def test_several_external_files_join(home: Client, films_csv: Path) -> None:
    data = ExternalData(str(films_csv), fmt="CSVWithNames", structure=_STRUCTURE)
    data.add_file(
        file_name="actors.csv",
        data=b"Robert Redford,1936,The Sting\nAl Pacino,1940,Scarface\n",
        fmt="CSV",
        types="String,UInt16,String",
    )
    rows = home.query(
        "SELECT _1, movie FROM actors INNER JOIN films ON actors._3 = films.movie AND actors._2 = 1940",
        external_data=data,
    ).result_rows
    assert rows == [("Al Pacino", "Scarface")]


def test_external_data_of_parquet_joins_a_stored_table(home: Client, films_parquet: Path) -> None:
    data = ExternalData(str(films_parquet), fmt="Parquet", structure=["movie String", "year UInt16", "rating Float64"])
    with scratch_table(home, "number UInt64", "t String") as table:
        home.command(f"INSERT INTO {table} SELECT number, concat(toString(number), 'x') FROM numbers(1990, 30)")
        rows = home.query(
            f"SELECT movie FROM films INNER JOIN {table} ON films.year = number AND t = '2000x'", external_data=data
        ).result_rows
        assert rows == [("Memento",)]


def test_external_data_defaults_to_tab_separated_and_may_be_empty(home: Client) -> None:
    data = ExternalData(
        file_name="actors.csv", data=b"Robert Redford\t1936\nAl Pacino\t1940", structure="name String, year UInt16"
    )
    assert home.query("SELECT name FROM actors ORDER BY year DESC", external_data=data).result_rows == [
        ("Al Pacino",),
        ("Robert Redford",),
    ]
    nothing = ExternalData(file_name="empty.csv", data=b"", structure="name String")
    assert home.query("SELECT * FROM empty", external_data=nothing).result_rows == []


def test_external_data_may_fill_a_table(home: Client, films_parquet: Path) -> None:
    data = ExternalData(str(films_parquet), fmt="Parquet", structure=["movie String", "year UInt16", "rating Float64"])
    made = home.query(
        "CREATE TABLE from_films ENGINE MergeTree ORDER BY tuple() EMPTY AS SELECT * FROM films", external_data=data
    )
    assert "query_id" in made.first_item
    home.raw_query("INSERT INTO from_films SELECT * FROM films", external_data=data)
    assert home.command("SELECT count() FROM from_films") == 4
    home.command("DROP TABLE from_films")


def test_external_data_tolerates_as_many_errors_as_the_settings_allow(home: Client) -> None:
    data = ExternalData(file_name="f.csv", data=b"1\n2\nthree\n4\n", fmt="CSV", structure="n UInt8")
    allowed = {"input_format_allow_errors_num": 1, "input_format_allow_errors_ratio": 0.5}
    assert home.query("SELECT sum(n) FROM f", external_data=data, settings=allowed).first_row == (7,)
    with pytest.raises(DatabaseError):
        home.query("SELECT sum(n) FROM f", external_data=data)


def test_an_external_table_is_gone_after_its_query(home: Client) -> None:
    data = ExternalData(file_name="once.csv", data=b"1", structure="n UInt8")
    assert home.command("SELECT n FROM once", external_data=data) == 1
    with pytest.raises(DatabaseError) as caught:
        home.query("SELECT n FROM once")
    assert caught.value.code == 60


_ROWS = [(1, "one"), (2, "it's; two")]
_PAYLOADS: dict[str, str | bytes] = {
    "CSV": '1,one\n2,"it\'s; two"\n',
    "CSVWithNames": "name,id\none,1\nit's; two,2\n",
    "TabSeparated": "1\tone\n2\tit's; two\n",
    "TSV": "1\tone\n2\tit's; two",
    "JSONEachRow": '{"id": 1, "name": "one"}\n{"name": "it\'s; two", "id": 2}\n',
    "JSONCompactEachRow": '[1, "one"]\n[2, "it\'s; two"]\n',
    "JSONColumns": '{"id": [1, 2], "name": ["one", "it\'s; two"]}',
    "Values": "(1, 'one'), (2, 'it\\'s; two')",
    "RowBinary": b"\1\0\0\0\3one\2\0\0\0\x09it's; two",
    "Native": b"\2\2\2id\x06UInt32\1\0\0\0\2\0\0\0\4name\x06String\3one\x09it's; two",
}


@pytest.mark.parametrize("fmt", _PAYLOADS)
@pytest.mark.parametrize("compression", [None, "gzip", "lz4", "zstd"])
def test_raw_data_of_a_format_is_inserted_plain_and_compressed(
    plain: Client, fmt: str, compression: str | None
) -> None:
    payload = _PAYLOADS[fmt]
    raw = payload.encode() if isinstance(payload, str) else payload
    pack = {"gzip": gzip.compress, "lz4": lz4.frame.compress, "zstd": zstandard.ZstdCompressor().compress}
    block: str | bytes = pack[compression](raw) if compression else payload
    with scratch_table(plain, "id UInt32", "name String", order_by="id") as table:
        summary = plain.raw_insert(table, ["id", "name"], block, fmt=fmt, compression=compression)
        assert summary.written_rows == 2
        assert plain.query(f"SELECT * FROM {table} ORDER BY id").result_rows == _ROWS


def test_raw_data_may_come_from_a_generator_or_a_file(plain: Client) -> None:
    with scratch_table(plain, "n UInt32") as table:
        plain.raw_insert(table, ["n"], (f"{number}\n".encode() for number in range(1000)), fmt="CSV")
        plain.raw_insert(table, ["n"], io.BytesIO(b"1000\n1001\n"), fmt="CSV")
        assert plain.query(f"SELECT count(), sum(n) FROM {table}").first_row == (1002, 501501)


def test_raw_data_finds_columns_with_odd_names(plain: Client) -> None:
    with scratch_table(plain, "`weir'd` String", "value String") as table:
        plain.raw_insert(table, ['"weir\'d"'], b"value1\nvalue2", fmt="CSV")
        plain.raw_insert(table, ["`weir'd`", "value"], "weird1\tvalue__`2\n", fmt="TSV")
        assert plain.query(f"SELECT `weir'd`, value FROM {table} ORDER BY ALL").result_rows == [
            ("value1", ""),
            ("value2", ""),
            ("weird1", "value__`2"),
        ]


def test_raw_data_with_a_bad_line_stores_nothing(plain: Client) -> None:
    with scratch_table(plain, "n UInt32") as table:
        with pytest.raises(DatabaseError) as caught:
            plain.raw_insert(table, ["n"], b"1\n2\nthree\n4\n", fmt="CSV")
        assert caught.value.code == 117
        assert plain.command(f"SELECT count() FROM {table}") == 0


@pytest.mark.parametrize("fmt", ["CSVWithNames", "Parquet"])
def test_a_file_is_uploaded_by_name(plain: Client, films_csv: Path, films_parquet: Path, fmt: str) -> None:
    with scratch_table(plain, "movie String", "year UInt16", "rating Float64") as table:
        insert_file(plain, table, str(films_csv if fmt == "CSVWithNames" else films_parquet), fmt)
        assert plain.query(f"SELECT count(), max(year) FROM {table}").first_row == (4, 2000)


@pytest.mark.parametrize(
    "chosen",
    [{"async_insert": 1, "wait_for_async_insert": 1}, {"insert_deduplicate": 0}, {"max_insert_block_size": 1}],
)
def test_inserts_take_settings(plain: Client, chosen: dict[str, int]) -> None:
    with scratch_table(plain, "n UInt32") as table:
        plain.insert(table, [[1], [2]], ["n"], settings=chosen)
        assert plain.command(f"SELECT count() FROM {table}") == 2


@pytest.mark.parametrize("deduplicate", [0, 1])
def test_an_insert_sent_twice_counts_once_where_the_table_deduplicates(plain: Client, deduplicate: int) -> None:
    with scratch_table(
        plain, "n Int32", settings=f"non_replicated_deduplication_window = {100 * deduplicate}"
    ) as table:
        for _ in range(2):
            plain.raw_insert(table, ["n"], b"13\n79\n", fmt="CSV", settings={"insert_deduplicate": deduplicate})
            plain.insert(table, [[1], [2]], ["n"], settings={"insert_deduplicate": deduplicate})
        assert plain.command(f"SELECT count() FROM {table}") == (4 if deduplicate else 8)
