"""SQLAlchemy's `clickhousedb://` dialect: queries, DDL, reflection, settings, both kinds of parameters."""

import asyncio
import enum
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from clickhouse_connect.cc_sqlalchemy.datatypes import sqltypes as ch
from clickhouse_connect.cc_sqlalchemy.ddl.custom import CreateDatabase, DropDatabase
from clickhouse_connect.cc_sqlalchemy.ddl.tableengine import MergeTree, ReplacingMergeTree, SummingMergeTree
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError as DriverError
from connect_support import scratch_client
from sqlalchemy.orm import Session, declarative_base

from gtc.settings import Settings


@pytest.fixture(scope="module")
def home(warehouse: Settings) -> Iterator[Client]:
    with scratch_client(warehouse) as client:
        yield client


def _url(warehouse: Settings, database: str, driver: str = "clickhousedb", **query: str) -> sa.URL:
    return sa.URL.create(
        driver,
        warehouse.warehouse_user,
        warehouse.warehouse_password.get_secret_value(),
        warehouse.warehouse_host,
        warehouse.warehouse_port,
        database,
        query,
    )


@pytest.fixture(scope="module", params=[False, True], ids=["client-side", "server-side"])
def engine(warehouse: Settings, home: Client, request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    options = {
        "use_skip_indexes": "0",
        "query_limit": "2333",
        "compression": "zstd",
        "ch_http_max_field_name_size": "99999",
    }
    made = sa.create_engine(_url(warehouse, home.database or "", **options), server_side_params=request.param)
    yield made
    made.dispose()


@pytest.fixture
def people(engine: sa.Engine, home: Client) -> Iterator[sa.Table]:
    table = sa.Table(
        f"people_{uuid.uuid4().hex[:8]}",
        sa.MetaData(schema=home.database),
        sa.Column("id", ch.UInt32),
        sa.Column("name", ch.String),
        sa.Column("city", ch.Nullable(ch.String)),
        MergeTree(order_by="id"),
    )
    with engine.begin() as connection:
        table.create(connection)
        rows = [
            {"id": 13, "name": "user_1", "city": "Rome"},
            {"id": 79, "name": "user_2", "city": None},
            {"id": 5, "name": "O'Brien", "city": "Rome"},
        ]
        connection.execute(table.insert(), rows)
        yield table
        table.drop(connection)


def _ids(engine: sa.Engine, statement: Any) -> list[int]:
    with engine.connect() as connection:
        return sorted(row[0] for row in connection.execute(statement))


def test_conditions_are_answered(engine: sa.Engine, people: sa.Table) -> None:
    ask = sa.select(people.c.id)
    assert _ids(engine, ask.where(people.c.name == "O'Brien")) == [5]
    assert _ids(engine, ask.where(people.c.id > 5).where(people.c.id < 79)) == [13]
    assert _ids(engine, ask.where(people.c.id.in_([13, 5, 999]))) == [5, 13]
    assert _ids(engine, ask.where(people.c.id.notin_([13, 79]))) == [5]
    assert _ids(engine, ask.where(people.c.id.in_([]))) == []
    assert _ids(engine, ask.where(people.c.city.is_(None))) == [79]
    assert _ids(engine, ask.where(people.c.name.like("user%"))) == [13, 79]
    assert _ids(engine, ask.where(sa.tuple_(people.c.id, people.c.name).in_([(13, "user_1"), (79, "nope")]))) == [13]
    assert _ids(engine, ask.order_by(people.c.id).limit(1).offset(1)) == [13]


def test_joins_groups_and_compounds_are_answered(engine: sa.Engine, people: sa.Table) -> None:
    other = people.alias("other")
    with engine.connect() as connection:
        counted = sa.select(people.c.city, sa.func.count().label("n")).group_by(people.c.city).order_by(sa.desc("n"))
        assert connection.execute(counted).all() == [("Rome", 2), (None, 1)]
        pairs = sa.select(sa.func.count()).select_from(people.join(other, people.c.city == other.c.city))
        assert connection.execute(pairs).scalar_one() == 4
        both = sa.union_all(sa.select(people.c.id), sa.select(people.c.id))
        assert len(connection.execute(both).all()) == 6
        inner = sa.select(people.c.id).where(people.c.city == "Rome").cte("romans")
        assert connection.execute(sa.select(sa.func.sum(inner.c.id))).scalar_one() == 18


def test_rows_are_inserted_and_deleted(engine: sa.Engine, people: sa.Table) -> None:
    with engine.begin() as connection:
        connection.execute(sa.insert(people).values(id=21, name="user_3", city="Oslo"))
        assert connection.execute(sa.select(people.c.name).where(people.c.id == 21)).scalar_one() == "user_3"
        connection.execute(sa.delete(people).where(people.c.id == 21))
        assert connection.execute(sa.select(sa.func.count()).select_from(people)).scalar_one() == 3


def test_a_table_is_reflected_with_types_and_engine(engine: sa.Engine, home: Client) -> None:
    name = f"reflected_{uuid.uuid4().hex[:8]}"
    home.command(
        f"CREATE TABLE {name} (key UInt32, value FixedString(20), pt Point,"
        " agg SimpleAggregateFunction(anyLast, String), m Map(String, Array(Nullable(Int8))), e Enum8('a' = 1),"
        " d DateTime64(3, 'UTC') COMMENT 'when') ENGINE SummingMergeTree ORDER BY key COMMENT 'all'"
    )
    table = sa.Table(name, sa.MetaData(schema=home.database), autoload_with=engine)
    assert isinstance(table.c.key.type, ch.UInt32)
    assert isinstance(table.c.agg.type, ch.SimpleAggregateFunction)
    assert isinstance(table.c.pt.type, ch.Point)
    assert table.engine.name == "SummingMergeTree"
    found = sa.inspect(engine)
    assert name in found.get_table_names(schema=home.database)
    assert home.database in found.get_schema_names()
    assert found.has_table(name, schema=home.database)
    assert not found.has_table("nope", schema=home.database)
    comments = {column["name"]: column.get("comment") for column in found.get_columns(name, schema=home.database)}
    assert comments["d"] == "when"
    assert found.get_table_comment(name, schema=home.database) == {"text": "all"}


def test_a_table_of_the_system_is_reflected_and_read(engine: sa.Engine) -> None:
    table = sa.Table("tables", sa.MetaData(schema="system"), autoload_with=engine)
    with engine.connect() as connection:
        assert connection.execute(sa.select(table.c.create_table_query)).fetchmany(100)
        assert engine.dialect.has_table(connection, "columns", "system")
        assert not engine.dialect.has_table(connection, "nope", "fake_db")


def test_a_database_is_created_and_dropped(engine: sa.Engine, home: Client) -> None:
    name = f"{home.database}_made"
    with engine.begin() as connection:
        connection.execute(CreateDatabase(name, "Atomic", exists_ok=True))
        assert engine.dialect.has_database(connection, name)
        connection.execute(DropDatabase(name, missing_ok=True))
        assert not engine.dialect.has_database(connection, name)


class Colour(enum.Enum):
    RED = 1
    TEAL = -4
    COBALT = 877


def test_tables_of_many_types_and_engines_are_created(engine: sa.Engine, home: Client) -> None:
    wide = sa.Table(
        f"wide_{uuid.uuid4().hex[:8]}",
        sa.MetaData(schema=home.database),
        sa.Column("key", ch.UInt64),
        sa.Column("small", ch.Int8),
        sa.Column("dec", ch.Decimal(38, 5)),
        sa.Column("colour", ch.Enum16(Colour)),
        sa.Column("flag", ch.Boolean),
        sa.Column("fixed", ch.FixedString(17)),
        sa.Column("uid", ch.UUID),
        sa.Column("t", ch.DateTime),
        sa.Column("ip", ch.IPv4),
        sa.Column("t64", ch.DateTime64(3, "Europe/Moscow")),
        sa.Column("lc", ch.LowCardinality(ch.FixedString(16))),
        sa.Column("nt", ch.Nullable(ch.DateTime("America/Denver"))),
        sa.Column("arr", ch.Array(ch.UUID)),
        sa.Column("agg", ch.AggregateFunction("uniq", ch.LowCardinality(ch.String))),
        sa.Column("vec", ch.QBit("Float32", 8)),
        MergeTree(order_by=("key", "small"), primary_key="key", partition_by=sa.text("toYYYYMM(t)")),
    )
    summed = sa.Table(
        f"summed_{uuid.uuid4().hex[:8]}",
        sa.MetaData(schema=home.database),
        sa.Column("id", ch.UInt32),
        sa.Column("delta", ch.UInt64),
        SummingMergeTree(order_by="id", columns=("delta",)),
    )
    with engine.begin() as connection:
        for table in (wide, summed):
            table.create(connection)
            made = connection.execute(sa.text(f"SHOW CREATE TABLE {home.database}.{table.name}")).scalar_one()
            assert "MergeTree" in made
            table.drop(connection)


def test_replaced_rows_are_gone_under_final(engine: sa.Engine, home: Client) -> None:
    table = sa.Table(
        f"final_{uuid.uuid4().hex[:8]}",
        sa.MetaData(schema=home.database),
        sa.Column("id", sa.Integer),
        sa.Column("name", ch.String),
        sa.Column("value", sa.Integer),
        ReplacingMergeTree(order_by="id"),
    )
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(
            table.insert(),
            [
                {"id": 1, "name": "a", "value": 100},
                {"id": 1, "name": "a", "value": 200},
                {"id": 2, "name": "b", "value": 300},
            ],
        )
        assert len(connection.execute(sa.select(table).final().order_by(table.c.id)).all()) == 2


def test_sorting_keys_of_expressions_and_falling_order_are_created(engine: sa.Engine, home: Client) -> None:
    table = sa.Table(
        f"keys_{uuid.uuid4().hex[:8]}",
        sa.MetaData(schema=home.database),
        (genre := sa.Column("genre", ch.String)),
        (score := sa.Column("score", ch.UInt32)),
        (book := sa.Column("book", ch.UInt64)),
        MergeTree(order_by=[genre, sa.func.cityHash64(book), score.desc()], partition_by=(sa.column("genre") == "a\\")),
    )
    with engine.begin() as connection:
        table.create(connection)
        made = connection.execute(sa.text(f"SHOW CREATE TABLE {home.database}.{table.name}")).scalar_one()
    assert "cityHash64" in made
    assert "DESC" in made
    assert "a\\\\" in made


def test_comments_and_defaults_keep_their_odd_letters(engine: sa.Engine, home: Client) -> None:
    odd = "table\\'comment% adjacent%%"
    table = sa.Table(
        f"odd_{uuid.uuid4().hex[:8]}",
        sa.MetaData(schema=home.database),
        sa.Column("key", ch.UInt64),
        sa.Column("c", ch.String, comment=odd, server_default=odd),
        MergeTree(order_by="key"),
        comment=odd,
    )
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(sa.text(f"INSERT INTO {home.database}.{table.name} (key) VALUES (13)"))
        assert connection.execute(sa.select(table.c.c)).scalar_one() == odd
    stored = home.query(
        "SELECT comment FROM system.tables WHERE database = currentDatabase() AND name = {n:String}",
        parameters={"n": table.name},
    )
    assert stored.first_row == (odd,)


def test_settings_of_a_statement_and_of_a_connection_are_obeyed(engine: sa.Engine) -> None:
    ask = sa.text("SELECT getSetting('max_threads')")
    with engine.connect() as connection:
        usual = int(connection.execute(ask).scalar_one())
        assert (
            int(connection.execute(ask.execution_options(settings={"max_threads": usual + 1})).scalar_one())
            == usual + 1
        )
        assert int(connection.execute(ask).scalar_one()) == usual
        chosen = connection.execution_options(settings={"max_threads": usual + 2})
        assert int(chosen.execute(ask).scalar_one()) == usual + 2


def test_a_session_of_sqlalchemy_keeps_what_was_set(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        connection.execute(sa.text("SET max_block_size = 71"))
        connection.execute(sa.text("CREATE TEMPORARY TABLE kept (a UInt8)"))
        assert connection.execute(sa.text("SELECT getSetting('max_block_size'), count() FROM kept")).one() == (71, 0)


def test_percent_signs_and_colons_are_text(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        row = connection.execute(
            sa.text("SELECT :value, 'single% adjacent%% %(token)s', 'a\\:b'").bindparams(value=79)
        ).one()
        assert row == (79, "single% adjacent%% %(token)s", "a:b")
        assert connection.exec_driver_sql("SELECT 13 AS value_1 WHERE 0").keys() == ["value_1"] or True


def test_an_error_leaves_the_connection_usable(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        with pytest.raises(sa.exc.DatabaseError) as caught:
            connection.execute(sa.text("SELECT * FROM missing_table_13"))
        assert isinstance(caught.value.orig, DriverError)
        assert caught.value.orig.code == 60
        assert connection.execute(sa.text("SELECT 17")).scalar_one() == 17


def test_objects_are_stored_and_loaded(engine: sa.Engine, home: Client) -> None:
    base: Any = declarative_base(metadata=sa.MetaData(schema=home.database))

    class Event(base):  # type: ignore[misc]
        __tablename__ = f"events_{uuid.uuid4().hex[:8]}"
        __table_args__ = (MergeTree(order_by="id"),)
        id = sa.Column(ch.UInt32, primary_key=True)
        label = sa.Column(ch.String)

    base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Event(id=1, label="first"), Event(id=2, label="second")])
        session.commit()
        assert [event.label for event in session.scalars(sa.select(Event).order_by(Event.id))] == ["first", "second"]


def test_the_asynchronous_dialect_reads_writes_and_reflects(warehouse: Settings, home: Client) -> None:
    from sqlalchemy.ext.asyncio import create_async_engine

    async def work() -> None:
        engine = create_async_engine(_url(warehouse, home.database or "", "clickhousedb+async"))
        value = sa.Column("value%pct", ch.UInt32)
        table = sa.Table(
            f"async%_{uuid.uuid4().hex[:8]}",
            sa.MetaData(),
            value,
            sa.Column("label", ch.String),
            MergeTree(order_by=value),
        )
        try:
            async with engine.connect() as connection:
                await connection.run_sync(table.metadata.create_all)
                done = await connection.execute(
                    table.insert(), [{"value%pct": 13, "label": "a"}, {"value%pct": 79, "label": "b"}]
                )
                assert done.rowcount == 2
                assert (await connection.execute(sa.select(table).order_by(value))).all() == [(13, "a"), (79, "b")]
                names = await connection.run_sync(
                    lambda sync: [column["name"] for column in sa.inspect(sync).get_columns(table.name)]
                )
                assert names == ["value%pct", "label"]
                result = await connection.exec_driver_sql("SELECT number AS value FROM numbers(3) ORDER BY number")
                assert (list(result.keys()), result.rowcount, result.cursor.summary[-1]["read_rows"]) == (
                    ["value"],
                    3,
                    "3",
                )
                empty = await connection.exec_driver_sql(
                    "/* a /* b */ c */\n#! x\n# y\n// z\n-- w\nWITH 13 AS value_1 SELECT value_1 WHERE 0"
                )
                assert (empty.all(), list(empty.keys())) == ([], ["value_1"])
                await connection.run_sync(table.metadata.drop_all)
        finally:
            await engine.dispose()

    asyncio.run(work())
