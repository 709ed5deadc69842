"""What becomes of each row: formats of numbers and dates, expressions, lookups, and rows that do not fit."""

from decimal import Decimal
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from importing import Importing

from warehouse.importer import MappingError, SourceError, TooManyRejectsError

SPEND = """
    table: marketing_spend
    types:
      day: date
      cost: {type: decimal, scale: 4}
      seen: integer
    columns:
      spend_date: day
      channel: channel
      spend: cost
      impressions: seen
    constants: {currency: EUR}
"""


@pytest.fixture
def importing(client: Client, tmp_path: Path) -> Importing:
    return Importing.fresh(client, tmp_path)


def test_rows_that_fit_are_loaded_and_the_others_keep_line_column_reason_and_text(importing: Importing) -> None:
    content = (
        "day,channel,cost,seen\n"
        "2024-01-01,search,1.5,10\n"
        "2024-02-30,search,1.5,10\n"  # no such day
        "2024-01-02,search,abc,10\n"  # no number
        "2024-01-03,search,1.5,-1\n"  # below the range of impressions
        "2024-01-04,search,1.23456,10\n"  # more places than the column keeps
        "2024-01-05,search,1.5\n"  # a field too few
        "2024-01-06,,1.5,10\n"  # no channel
        "2200-01-01,search,1.5,10\n"  # beyond Date
        "2024-01-07,search,123456789012345678,10\n"  # beyond Decimal(18, 4)
        '2024-01-08,"search, ""paid""",2.5000,0\n'
    )
    summary = importing.load(importing.file("spend.csv", content), importing.mapping(SPEND))

    assert (summary.rows_read, summary.rows_loaded, summary.rows_rejected) == (10, 2, 8)
    loaded = importing.rows("select toString(spend_date), channel, spend, currency from raw.marketing_spend order by 1")
    assert loaded == [
        ("2024-01-01", "search", Decimal("1.5"), "EUR"),
        ("2024-01-08", 'search, "paid"', Decimal("2.5"), "EUR"),
    ]
    found = importing.rejects()
    assert [(line, column) for line, column, _, _ in found] == [
        (3, "day"), (4, "cost"), (5, "impressions"), (6, "cost"), (7, ""), (8, "channel"), (9, "day"), (10, "spend"),
    ]  # fmt: skip
    assert [raw for _, _, _, raw in found] == content.splitlines()[2:10]
    reasons = {line: reason for line, _, reason, _ in found}
    assert reasons[4] == "not a number with at most 4 decimal places and 34 digits before them: 'abc'"
    assert reasons[5] == "not a whole number from 0 to 18446744073709551615: '-1'"
    assert (reasons[7], reasons[8]) == ("4 fields expected, 3 found", "missing")


def test_a_refund_that_takes_money_is_rejected(importing: Importing) -> None:
    mapping = importing.mapping("""
        table: revenue_events
        types: {at: timestamp, money: decimal}
        columns: {event_type: kind, event_at: at, amount: money}
        constants: {currency: EUR}
    """)
    content = (
        "kind,at,money\nrefund,2024-01-01,-1.5\nrefund,2024-01-02,1.5\nrefund,2024-01-03,0\nrefund,2024-01-04,\n"
        "adjustment,2024-01-05,2\nadjustment,2024-01-06,-2\ncharge,2024-01-07,3\nrefund,2024-01-08,0.0001\n"
    )
    importing.load(importing.file("money.csv", content), mapping)

    assert [tuple(row) for row in importing.rejects()] == [
        (3, "amount", "not the amount of a refund, negative or zero: '1.5'", "refund,2024-01-02,1.5"),
        (9, "amount", "not the amount of a refund, negative or zero: '0.0001'", "refund,2024-01-08,0.0001"),
    ]
    assert importing.rows("select amount from raw.revenue_events order by event_at") == [
        (Decimal(amount),) for amount in ("-1.5", "0", "0", "2", "-2", "3")
    ]


def test_a_mapping_that_brings_no_amount_needs_no_sign(importing: Importing) -> None:
    mapping = importing.mapping("""
        table: revenue_events
        types: {at: timestamp}
        columns: {event_type: kind, event_at: at, currency: "'EUR'"}
    """)
    importing.load(importing.file("money.csv", "kind,at\nrefund,2024-01-01\n"), mapping)
    assert importing.rejects() == []


