"""The clients that people use, all at once on one warehouse."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import clickhouse_connect
import pandas as pd
import pyarrow as pa
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from sqlalchemy import create_engine, inspect, text


def options(settings, role="etl"):
    reader = role == "reader"
    password = settings.warehouse_reader_password if reader else settings.warehouse_password
    return {
        "host": settings.warehouse_host,
        "port": settings.warehouse_port,
        "username": settings.warehouse_reader_user if reader else settings.warehouse_user,
        "password": password.get_secret_value(),
    }


def frames(settings, number):
    """A notebook: data frames in and out."""
    table = f"frames_{number}"
    with clickhouse_connect.get_client(**options(settings)) as client:
        client.command(
            f"CREATE OR REPLACE TABLE {table} (a Int64, s String, t DateTime64(3, 'UTC')) ENGINE = MergeTree ORDER BY a"
        )
        frame = pd.DataFrame(
            {"a": range(5000), "s": [f"row {n}" for n in range(5000)], "t": pd.Timestamp("2026-01-02", tz="UTC")}
        )
        assert client.insert_df(table, frame).written_rows == 5000
        back = client.query_df(f"SELECT * FROM {table} ORDER BY a")
        assert back["a"].tolist() == frame["a"].tolist()
        assert back["s"].tolist() == frame["s"].tolist()
    return "frames"


def arrow(settings, number):
    """A pipeline: Arrow in and out."""
    table = f"arrow_{number}"
    with clickhouse_connect.get_client(**options(settings)) as client:
        client.command(f"CREATE OR REPLACE TABLE {table} (a Int64, s String) ENGINE = MergeTree ORDER BY a")
        data = pa.table({"a": pa.array(range(1000), pa.int64()), "s": pa.array(["x"] * 1000)})
        client.insert_arrow(table, data)
        assert client.query_arrow(f"SELECT a FROM {table} ORDER BY a").column("a").to_pylist() == list(range(1000))
    return "arrow"


def stream(settings, number):
    """An export: rows as they come."""
    with clickhouse_connect.get_client(**options(settings, "reader")) as client:
        sql = f"SELECT number + {number} AS n FROM numbers(1000000)"
        with client.query_row_block_stream(sql) as blocks:
            assert sum(row[0] for block in blocks for row in block) == sum(range(1_000_000)) + number * 1_000_000
    return "stream"


def dialect(settings, number):
    """Superset: SQLAlchemy's dialect."""
    engine = create_engine(
        "clickhousedb://{username}:{password}@{host}:{port}/system".format(**options(settings, "reader")), pool_size=1
    )
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count() FROM numbers(:n)"), {"n": 10 + number}).scalar() == 10 + number
    assert "one" in inspect(engine).get_table_names(schema="system")
    engine.dispose()
    return "dialect"


def dbt_like(settings, number):
    """dbt's way: a session of its own, statements with settings, tables that are exchanged."""
    with clickhouse_connect.get_client(
        **options(settings), settings={"mutations_sync": "3", "insert_distributed_sync": "1"}, query_limit=0
    ) as client:
        client.command("CREATE DATABASE IF NOT EXISTS dbt_like")
        for suffix in ("", "__dbt_backup"):
            client.command(
                f"CREATE OR REPLACE TABLE dbt_like.model_{number}{suffix} ENGINE = MergeTree ORDER BY tuple() "
                f"AS SELECT {number} AS n SETTINGS join_use_nulls = 1"
            )
        client.command(f"EXCHANGE TABLES dbt_like.model_{number} AND dbt_like.model_{number}__dbt_backup")
        rows = client.query(
            "SELECT name FROM system.tables WHERE database = {db:String}", parameters={"db": "dbt_like"}
        )
        assert (f"model_{number}",) in rows.result_rows
        client.command(f"ALTER TABLE dbt_like.model_{number} DELETE WHERE n = {number}")
        assert client.command(f"SELECT count() FROM dbt_like.model_{number}") == 0
    return "dbt"


def test_all_kinds_of_clients_work_at_the_same_time(warehouse):
    work = [frames, arrow, stream, dialect, dbt_like]
    with ThreadPoolExecutor(10) as pool:
        done = [pool.submit(job, warehouse, number) for number in range(4) for job in work]
        assert len([job.result(120) for job in done]) == len(work) * 4


def test_the_asynchronous_client_runs_queries_side_by_side(warehouse):
    async def ask() -> list[int]:
        client = await clickhouse_connect.get_async_client(**options(warehouse), autogenerate_session_id=False)
        replies = await asyncio.gather(*(client.query(f"SELECT {number}") for number in range(20)))
        await client.close()
        return [reply.result_rows[0][0] for reply in replies]

    assert asyncio.run(ask()) == list(range(20))


@pytest.mark.parametrize("compress", [False, "lz4", "zstd", "gzip", "br"])
def test_the_client_may_choose_any_compression(warehouse, compress):
    with clickhouse_connect.get_client(**options(warehouse), compress=compress) as client:
        client.command("CREATE OR REPLACE TABLE compressed (a Int64, s String) ENGINE = MergeTree ORDER BY a")
        client.insert("compressed", [[number, f"row {number}"] for number in range(20_000)], ["a", "s"])
        assert len(client.query("SELECT * FROM compressed").result_rows) == 20_000


def test_the_client_hears_of_errors_in_mid_stream(warehouse):
    with clickhouse_connect.get_client(**options(warehouse)) as client, pytest.raises(Exception, match="boom"):
        client.query("SELECT throwIf(number = 3000000, 'boom') FROM numbers(4000000)").result_rows  # noqa: B018


def test_the_client_hears_of_plain_errors(warehouse):
    with (
        clickhouse_connect.get_client(**options(warehouse)) as client,
        pytest.raises(DatabaseError, match="UNKNOWN_TABLE"),
    ):
        client.query("SELECT * FROM nowhere")
