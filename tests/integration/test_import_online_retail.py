"""The real file: the published counts, the money to the penny, the clock of London."""

import csv
import io
import lzma
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from importing import Importing

from gtc.settings import PROJECT_ROOT, Settings, load_settings
from warehouse.client import connect
from warehouse.importer import Summary

MAPPING = PROJECT_ROOT / "warehouse" / "mappings" / "online_retail.yml"


@pytest.fixture(scope="module")
def file() -> Path:
    path = load_settings().gtc_online_retail_file
    if not path.exists():
        pytest.skip("Online Retail is not here: set GTC_ONLINE_RETAIL_FILE to the file of UCI data set 352")
    return path


@pytest.fixture(scope="module")
def loaded(file: Path, warehouse: Settings, tmp_path_factory: pytest.TempPathFactory) -> tuple[Importing, Summary]:
    importing = Importing.fresh(connect(warehouse), tmp_path_factory.mktemp("online_retail"))
    return importing, importing.load(file, MAPPING)


@pytest.fixture(scope="module")
def lines(file: Path) -> list[dict[str, str]]:
    """The file as Python's csv module reads it."""
    with lzma.open(file) as unpacked:
        return list(csv.DictReader(io.TextIOWrapper(unpacked, "utf-8", newline="")))


def test_every_line_is_read_and_loaded(loaded: tuple[Importing, Summary]) -> None:
    assert (loaded[1].rows_read, loaded[1].rows_loaded, loaded[1].rows_rejected) == (541_909, 541_909, 0)


def test_the_published_counts_hold_in_raw(loaded: tuple[Importing, Summary]) -> None:
    found = loaded[0].rows("""
        select count(), uniqExact(event_id), uniqExact(order_id), uniqExact(product_id),
            uniqExactIf(user_id, user_id != ''), countIf(user_id = ''), uniqExact(properties['country'])
        from raw.revenue_events""")
    assert found == [(541_909, 541_909, 25_900, 4_070, 4_372, 135_080, 38)]


def test_lines_that_repeat_exactly_are_all_kept(loaded: tuple[Importing, Summary]) -> None:
    found = loaded[0].rows("""
        select sum(repeats - 1) from (
            select count() as repeats from raw.revenue_events
            group by order_id, product_id, product_name, quantity, event_at, unit_price, user_id, properties
        )""")
    assert found == [(5_268,)]


def test_cancellations_are_refunds_and_bad_debt_is_an_adjustment(
    loaded: tuple[Importing, Summary], lines: list[dict[str, str]]
) -> None:
    kinds = {"C": "refund", "A": "adjustment"}
    expected, money = Counter[str](), dict[str, Decimal]()
    for line in lines:
        kind = kinds.get(line["InvoiceNo"][0], "charge")
        expected[kind] += 1
        money[kind] = money.get(kind, Decimal()) + int(line["Quantity"]) * Decimal(line["UnitPrice"])

    found = loaded[0].rows("select event_type, count(), sum(amount), any(currency) from raw.revenue_events group by 1")
    assert {row[0]: row[1:] for row in found} == {kind: (expected[kind], money[kind], "GBP") for kind in expected}
    positive = "select count() from raw.revenue_events where event_type = 'refund' and amount >= 0"
    assert loaded[0].rows(positive) == [(0,)]


def test_every_field_of_every_line_arrives(loaded: tuple[Importing, Summary], lines: list[dict[str, str]]) -> None:
    found = loaded[0].rows("""
        select order_id, product_id, product_name, quantity, toUnixTimestamp(event_at), unit_price, user_id,
            properties['country'], amount
        from raw.revenue_events""")
    assert Counter(map(_plain, found)) == Counter(map(_expected, lines))


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*row[:5], row[5].normalize(), *row[6:8], row[8].normalize())


def _expected(line: dict[str, str]) -> tuple[Any, ...]:
    local = datetime.fromisoformat(line["InvoiceDate"]).replace(tzinfo=ZoneInfo("Europe/London"))
    price = Decimal(line["UnitPrice"])
    return (
        line["InvoiceNo"], line["StockCode"], line["Description"], int(line["Quantity"]),
        int(local.astimezone(UTC).timestamp()), price.normalize(), line["CustomerID"], line["Country"],
        (price * int(line["Quantity"])).normalize(),
    )  # fmt: skip


def test_countries_are_iso_codes_except_where_there_is_no_country(loaded: tuple[Importing, Summary]) -> None:
    found = dict(loaded[0].rows("select properties['country'], any(country) from raw.revenue_events group by 1"))
    without = {name for name, code in found.items() if not code}
    assert without == {"Channel Islands", "European Community", "Unspecified"}
    assert (found["EIRE"], found["RSA"], found["Norway"], found["United Kingdom"]) == ("IE", "ZA", "NO", "GB")
    assert all(len(code) == 2 and code.isupper() for code in found.values() if code)
