"""clickhouse-connect's asynchronous client (aiohttp) against the warehouse."""

import asyncio
import time
import uuid
from collections.abc import Iterator
from typing import Any

import clickhouse_connect
import pandas as pd
import pyarrow as pa
import pytest
from clickhouse_connect.driver import AsyncClient
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import (
    DatabaseError,
    OperationalError,
    ProgrammingError,
    StreamClosedError,
    StreamFailureError,
)
from clickhouse_connect.driver.external import ExternalData
from connect_support import address, scratch_client, scratch_table

from gtc.settings import Settings


@pytest.fixture(scope="module")
def home(warehouse: Settings) -> Iterator[Client]:
    with scratch_client(warehouse) as client:
        yield client


@pytest.fixture
def options(warehouse: Settings, home: Client) -> dict[str, Any]:
    return {**address(warehouse), "database": home.database, "autogenerate_session_id": False}


async def _open(options: dict[str, Any], **more: Any) -> AsyncClient:
    return await clickhouse_connect.get_async_client(**{**options, **more})


def test_every_way_to_ask_gives_its_own_kind_of_answer(options: dict[str, Any]) -> None:
    async def ask() -> None:
        async with await _open(options) as client:
            assert await client.ping()
            assert await client.command("SELECT 42") == 42
            assert (await client.query("SELECT number FROM numbers(3)")).result_rows == [(0,), (1,), (2,)]
            assert await client.raw_query("SELECT 42") == b"42\n"
            assert (await client.query_np("SELECT number FROM numbers(3)")).tolist() == [[0], [1], [2]]
            assert (await client.query_df("SELECT number AS n FROM numbers(3)"))["n"].tolist() == [0, 1, 2]
            assert (await client.query_arrow("SELECT number AS n FROM numbers(3)")).to_pydict() == {"n": [0, 1, 2]}
            context = client.create_query_context("SELECT {k:Int32}", parameters={"k": 42}, column_oriented=True)
            assert (await client.query(context=context)).result_set == [[42]]
            assert (await client.query("SELECT 1")).summary["read_rows"] == "1"
            assert uuid.UUID((await client.query("SELECT 1")).query_id).version == 4

    asyncio.run(ask())


def test_every_way_to_insert_stores_the_rows(options: dict[str, Any], home: Client) -> None:
    async def fill(table: str) -> list[tuple[int, str]]:
        async with await _open(options) as client:
            await client.insert(table, [[1, "insert"]])
            await client.insert_df(table, pd.DataFrame({"key": [2], "value": ["frame"]}))
            await client.insert_arrow(table, pa.table({"key": [3], "value": ["arrow"]}))
            await client.raw_insert(table, ["key", "value"], '4,"raw"\n', fmt="CSV")
            context = await client.create_insert_context(table, data=[[5, "context"]])
            await client.insert(context=context)
            await client.command(f"INSERT INTO {table} VALUES (6, 'command')")
            return list((await client.query(f"SELECT * FROM {table} ORDER BY key")).result_rows)

    with scratch_table(home, "key UInt32", "value String", order_by="key") as table:
        words = ["insert", "frame", "arrow", "raw", "context", "command"]
        assert asyncio.run(fill(table)) == list(enumerate(words, 1))


def test_queries_of_one_client_run_at_once(options: dict[str, Any]) -> None:
    async def ask() -> float:
        async with await _open(options) as client:
            started = time.perf_counter()
            answers = await asyncio.gather(*(client.query(f"SELECT {number}, sleep(0.5)") for number in range(10)))
            assert [answer.first_row[0] for answer in answers] == list(range(10))
            return time.perf_counter() - started

    assert asyncio.run(ask()) < 2.5  # one after the other they would take 5 seconds


def test_more_queries_than_connections_are_all_answered(options: dict[str, Any]) -> None:
    async def ask() -> list[int]:
        async with await _open(options, connector_limit=10, connector_limit_per_host=5) as client:
            answers = await asyncio.gather(*(client.query(f"SELECT {number}") for number in range(50)))
            return [answer.first_row[0] for answer in answers]

    assert asyncio.run(ask()) == list(range(50))


def test_streams_run_side_by_side_and_may_be_left_early(options: dict[str, Any]) -> None:
    async def total(client: AsyncClient, rest: int) -> int:
        found = 0
        async with await client.query_rows_stream(
            f"SELECT number FROM numbers(1000) WHERE number % 3 = {rest}", settings={"max_block_size": 100}
        ) as rows:
            async for row in rows:
                found += row[0]
        return found

    async def ask() -> None:
        async with await _open(options) as client:
            assert sum(await asyncio.gather(*(total(client, rest) for rest in range(3)))) == 499_500
            stream = await client.query_rows_stream(
                "SELECT number, repeat('x', 1000) FROM numbers(20000)", settings={"max_block_size": 1000}
            )
            seen = 0
            async with stream:
                async for _ in stream:
                    seen += 1
                    if seen == 1000:
                        break
            assert (await client.query("SELECT 1")).first_row == (1,)
            with pytest.raises(StreamClosedError):
                async with stream:
                    pass

    asyncio.run(ask())


