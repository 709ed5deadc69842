"""Alembic migrations over the `clickhousedb://` dialect: versions, generated revisions, ClickHouse's operations."""

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from clickhouse_connect.cc_sqlalchemy.alembic import ClickHouseIndex, ClickHouseProjection
from clickhouse_connect.cc_sqlalchemy.datatypes import sqltypes as ch
from clickhouse_connect.cc_sqlalchemy.datatypes.base import sqla_type_from_name
from clickhouse_connect.cc_sqlalchemy.ddl.dictionary import Dictionary
from clickhouse_connect.cc_sqlalchemy.ddl.tableengine import MergeTree, ReplacingMergeTree
from clickhouse_connect.driver.client import Client
from connect_support import scratch_client

from gtc.settings import Settings

_ENVIRONMENT = """
from alembic import context
from clickhouse_connect.cc_sqlalchemy import alembic as ours

config = context.config
wanted = config.attributes["tables"]
schema = config.attributes["schema"]
base = ours.make_include_name(include_schemas=frozenset({schema}), default_schema=schema)


def include_name(name, kind, parents):
    return base(name, kind, parents) and (kind != "table" or name in wanted)


context.configure(
    connection=config.attributes["connection"],
    target_metadata=config.attributes["metadata"],
    include_schemas=True,
    include_name=include_name,
    include_object=ours.include_object,
    process_revision_directives=ours.clickhouse_writer,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
"""

_TEMPLATE = '''
"""${message}"""
from alembic import op
import sqlalchemy as sa
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
'''


@pytest.fixture
def home(warehouse: Settings) -> Iterator[Client]:
    with scratch_client(warehouse) as client:
        yield client


@pytest.fixture
def connection(warehouse: Settings, home: Client) -> Iterator[sa.Connection]:
    password = warehouse.warehouse_password.get_secret_value()
    url = sa.URL.create(
        "clickhousedb",
        warehouse.warehouse_user,
        password,
        warehouse.warehouse_host,
        warehouse.warehouse_port,
        home.database,
    )
    engine = sa.create_engine(url)
    with engine.connect() as opened:
        yield opened
    engine.dispose()


class History:
    """A directory of migrations for one connection."""

    def __init__(self, directory: Path, connection: sa.Connection, schema: str) -> None:
        (directory / "versions").mkdir(parents=True)
        (directory / "env.py").write_text(textwrap.dedent(_ENVIRONMENT))
        (directory / "script.py.mako").write_text(_TEMPLATE)
        self._config = Config()
        self._config.set_main_option("script_location", str(directory))
        self._config.set_main_option("path_separator", "os")
        self._config.attributes |= {"connection": connection, "schema": schema}

    def revise(self, metadata: sa.MetaData) -> str:
        """Generate a revision from what differs, apply it, and give its text."""
        self._config.attributes |= {
            "metadata": metadata,
            "tables": {table.name for table in metadata.sorted_tables} | self._known(),
        }
        revision: Any = command.revision(self._config, message="step", autogenerate=True)
        command.upgrade(self._config, "head")
        self._config.attributes["known"] = self._config.attributes["tables"]
        return Path(revision.path).read_text()

    def undo(self, target: str = "-1") -> None:
        """Go back."""
        command.downgrade(self._config, target)

    def _known(self) -> set[str]:
        return set(self._config.attributes.get("known", ()))


@pytest.fixture
def history(tmp_path: Path, connection: sa.Connection, home: Client) -> History:
    return History(tmp_path / "migrations", connection, home.database or "")


@pytest.fixture
def op(connection: sa.Connection, home: Client) -> Any:
    home.command("CREATE TABLE probe (`id` String, `name` String) ENGINE MergeTree ORDER BY id")
    return Operations(MigrationContext.configure(connection=connection))


def _metadata(home: Client, *columns: Any, **options: Any) -> sa.MetaData:
    metadata = sa.MetaData(schema=home.database)
    sa.Table("events", metadata, *columns, **options)
    return metadata


def _created(home: Client, name: str = "events") -> str:
    return str(home.query(f"SHOW CREATE TABLE {name}").first_row[0])


def test_a_table_is_created_changed_and_left_alone_when_nothing_differs(history: History, home: Client) -> None:
    key = sa.Column("id", ch.Int32, nullable=False)
    first = _metadata(
        home, key, MergeTree(order_by="id", settings={"index_granularity": 1024}), comment="Application events"
    )
    assert "MergeTree(order_by='id'" in history.revise(first)
    assert "index_granularity = 1024" in _created(home)
    assert "COMMENT 'Application events'" in _created(home)
    assert "pass" in history.revise(first)
    more = _metadata(
        home,
        sa.Column("id", ch.Int32, nullable=False, comment="new"),
        sa.Column("extra", ch.String),
        MergeTree(order_by="id"),
        comment="Other",
    )
    assert "extra" in history.revise(more)
    assert "COMMENT 'new'" in _created(home)
    assert "COMMENT 'Other'" in _created(home)
    assert home.command("SELECT count() FROM alembic_version") == 1


