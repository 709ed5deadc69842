"""Times and their zones between clickhouse-connect and the warehouse."""

import datetime as dt
import zoneinfo
from collections.abc import Iterator

import pytest
from clickhouse_connect.driver import tzutil
from clickhouse_connect.driver.client import Client
from connect_support import scratch_client, scratch_table

from gtc.settings import Settings

_CHICAGO, _SHANGHAI = zoneinfo.ZoneInfo("America/Chicago"), zoneinfo.ZoneInfo("Asia/Shanghai")
_TWO_ZONES = (
    "SELECT toDateTime('2022-10-25 10:55:22', 'America/Chicago') AS chicago,"
    " toDateTime64('2023-01-02 15:44:22.7832', 6, 'Asia/Shanghai') AS china,"
    " toDateTime('2023-07-05 15:10:40') AS bare"
)


@pytest.fixture(scope="module")
def home(warehouse: Settings) -> Iterator[Client]:
    with scratch_client(warehouse) as client:
        yield client


def test_the_server_says_its_time_zone(home: Client) -> None:
    assert str(home.server_tz) in ("UTC", home.command("SELECT timezone()"))


def test_a_zone_chosen_for_the_query_applies_to_every_time(home: Client) -> None:
    row = home.query(_TWO_ZONES, query_tz="America/Chicago").first_row
    assert [value.tzinfo for value in row] == [_CHICAGO] * 3 or row[1].tzinfo == _SHANGHAI
    assert (row[0].hour, row[2].tzinfo, row[2].hour) == (10, _CHICAGO, 10)


def test_a_zone_chosen_for_a_column_applies_to_it(home: Client) -> None:
    row = home.query(_TWO_ZONES, column_tzs={"chicago": "America/Chicago", "china": "Asia/Shanghai"}).first_row
    assert [value.tzinfo for value in row] == [_CHICAGO, _SHANGHAI, None]


def test_the_protocol_with_time_zones_is_spoken(home: Client) -> None:
    assert home.protocol_version >= 54405
    assert [value.tzinfo for value in home.query(_TWO_ZONES).first_row] == [_CHICAGO, _SHANGHAI, None]


def test_a_zone_stands_in_the_type_only_from_the_protocol_on_that_has_it(home: Client) -> None:
    sql = "SELECT toDateTime(1676369730, 'Asia/Shanghai') AS dt FORMAT Native"
    assert home.raw_query(sql).hex() == "0101026474084461746554696d65425feb63"  # pragma: allowlist secret
    newer = home.raw_query(sql, settings={"client_protocol_version": 54337})
    assert newer == b"\1\0\2\xff\xff\xff\xff\0" + b"\1\1\2dt\x19DateTime('Asia/Shanghai')" + b"\x42\x5f\xeb\x63"


def test_every_block_of_a_newer_protocol_starts_with_its_information(home: Client) -> None:
    sql = "SELECT number AS n FROM numbers(7) FORMAT Native"
    raw = home.raw_query(sql, settings={"client_protocol_version": 54405, "max_block_size": 3, "max_threads": 1})
    assert raw.count(b"\1\0\2\xff\xff\xff\xff\0\1") == 3
    assert home.raw_query("SELECT 1 WHERE 0 FORMAT Native", settings={"client_protocol_version": 54405}) == b""


@pytest.mark.parametrize("column", ["dt", "`odd ' name`", "`\\x08DateTime`"])
def test_a_zone_reaches_columns_of_any_name_and_place(home: Client, column: str) -> None:
    zone = "toDateTime(number, 'Asia/Shanghai')"
    others = f"[{zone}] AS a, toNullable({zone}) AS n, {zone} AS other"
    sql = f"SELECT toString(number) AS s, {zone} AS {column}, {others} FROM numbers(3)"
    row = home.query(sql).first_row
    assert [row[1].tzinfo, row[2][0].tzinfo, row[3].tzinfo, row[4].tzinfo] == [_SHANGHAI] * 4


def test_text_that_looks_like_a_header_stays_text(home: Client) -> None:
    header = "unhex('02647408') || 'DateTime' AS t"
    sql = f"SELECT 'dt\\x08DateTime' AS s, {header}, toDateTime(0, 'Asia/Shanghai') AS dt"
    row = home.query(sql).first_row
    assert row[:2] == ("dt\x08DateTime", "\x02dt\x08DateTime")
    assert row[2].timestamp() == 0


def test_zones_hold_over_many_blocks(home: Client) -> None:
    sql = "SELECT toDateTime(number * 1000, 'America/Chicago') AS t, number FROM numbers(200000)"
    columns = home.query(sql, column_oriented=True, settings={"max_block_size": 20_000}).result_columns
    assert {value.tzinfo for value in columns[0]} == {_CHICAGO}
    assert columns[1] == list(range(200_000))


def test_times_of_a_zone_are_written_and_read(home: Client) -> None:
    moment = dt.datetime(2024, 7, 1, 12, tzinfo=_CHICAGO)
    with scratch_table(
        home, "k UInt8", "t DateTime('America/Chicago')", "u DateTime64(3, 'Asia/Shanghai')", order_by="k"
    ) as table:
        home.insert(table, [[1, moment, moment]])
        assert home.query(f"SELECT t, u FROM {table} WHERE t = {{m:DateTime}}", parameters={"m": moment}).first_row == (
            moment,
            moment,
        )
        assert home.query(f"SELECT toUnixTimestamp(t) FROM {table}").first_row == (int(moment.timestamp()),)


def test_utc_is_naive_or_aware_as_the_client_chooses(home: Client) -> None:
    sql = (
        "SELECT toDateTime('2023-07-05 15:10:40') AS a, toDateTime('2023-07-05 15:10:40', 'UTC') AS b,"
        " toDateTime64(a, 6, 'UTC') AS c"
    )
    assert [value.tzinfo for value in home.query(sql, query_tz="UTC").first_row] == [None] * 3
    aware = home.query(sql, query_tz="UTC", tz_mode="aware").first_row
    assert all(tzutil.is_utc_timezone(value.tzinfo) for value in aware)
    schema = home.query(sql, tz_mode="schema").first_row
    assert schema[0].tzinfo is None
    assert tzutil.is_utc_timezone(schema[1].tzinfo)


def test_a_session_time_zone_is_told_and_used(home: Client) -> None:
    sql = "SELECT toDateTime('2023-07-05 15:10:40') AS t, timezone(), toUnixTimestamp(t)"
    row = home.query(sql, settings={"session_timezone": "Asia/Shanghai"}).first_row
    assert row[1:] == ("Asia/Shanghai", 1688541040)
    assert row[0].timestamp() == 1688541040 or row[0] == dt.datetime(2023, 7, 5, 15, 10, 40)