def test_line_numbers_are_those_of_an_editor_also_behind_line_breaks_in_quotes(importing: Importing) -> None:
    content = (
        'day,channel,cost,seen\r\n2024-01-01,"two\r\nlines",1,1\r\n\r\n2024-01-02,x,bad,1\r\n'
        '2024-01-03,"three\n\nlines",bad,1\r\n2024-01-04,y,bad,1'
    )
    importing.load(importing.file("spend.csv", content), importing.mapping(SPEND))

    assert [line for line, *_ in importing.rejects()] == [5, 6, 9]
    assert importing.rejects()[1][3] == '2024-01-03,"three\n\nlines",bad,1'
    assert importing.rows("select channel from raw.marketing_spend") == [("two\r\nlines",)]


def test_a_quote_that_is_never_closed_costs_its_own_line_only(importing: Importing) -> None:
    content = 'day,channel,cost,seen\n2024-01-01,"open,1,1\n2024-01-02,b,1,1\n2024-01-03,"c",1,1\n2024-01-04,"d,1,1\n'
    importing.load(importing.file("spend.csv", content), importing.mapping(SPEND))

    assert [(line, raw) for line, _, _, raw in importing.rejects()] == [
        (2, '2024-01-01,"open,1,1'),
        (5, '2024-01-04,"d,1,1'),
    ]
    assert importing.rows("select channel from raw.marketing_spend order by 1") == [("b",), ("c",)]


def test_bytes_that_are_no_text_and_nul_reject_their_row_only(importing: Importing) -> None:
    content = b"day,channel,cost,seen\n2024-01-01,caf\xe9,1,1\n2024-01-02,caf\xc3\xa9,1,1\n2024-01-03,nu\0l,1,1\n"
    importing.load(importing.file("spend.csv", content), importing.mapping(SPEND))

    assert importing.rows("select channel from raw.marketing_spend") == [("café",)]
    assert [(line, column, raw) for line, column, _, raw in importing.rejects()] == [
        (2, "channel", "2024-01-01,caf\\xe9,1,1"),
        (4, "channel", "2024-01-03,nu\\x00l,1,1"),
    ]


@pytest.mark.parametrize(("encoding", "mark"), [("cp1252", b""), ("utf-16", b""), ("utf-8", b"\xef\xbb\xbf")])
def test_the_encoding_of_the_mapping_is_used(importing: Importing, encoding: str, mark: bytes) -> None:
    content = mark + "day,channel,cost,seen\n2024-01-01,Müllér,1,1\n".encode(encoding)
    text = SPEND + f"    file: {{encoding: {encoding}}}\n"
    summary = importing.load(importing.file("spend.csv", content), importing.mapping(text))

    assert summary.rows_loaded == 1
    assert importing.rows("select channel from raw.marketing_spend") == [("Müllér",)]


def test_german_numbers_and_dates_in_a_file_without_header(importing: Importing) -> None:
    mapping = importing.mapping("""
        table: marketing_spend
        file:
          delimiter: semicolon
          header: false
          columns: [day, channel, cost]
          numbers: 1.234,56
          dates: "%d.%m.%Y"
        types: {day: date, cost: decimal}
        columns: {spend_date: day, channel: channel, spend: cost}
        constants: {currency: EUR}
    """)
    content = "31.12.2023;a;1.234,56\n1.2.2024;b;-0,5\n2.2.2024;c;1.5\n3.2.2024;d;12.34,5\n2024-02-04;e;1\n"
    importing.load(importing.file("spend.txt.csv", content), mapping)

    assert importing.rows("select toString(spend_date), spend from raw.marketing_spend order by 1") == [
        ("2023-12-31", Decimal("1234.56")),
        ("2024-02-01", Decimal("-0.5")),
    ]
    assert [(line, column) for line, column, _, _ in importing.rejects()] == [(3, "cost"), (4, "cost"), (5, "day")]


TREND = """
    table: system_metrics
    file: {time_zone: Europe/London}
    types: {at: timestamp}
    columns: {event_at: at, host: name, metric: "'cpu'", value: "1.0"}
"""


def at(importing: Importing, form: str, *times: str) -> list[str]:
    """The instants that the texts stand for, `rejected` where there is none."""
    mapping = importing.mapping(
        TREND.replace("types: {at: timestamp}", f"types: {{at: {{type: timestamp, format: '{form}'}}}}")
    )
    rows = "".join(f'"{time}",{number}\n' for number, time in enumerate(times, 1))
    importing.load(importing.file("times.csv", f"at,name\n{rows}"), mapping)
    found = dict(importing.rows("select host, toString(event_at) from raw.system_metrics"))
    return [found.get(str(number), "rejected") for number in range(1, len(times) + 1)]