def test_a_dropped_table_comes_back_on_the_way_down(history: History, home: Client) -> None:
    history.revise(
        _metadata(
            home, sa.Column("id", ch.Int32), sa.Column("ts", ch.Int32), ReplacingMergeTree(version="ts", order_by="id")
        )
    )
    assert "ReplacingMergeTree(" in history.revise(sa.MetaData(schema=home.database))
    assert not home.command("EXISTS TABLE events")
    history.undo()
    assert "ReplacingMergeTree(ts)" in _created(home)


_TYPES = [
    "Nullable(DateTime64(3, 'UTC'))",
    "LowCardinality(Nullable(String))",
    "Tuple(a String, b UInt32)",
    "Array(Tuple(a String, b UInt32))",
    "Map(String, Array(Int8))",
    "SimpleAggregateFunction(anyLast, UInt32)",
    "AggregateFunction(uniq, UInt32)",
    "AggregateFunction(argMax, Tuple(value String, score UInt32), UInt32)",
    "Variant(String, UInt32)",
    "Decimal(18, 4)",
    "Enum8('low' = -1, 'high' = 8)",
    "FixedString(7)",
    "JSON",
    "JSON(max_dynamic_paths=13, `event.id` UInt32, SKIP ignored)",
    "Time64(3)",
]


@pytest.mark.parametrize("kind", [*_TYPES[:3], *(pytest.param(kind, marks=pytest.mark.heavy) for kind in _TYPES[3:])])
def test_a_column_of_any_type_is_created_and_found_unchanged(history: History, home: Client, kind: str) -> None:
    wanted = sqla_type_from_name(kind)
    metadata = _metadata(
        home,
        sa.Column("id", ch.UInt32, nullable=False),
        sa.Column("v", wanted, nullable="Nullable" in kind),
        MergeTree(order_by="id"),
    )
    history.revise(metadata)
    assert "alter_column" not in history.revise(metadata)


def test_partitions_keys_and_ttl_of_expressions_are_created(history: History, home: Client) -> None:
    when = sa.text("toStartOfDay(t)")
    engine = ReplacingMergeTree(
        version="made",
        partition_by=(when, "kind"),
        order_by=(when, "kind", "id"),
        ttl=sa.text("toDateTime(t) + INTERVAL 30 DAY"),
    )
    columns = [sa.Column(name, ch.String, nullable=False) for name in ("id", "kind")]
    times = [
        sa.Column("t", ch.DateTime64(3, "UTC"), nullable=False),
        sa.Column("made", ch.DateTime64(3, "UTC"), nullable=False, server_default=sa.text("now()")),
    ]
    metadata = _metadata(home, *columns, *times, engine)
    history.revise(metadata)
    for clause in (
        "TTL toDateTime(t)",
        "toIntervalDay(30)",
        "PARTITION BY (toStartOfDay(t), kind)",
        "ORDER BY (toStartOfDay(t), kind, id)",
    ):
        assert clause in _created(home)
    assert "alter_column" not in history.revise(metadata)


def test_a_dictionary_is_created_and_dropped(history: History, home: Client) -> None:
    metadata = sa.MetaData(schema=home.database)
    Dictionary(
        "words",
        metadata,
        sa.Column("id", ch.UInt32),
        sa.Column("value", ch.String),
        source="CLICKHOUSE(TABLE 'system.one')",
        layout="FLAT",
        lifetime="MIN 0 MAX 10",
        primary_key="id",
    )
    assert "_table_type='dictionary'" in history.revise(metadata)
    made = str(home.query("SHOW CREATE DICTIONARY words").first_row[0])
    assert "LIFETIME(MIN 0 MAX 10)" in made
    assert "LAYOUT(FLAT())" in made
    assert "pass" in history.revise(metadata)
    history.undo("base")
    assert home.command("SELECT count() FROM system.dictionaries WHERE database = currentDatabase()") == 0


