"""Random rows, written in every format and compression by other libraries, come back as they were."""

import csv
import gzip
import io
import json
import lzma
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from importing import Importing

from gtc.settings import PROJECT_ROOT, Settings
from warehouse.client import connect

Row = dict[str, Any]
MAPPINGS = PROJECT_ROOT / "warehouse" / "mappings"
NAMES = ["event_id", "event_type", "event_at", "user_id", "quantity", "amount", "currency", "properties"]
#: Text that can be stored: no NUL, no surrogates.
# A short text full of control characters is taken for a binary file, on purpose; those that text has are kept.
CONTROLS = "".join(chr(code) for code in range(32) if chr(code) not in "\t\n\r\f")
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=CONTROLS), max_size=12)
MONEY = st.decimals(min_value=-(10**9), max_value=10**9, places=4).map(lambda value: value + 0)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "event_id": st.uuids(),
            "event_type": TEXT.map(lambda text: f"t{text}"),
            "event_at": st.datetimes(datetime(1900, 1, 2), datetime(2299, 12, 30)).map(
                lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
            ),
            "user_id": TEXT,
            "quantity": st.integers(-(2**63), 2**63 - 1),
            "amount": MONEY,
            "currency": st.sampled_from(["GBP", "EUR"]),
            "properties": st.dictionaries(TEXT, TEXT, max_size=3),
        }
    ),
    min_size=1,
    max_size=20,
    unique_by=lambda row: row["event_id"],
)


def plain(row: Row) -> dict[str, str]:
    """A row as text."""
    moment = row["event_at"].strftime("%Y-%m-%dT%H:%M:%S.%f").rjust(26, "0") + "Z"
    texts = {name: str(value) for name, value in row.items()}
    return texts | {"event_at": moment, "properties": json.dumps(row["properties"]), "amount": f"{row['amount']:f}"}


def as_csv(rows: list[Row], delimiter: str = ",") -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, NAMES, delimiter=delimiter)
    writer.writeheader()
    writer.writerows(map(plain, rows))
    return text.getvalue().encode()


def as_tsv(rows: list[Row]) -> bytes:
    return as_csv(rows, "\t")


def as_jsonl(rows: list[Row]) -> bytes:
    objects = [{**plain(row), "quantity": row["quantity"], "properties": row["properties"]} for row in rows]
    return "".join(json.dumps(row, ensure_ascii=len(row["user_id"]) % 2 == 0) + "\n" for row in objects).encode()


def as_parquet(rows: list[Row]) -> bytes:
    kinds = {
        "event_id": pa.string(), "event_type": pa.dictionary(pa.int32(), pa.string()),
        "event_at": pa.timestamp("ms", "UTC"), "user_id": pa.large_string(), "quantity": pa.int64(),
        "amount": pa.decimal128(18, 4), "currency": pa.string(), "properties": pa.map_(pa.string(), pa.string()),
    }  # fmt: skip
    typed = [{**row, "event_id": str(row["event_id"]), "properties": list(row["properties"].items())} for row in rows]
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(typed, pa.schema(list(kinds.items()))), sink, row_group_size=7)
    return sink.getvalue()


FORMATS: dict[str, Callable[[list[Row]], bytes]] = {
    "csv": as_csv, "tsv": as_tsv, "jsonl": as_jsonl, "parquet": as_parquet,
}  # fmt: skip
PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes, ".gz": gzip.compress, ".xz": lzma.compress, ".zst": zstandard.compress,
}  # fmt: skip


@pytest.fixture(scope="module")
def importing(warehouse: Settings, tmp_path_factory: pytest.TempPathFactory) -> Importing:
    return Importing.fresh(connect(warehouse), tmp_path_factory.mktemp("round_trips"))


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=ROWS, packing=st.sampled_from(sorted(PACKINGS)))
def test_rows_come_back_as_they_were_written(importing: Importing, form: str, rows: list[Row], packing: str) -> None:
    name = f"{uuid.uuid4().hex}.{form}{packing}"
    file = importing.file(name, PACKINGS[packing](FORMATS[form](rows)))
    summary = importing.load(file, MAPPINGS / "simulator_revenue_events.yml", again=True)

    assert (summary.rows_read, summary.rows_rejected) == (len(rows), 0), summary.first_rejects
    found = importing.rows(f"""
        select event_id, event_type, toUnixTimestamp64Milli(event_at), user_id, quantity, amount, currency, properties
        from raw.revenue_events where load_id = '{summary.load_id}'""")
    expected = {row["event_id"]: tuple(row[key] for key in NAMES) for row in rows}
    assert {row[0]: row for row in found} == {
        key: (*row[:2], round(row[2].timestamp() * 1000), *row[3:]) for key, row in expected.items()
    }


def test_times_without_zone_in_parquet_are_local_to_the_mapping(importing: Importing, tmp_path: Path) -> None:
    mapping = importing.mapping("""
        table: market_trends
        file: {time_zone: Europe/Berlin}
        columns: {period_start: day, received_at: at, topic: topic, metric: "'m'", value: n / 4}
    """)
    columns = {
        "day": pa.array([date(2024, 7, 1)], pa.date32()),
        "at": pa.array([datetime(2024, 7, 1, 12)], pa.timestamp("us")),
        "topic": pa.array(["tax"]),
        "n": pa.array([Decimal("1.00")], pa.decimal128(10, 2)),
    }
    pq.write_table(pa.table(columns), tmp_path / "trends.parquet")
    importing.load(tmp_path / "trends.parquet", mapping)

    found = importing.rows("select toString(period_start), toString(received_at), topic, value from raw.market_trends")
    assert found == [("2024-07-01", "2024-07-01 10:00:00.000", "tax", 0.25)]


def test_a_row_of_parquet_that_does_not_fit_is_rejected_by_its_number(importing: Importing, tmp_path: Path) -> None:
    mapping = importing.mapping("""
        table: calculator_usage
        columns: {event_at: at, calculation_id: id, calculator: "'vat'", action: "'start'", step_number: step}
    """)
    steps = [1, 255, 256, -1, None]
    columns = {"at": [datetime(2024, 1, 1, tzinfo=UTC)] * 5, "id": list("abcde"), "step": steps}
    pq.write_table(pa.table(columns), tmp_path / "steps.parquet")
    summary = importing.load(tmp_path / "steps.parquet", mapping)

    assert (summary.rows_loaded, summary.rows_rejected) == (3, 2)
    assert importing.rows("select calculation_id, step_number from raw.calculator_usage order by 1") == [
        ("a", 1), ("b", 255), ("e", 0),
    ]  # fmt: skip
    rejects = [(line, column, reason) for line, column, reason, _ in importing.rejects()]
    assert rejects == [
        (3, "step_number", "not a whole number from 0 to 255: '256'"),
        (4, "step_number", "not a whole number from 0 to 255: '-1'"),
    ]


def test_every_raw_table_has_a_mapping_for_the_files_of_the_simulator(importing: Importing) -> None:
    tables = {
        str(name)
        for (name,) in importing.rows(
            f"select table from system.columns where database = '{importing.dataset.raw_database}' and name = 'load_id'"
        )
    }
    shipped = {path.stem.removeprefix("simulator_") for path in MAPPINGS.glob("simulator_*.yml")}
    assert shipped == {table for table in tables if not table.startswith(("load_", "_load_"))}