def test_iso_times_are_local_unless_they_name_an_offset(importing: Importing) -> None:
    assert at(
        importing, "iso", "2011-07-01 12:00:00", "2011-07-01T12:00:00.5Z", "2011-07-01T12:00:00+02:00", "2011-01-01",
        "2011-03-27 01:30:00", "2011-10-30 01:30:00", "2011-02-29 00:00:00", "2011-01-01 24:00:00", "1850-01-01", "x",
    ) == [
        "2011-07-01 11:00:00.000", "2011-07-01 12:00:00.500", "2011-07-01 10:00:00.000", "2011-01-01 00:00:00.000",
        "rejected", "2011-10-30 00:30:00.000", "rejected", "rejected", "rejected", "rejected",
    ]  # fmt: skip


def test_times_follow_the_format_of_the_mapping(importing: Importing) -> None:
    form = "%d/%m/%Y %I:%M:%S.%f %p"
    assert at(importing, form, "1/7/2011 1:05:06.25 PM", "31/12/2010 12:00:00 AM", "13/13/2011 1:00:00 PM", "2011") == [
        "2011-07-01 12:05:06.250", "2010-12-31 00:00:00.000", "rejected", "rejected",
    ]  # fmt: skip


def test_a_local_time_that_the_clock_skipped_does_not_fit_in_any_format(importing: Importing) -> None:
    assert at(importing, "%Y%m%d%H%M", "201103270130", "201103270230", "201107010000") == [
        "rejected", "2011-03-27 01:30:00.000", "2011-06-30 23:00:00.000",
    ]  # fmt: skip


def test_unix_times_are_read(importing: Importing) -> None:
    assert at(importing, "unix", "1300000000", "1300000000.25", "-1", "9" * 13) == [
        "2011-03-13 07:06:40.000", "2011-03-13 07:06:40.250", "1969-12-31 23:59:59.000", "rejected",
    ]  # fmt: skip


def test_lookups_translate_and_a_key_that_is_not_listed_rejects_the_row(importing: Importing) -> None:
    mapping = importing.mapping("""
        table: market_trends
        lookups: {code: {Germany: DE, Eire: IE}}
        columns: {period_start: day, topic: topic, country: code(land), metric: "concat(topic, '!')", value: n}
    """)
    content = "day,topic,land,n\n2024-01-01,tax,Germany,1e3\n2024-01-01,vat,Atlantis,2\n2024-01-01,vat,,3\n"
    importing.load(importing.file("trends.csv", content), mapping)

    assert importing.rows("select country, metric, value from raw.market_trends order by value") == [
        ("", "vat!", 3.0),
        ("DE", "tax!", 1000.0),
    ]
    assert importing.rejects() == [(3, "country", "not listed in the lookup: 'Atlantis'", "2024-01-01,vat,Atlantis,2")]


def test_an_expression_that_fails_rejects_only_the_rows_on_which_it_fails(importing: Importing) -> None:
    mapping = importing.mapping("""
        table: market_trends
        columns: {period_start: day, topic: topic, metric: "'index'", value: "toInt32(assumeNotNull(n)) / 2"}
    """)
    lines = [f"2024-01-01,t,{number if number % 97 else 'oops'}" for number in range(1, 301)]
    importing.load(importing.file("trends.csv", "day,topic,n\n" + "\n".join(lines)), mapping)

    assert importing.rows("select count(), sum(value) from raw.market_trends") == [
        (297, sum(number / 2 for number in range(1, 301) if number % 97)),
    ]
    assert [(line, column) for line, column, _, _ in importing.rejects()] == [
        (98, "value"),
        (195, "value"),
        (292, "value"),
    ]
    assert "oops" in importing.rejects()[0][2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("spend: cost", "spend: costs"), "column `spend`: the file has no column `costs`; did you mean `cost`?"),
        (("spend: cost", "spent: cost"), "table marketing_spend has no column `spent`; did you mean `spend`?"),
        (("seen: integer", "sen: integer"), "types: the file has no column `sen`; did you mean `seen`?"),
        (
            ("table: marketing_spend", "table: marketing_spent"),
            "has no table `marketing_spent`; did you mean `marketing_spend`?",
        ),
        (("channel: channel", "channel: lowr(channel)"), "column `channel`:"),
        (("spend: cost", "plan: cost"), "table marketing_spend has no column `plan`"),
        (("      channel: channel\n", ""), "column `channel` of marketing_spend needs an expression or a constant"),
        (("spend_date: day", "spend_date: cost"), "column `spend_date`: Decimal(38, 4) cannot become Date"),
    ],
)
def test_a_wrong_mapping_is_one_line_that_names_the_column(
    importing: Importing, change: tuple[str, str], message: str
) -> None:
    file = importing.file("spend.csv", "day,channel,cost,seen\n2024-01-01,search,1.5,10\n")
    assert change[0] in SPEND
    with pytest.raises(MappingError) as caught:
        importing.load(file, importing.mapping(SPEND.replace(*change, 1)))

    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not any(name.startswith("_load_") for name in importing.tables())