def test_columns_are_added_changed_renamed_and_dropped(op: Any, connection: sa.Connection, home: Client) -> None:
    def columns() -> dict[str, str]:
        found = sa.inspect(connection).get_columns("probe", schema=home.database)
        return {column["name"]: str(column.get("server_default")) for column in found}

    synchronous = {"alter_sync": 2}
    payload = sa.Column("payload", ch.String(), server_default=sa.text("'{}'"), clickhouse_after="id")
    op.add_column("probe", payload, schema=home.database, if_not_exists=True, clickhouse_settings=synchronous)
    assert list(columns()) == ["id", "payload", "name"]
    assert columns()["payload"] == "'{}'"
    change = {
        "schema": home.database,
        "existing_type": ch.String(),
        "if_exists": True,
        "clickhouse_settings": synchronous,
    }
    op.get_context().impl.alter_column("probe", "payload", server_default=sa.text("'[1]'"), name="renamed", **change)
    assert columns()["renamed"] == "'[1]'"
    op.get_context().impl.drop_column("probe", sa.Column("renamed", ch.String()), schema=home.database, if_exists=True)
    assert list(columns()) == ["id", "name"]


def test_indexes_come_and_go(op: Any, home: Client) -> None:
    indexes = [
        ClickHouseIndex("by_name", "name", "bloom_filter(0.01)", granularity=4),
        ClickHouseIndex("by_id", "id", "minmax", granularity=1),
    ]
    op.add_clickhouse_indexes("probe", indexes, schema=home.database)
    op.materialize_clickhouse_index(
        "probe", "by_name", if_exists=True, schema=home.database, clickhouse_settings={"mutations_sync": 1}
    )
    op.drop_clickhouse_indexes("probe", ["by_name"], if_exists=True, schema=home.database)
    asked = "SELECT name FROM system.data_skipping_indices WHERE database = currentDatabase()"
    assert home.query(asked).result_rows == [("by_id",)]


def test_projections_come_and_go(op: Any, home: Client) -> None:
    op.add_clickhouse_projection("probe", "counted", "SELECT name, count() GROUP BY name", schema=home.database)
    op.add_clickhouse_projections(
        "probe",
        [ClickHouseProjection("sorted", "SELECT name ORDER BY name", after_projection="counted")],
        schema=home.database,
    )
    op.materialize_clickhouse_projection(
        "probe", "counted", if_exists=True, schema=home.database, clickhouse_settings={"mutations_sync": 1}
    )
    op.drop_clickhouse_projections("probe", ["counted"], if_exists=True, schema=home.database)
    assert "PROJECTION sorted" in _created(home, "probe")
    assert "counted" not in _created(home, "probe")


def test_settings_of_a_table_are_set_and_reset_and_a_table_is_renamed(op: Any, home: Client) -> None:
    op.modify_clickhouse_table_settings(
        "probe", {"merge_with_ttl_timeout": 3600}, schema=home.database, clickhouse_settings={"alter_sync": 2}
    )
    assert "merge_with_ttl_timeout = 3600" in _created(home, "probe")
    op.reset_clickhouse_table_settings("probe", ["merge_with_ttl_timeout"], schema=home.database)
    assert "merge_with_ttl_timeout" not in _created(home, "probe")
    op.rename_table("probe", "probed", schema=home.database)
    assert home.command("EXISTS TABLE probed") == 1


def test_a_materialized_view_comes_and_goes(op: Any, home: Client) -> None:
    home.command("CREATE TABLE sink (`id` String, `value` String) ENGINE MergeTree ORDER BY id")
    select = f"SELECT id, 'path\\\\:tenant' AS value FROM `{home.database}`.`probe`"
    op.create_clickhouse_materialized_view("view", "sink", select, schema=home.database, to_schema=home.database)
    home.command("INSERT INTO probe VALUES ('a', 'b')")
    assert home.query("SELECT * FROM sink").result_rows == [("a", "path\\:tenant")]
    op.drop_clickhouse_materialized_view("view", if_exists=True, schema=home.database)
    assert not home.command("EXISTS TABLE view")


def test_a_dictionary_over_a_table_is_created_loaded_and_dropped(op: Any, home: Client) -> None:
    home.command("CREATE TABLE words (`id` UInt32, `value` String) ENGINE MergeTree ORDER BY id")
    home.command("INSERT INTO words VALUES (13, 'user_1')")
    options = {"primary_key": "id", "source": "CLICKHOUSE(TABLE 'words')", "layout": "FLAT", "lifetime": "MIN 0 MAX 10"}
    columns = [sa.Column("id", ch.UInt32), sa.Column("value", ch.String)]
    unlogged = {"log_queries": 0}
    op.create_clickhouse_dictionary("spoken", columns, schema=home.database, clickhouse_settings=unlogged, **options)
    op.reload_clickhouse_dictionary("spoken", schema=home.database)
    state = (
        "SELECT status, element_count FROM system.dictionaries WHERE database = currentDatabase() AND name = 'spoken'"
    )
    assert home.query(state).first_row == ("LOADED", 1)
    assert home.command("SELECT dictGet('spoken', 'value', 13)") == "user_1"
    op.drop_clickhouse_dictionary("spoken", if_exists=True, schema=home.database)
    assert home.query(state).result_rows == []
