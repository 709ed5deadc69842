"""The same event may be delivered again and again; readers get it once, and always the same delivery."""

import random
import uuid
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from importing import Importing

#: How staging models read a raw table.
READ = "select * from (select *, row_version from raw.user_events order by row_version desc limit 1 by event_id)"
COLUMNS = ["event_id", "event_name", "event_at", "received_at", "user_id", "load_id"]


@pytest.fixture
def raw(client: Client, tmp_path: Path) -> Importing:
    return Importing.fresh(client, tmp_path)


def deliver(raw: Importing, rows: list[tuple[Any, ...]]) -> None:
    """Insert each row in a statement of its own, as separate deliveries arrive."""
    for row in rows:
        values = ", ".join(f"'{value}'" for value in row)
        raw.client.command(
            f"insert into {raw.dataset.raw_database}.user_events ({', '.join(COLUMNS)}) values ({values})"
        )


def read(raw: Importing) -> list[tuple[Any, ...]]:
    return raw.rows(
        f"select toString(event_id), event_name, toString(event_at), user_id, load_id from ({READ}) order by 1"
    )


def delivery(
    event: int, *, name: str = "login", at: str = "2024-05-01 10:00:00.000", received: str, user: str = "u"
) -> Any:
    return (str(uuid.UUID(int=event)), name, at, received, user, str(uuid.UUID(int=0)))


DELIVERIES = [
    delivery(1, received="2024-05-01 10:00:01.000"),
    delivery(1, received="2024-05-01 10:00:01.000"),  # the same again
    delivery(2, received="2024-05-01 10:00:01.000"),
    delivery(2, received="2024-05-02 09:00:00.000", user="corrected"),  # received later
    delivery(3, received="2024-05-02 09:00:00.000", at="2024-06-01 00:00:00.000"),  # moved to another month
    delivery(3, received="2024-05-01 10:00:01.000"),
    delivery(4, received="2024-05-01 10:00:01.000", user="a"),  # received in the same millisecond
    delivery(4, received="2024-05-01 10:00:01.000", user="b"),
    delivery(5, received="2024-05-01 10:00:01.000", name="log_in"),  # another sorting key in the same partition
    delivery(5, received="2024-05-01 10:00:02.000", name="login"),
]


def test_readers_get_the_delivery_received_last_before_and_after_merges(raw: Importing) -> None:
    deliver(raw, DELIVERIES)
    before = read(raw)

    assert [row[:4] for row in before if not row[0].endswith("4")] == [
        (str(uuid.UUID(int=1)), "login", "2024-05-01 10:00:00.000", "u"),
        (str(uuid.UUID(int=2)), "login", "2024-05-01 10:00:00.000", "corrected"),
        (str(uuid.UUID(int=3)), "login", "2024-06-01 00:00:00.000", "u"),
        (str(uuid.UUID(int=5)), "login", "2024-05-01 10:00:00.000", "u"),
    ]
    raw.client.command(f"optimize table {raw.dataset.raw_database}.user_events final")
    assert read(raw) == before
    # what a merge cannot see together stays, and is still read once
    assert raw.rows(
        "select count() from raw.user_events where event_id = toUUID('00000000-0000-0000-0000-000000000003')"
    ) == [(2,)]


def test_the_order_of_arrival_and_of_merges_does_not_matter(client: Client, tmp_path: Path) -> None:
    answers = []
    for seed in range(4):
        raw = Importing.fresh(client, tmp_path)
        order = random.Random(seed).sample(DELIVERIES, len(DELIVERIES))
        deliver(raw, order[:5])
        raw.client.command(f"optimize table {raw.dataset.raw_database}.user_events final")
        deliver(raw, order[5:])
        if seed % 2:
            raw.client.command(f"optimize table {raw.dataset.raw_database}.user_events final")
        answers.append(read(raw))
    assert all(answer == answers[0] for answer in answers)


def test_row_version_is_the_time_of_arrival_above_a_hash(raw: Importing) -> None:
    deliver(raw, DELIVERIES)
    assert raw.rows(
        "select countIf(bitShiftRight(row_version, 20) != toUnixTimestamp64Milli(received_at)) from raw.user_events"
    ) == [(0,)]


def test_row_version_covers_every_column_of_every_table(raw: Importing) -> None:
    """A column that the hash leaves out would let a merge choose between two contents."""
    columns = raw.rows(f"""
        select table, name, default_expression, default_kind from system.columns
        where database = '{raw.dataset.raw_database}' and table not like 'load\\_%' and table != 'schema_migrations'""")
    versions = {table: text for table, name, text, _ in columns if name == "row_version"}
    assert len(versions) == 11
    for table, name, _, kind in columns:
        if kind != "MATERIALIZED" and name not in ("event_id", "received_at"):
            assert name in versions[table], f"{table}.{name} is missing in row_version"