def test_an_error_is_that_of_its_own_query(options: dict[str, Any]) -> None:
    async def ask() -> list[Any]:
        async with await _open(options) as client:
            texts = ["SELECT 1", "SELECT no_such_thing!!!", "SELECT 2", "SELECT * FROM nowhere_13", "SELECT 3"]
            return await asyncio.gather(*(client.query(text) for text in texts), return_exceptions=True)

    answers = asyncio.run(ask())
    assert [answer.first_row[0] for answer in answers[::2]] == [1, 2, 3]
    assert isinstance(answers[1], DatabaseError)
    assert answers[3].code == 60


async def _read_all(client: AsyncClient, sql: str) -> None:
    async with await client.query_row_block_stream(sql) as blocks:
        async for _ in blocks:
            pass


def test_an_error_in_mid_stream_reaches_the_reader(options: dict[str, Any]) -> None:
    async def ask() -> None:
        async with await _open(options) as client:
            with pytest.raises(StreamFailureError, match="throwIf"):
                await _read_all(client, "SELECT number, throwIf(number >= 1000000) FROM numbers(2000000)")
            with pytest.raises(StreamFailureError, match="throwIf"):
                await client.query(
                    "SELECT sleepEachRow(0.01), throwIf(number = 50) FROM numbers(100)",
                    settings={"max_block_size": 1, "wait_end_of_query": 0},
                )
            assert (await client.query("SELECT 1")).first_row == (1,)

    asyncio.run(ask())


def test_a_client_that_stops_waiting_can_go_on(options: dict[str, Any]) -> None:
    async def ask() -> None:
        async with await _open(options, send_receive_timeout=1, query_retries=0) as client:
            with pytest.raises((asyncio.TimeoutError, OperationalError)):
                await client.query("SELECT sleep(2)")
            assert (await client.query("SELECT 1")).first_row == (1,)

    asyncio.run(ask())


def test_a_session_is_kept_and_protected(options: dict[str, Any]) -> None:
    async def ask() -> None:
        async with await _open(options, session_id=f"async {uuid.uuid4()}") as client:
            await client.command("CREATE TEMPORARY TABLE kept (id UInt32, val String)")
            await client.command("INSERT INTO kept VALUES (1, 'a'), (2, 'b')")
            assert (await client.query("SELECT * FROM kept ORDER BY id")).result_rows == [(1, "a"), (2, "b")]
            with pytest.raises(ProgrammingError):
                await asyncio.gather(client.query("SELECT sleep(0.5)"), client.query("SELECT 1"))

    asyncio.run(ask())


def test_inserts_run_at_once_and_all_arrive(options: dict[str, Any], home: Client) -> None:
    async def fill(table: str) -> None:
        async with await _open(options) as client:
            batches = [[[start + number, f"value {number}"] for number in range(10)] for start in range(0, 500, 100)]
            await asyncio.gather(
                *(client.insert(table, batch, settings={"wait_for_async_insert": 1}) for batch in batches)
            )

    with scratch_table(home, "id UInt32", "value String") as table:
        asyncio.run(fill(table))
        assert home.command(f"SELECT count() FROM {table}") == 50


@pytest.mark.parametrize("form", [False, True])
def test_external_data_and_forms_work(options: dict[str, Any], form: bool) -> None:
    async def ask() -> None:
        async with await _open(options, form_encode_query_params=form) as client:
            data = ExternalData(
                file_name="films.csv", data=b"a,1990\nb,2000\n", fmt="CSV", structure="name String, year UInt16"
            )
            found = await client.query(
                "SELECT name FROM films WHERE year > {y:UInt16}", parameters={"y": 1995}, external_data=data
            )
            assert found.result_rows == [("b",)]
            assert await client.raw_query("SELECT {a:Int32} + {b:Int32}", parameters={"a": 10, "b": 20}) == b"30\n"
            assert (await client.query("SELECT {a:Int8} AS x LIMIT 0", parameters={"a": 1})).column_names == ("x",)

    asyncio.run(ask())


@pytest.mark.parametrize("encoding", [False, "lz4", "zstd", "gzip", "br", True])
def test_every_compression_is_understood(options: dict[str, Any], home: Client, encoding: str | bool) -> None:
    async def ask(table: str) -> int:
        async with await _open(options, compress=encoding) as client:
            await client.insert(table, [[number, f"data {number}" * 10] for number in range(5000)])
            return len((await client.query(f"SELECT * FROM {table}")).result_rows)

    with scratch_table(home, "id UInt32", "data String") as table:
        assert asyncio.run(ask(table)) == 5000


def test_a_task_that_is_cancelled_ends_its_query(options: dict[str, Any], home: Client) -> None:
    query_id = f"cancelled {uuid.uuid4()}"
    found = "SELECT count() FROM system.processes WHERE query_id = {id:String}"

    async def ask() -> None:
        async with await _open(options) as client:
            endless = "SELECT count() FROM system.numbers WHERE NOT ignore(cityHash64(number))"
            task = asyncio.create_task(client.query(endless, settings={"query_id": query_id}))
            while not await client.command(found, parameters={"id": query_id}):
                await asyncio.sleep(0.02)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            for _ in range(100):
                if not await client.command(found, parameters={"id": query_id}):
                    return
                await asyncio.sleep(0.05)
            pytest.fail("the query went on for 5 seconds after its client had left")

    asyncio.run(ask())