def test_jsonl_keeps_exact_numbers_and_rejects_lines_that_are_no_object(importing: Importing) -> None:
    content = (
        '{"day":"2024-01-01","channel":"a","cost":123456789.1234,"seen":1}\n'
        "[1]\n"
        '{"day":"2024-01-01","channel":"b"\n'
        "\n"
        '{"channel":"c","day":"2024-01-02","seen":null,"cost":1e1,"more":{"x":[1]}}\n'
        '{"day":"2024-01-03","channel":"d","seen":1}\n'
    )
    importing.load(importing.file("spend.jsonl", content), importing.mapping(SPEND))

    assert importing.rows("select channel, spend, impressions from raw.marketing_spend order by 1") == [
        ("a", Decimal("123456789.1234"), 1),
        ("c", Decimal(10), 0),
    ]
    assert [(line, column) for line, column, _, _ in importing.rejects()] == [(2, ""), (3, ""), (6, "spend")]


def test_tsv_with_backslashes_is_read_as_clickhouse_writes_it(importing: Importing) -> None:
    text = SPEND + "    file: {format: tsv, quote: null, escape: backslash}\n"
    content = 'day\tchannel\tcost\tseen\n2024-01-01\ta\\tb "c\t1\t\\N\n'
    importing.load(importing.file("spend.txt", content), importing.mapping(text))

    assert importing.rows("select channel, impressions from raw.marketing_spend") == [('a\tb "c', 0)]


def test_a_line_too_long_to_hold_is_rejected_and_reading_goes_on(importing: Importing) -> None:
    content = "day,channel,cost,seen\n2024-01-01,a,1,1\n" + "x" * (9 << 20) + "\n2024-01-02,b,1,1\n2024-01-03,c,z,1\n"
    importing.load(importing.file("spend.csv", content), importing.mapping(SPEND))

    assert importing.rows("select count() from raw.marketing_spend") == [(2,)]
    assert [(line, reason[:16]) for line, _, reason, _ in importing.rejects()] == [
        (3, "line longer than"),
        (5, "not a number wit"),
    ]


def test_when_no_row_fits_the_load_fails(importing: Importing) -> None:
    file = importing.file("spend.csv", "day,channel,cost,seen\nx,search,1.5,10\n")
    with pytest.raises(TooManyRejectsError, match=r"no row fits .*line 2, column day"):
        importing.load(file, importing.mapping(SPEND))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.csv", b"", "the file is empty"),
        ("binary.csv", bytes(range(256)) * 20, "not a text file"),
        ("sheet.csv", b"PK\x03\x04" + b"\0" * 100, "a ZIP archive or spreadsheet"),
        ("cut.csv.gz", b"\x1f\x8b\x08\0\0\0\0\0", "damaged or ends too early"),
        ("twice.csv", b"day,day\n1,2\n", "names a column twice: 'day'"),
        ("wrong.parquet", b"PAR1 is not enough", "not a Parquet file"),
        ("wrong.jsonl", b"day,cost\n1,2\n", "no JSON object"),
    ],
)
def test_a_file_that_is_not_what_it_is_called_is_one_line(
    importing: Importing, name: str, content: bytes, message: str
) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        importing.load(importing.file(name, content), importing.mapping(SPEND))

    assert "\n" not in str(caught.value)
    assert importing.rows("select count() from raw.marketing_spend") == [(0,)]


def test_a_missing_file_and_a_directory_are_one_line(importing: Importing) -> None:
    mapping = importing.mapping(SPEND)
    with pytest.raises(SourceError, match="cannot open the file"):
        importing.load(importing.folder / "absent.csv", mapping)
    with pytest.raises(SourceError, match="a directory, not a file"):
        importing.load(importing.folder, mapping)
