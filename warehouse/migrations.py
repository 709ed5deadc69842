"""Brings the raw and ml databases of a data set up to date: `migrate`."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from clickhouse_connect.driver.client import Client

from gtc.settings import Dataset
from warehouse.schema_templates import MigrationError, Renderer

SCHEMA_DIR = Path(__file__).parent / "schema"
RETENTION_FILE = Path(__file__).parent / "retention.yml"

_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql\.j2")


@dataclass(frozen=True)
class Migration:
    """One numbered file of warehouse/schema/."""

    number: int
    name: str
    template: str

    @property
    def sha256(self) -> str:
        """Hash of the file as written, before names and retention are filled in."""
        return hashlib.sha256(self.template.encode()).hexdigest()


def read_migrations(folder: Path = SCHEMA_DIR) -> list[Migration]:
    """All migrations, by number. Raises MigrationError for a wrong name, a gap or a number used twice."""
    found = []
    for path in sorted(folder.glob("*.sql.j2")):
        parts = _FILE_NAME.fullmatch(path.name)
        if parts is None:
            raise MigrationError(f"name migrations NNNN_what_it_does.sql.j2: {path.name}")
        found.append(Migration(int(parts[1]), parts[2], path.read_text()))
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise MigrationError(f"migrations must be numbered 0001, 0002, … without gaps or repeats: {folder}")
    return found


def read_retention(path: Path = RETENTION_FILE) -> dict[str, int]:
    """Days by raw table, 0 = for ever. Raises MigrationError when a value is not a number of days."""
    days = (yaml.safe_load(path.read_text()) or {}).get("days", {})
    for table, value in days.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise MigrationError(f"{path.name}: days of {table} must be 0 or more: {value!r}")
    return dict(days)


def migrate(
    client: Client,
    dataset: Dataset,
    *,
    cluster: str | None = None,
    ttl_days: Mapping[str, int] | None = None,
    folder: Path = SCHEMA_DIR,
) -> list[Migration]:
    """Create or update the raw and ml databases of `dataset`; return the migrations that were applied now.

    May run at any time, also twice at once: each statement is harmless when repeated. `ttl_days` (default:
    warehouse/retention.yml) is applied to existing tables too. Raises MigrationError, among others when a file
    that was applied has changed since.
    """
    migrations = read_migrations(folder)
    renderer = Renderer(dataset, cluster, read_retention() if ttl_days is None else ttl_days)
    _create_databases(client, renderer)
    applied = _applied(client, renderer)
    _refuse_changed_files(migrations, applied)
    fresh = []
    for migration in migrations:
        statements = renderer.statements(migration.template)
        if migration.number not in applied:
            _apply(client, renderer, migration, statements)
            fresh.append(migration)
    _refuse_unknown_tables(renderer)
    _apply_retention(client, renderer)
    return fresh


def _create_databases(client: Client, renderer: Renderer) -> None:
    raw, ml, on_cluster = renderer.dataset.raw_database, renderer.dataset.ml_database, renderer.on_cluster
    for name, comment in ((raw, "What came from outside, append-only"), (ml, "Tables that Python computed")):
        client.command(f"create database if not exists {name} {on_cluster} engine = Atomic comment '{comment}'")
    engine = "ReplacingMergeTree()"
    if renderer.cluster:  # one copy everywhere: the path does not name the shard, and the replica is named after both
        engine = "ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/all', '{shard}_{replica}')"
    client.command(f"""
        create table if not exists {raw}.schema_migrations {on_cluster}
        (
            number UInt16 comment 'Number in the name of the file',
            name String comment 'What the migration does',
            sha256 String comment 'Hash of the file as it was applied',
            applied_at DateTime64(3, 'UTC') default now64(3) comment 'When it was applied'
        )
        engine = {engine} order by number
        comment 'Migrations of warehouse/schema/ that were applied. One row per migration.'""")


def _applied(client: Client, renderer: Renderer) -> dict[int, tuple[str, str]]:
    table = f"{renderer.dataset.raw_database}.schema_migrations"
    rows = client.query(f"select number, name, sha256 from {table} final order by number").result_rows
    return {int(number): (str(name), str(sha256)) for number, name, sha256 in rows}


def _refuse_changed_files(migrations: list[Migration], applied: Mapping[int, tuple[str, str]]) -> None:
    files = {migration.number: migration for migration in migrations}
    for number, (name, sha256) in applied.items():
        if number not in files:
            raise MigrationError(
                f"migration {number:04} ({name}) was applied here but has no file: update the checkout"
            )
        if files[number].sha256 != sha256:
            raise MigrationError(
                f"migration {number:04}_{name} was applied and has changed since: "
                f"restore the file and put the change into a new migration {len(files) + 1:04}_….sql.j2"
            )


def _apply(client: Client, renderer: Renderer, migration: Migration, statements: list[str]) -> None:
    for statement in statements:
        client.command(statement)
    row = [migration.number, migration.name, migration.sha256]
    database = renderer.dataset.raw_database
    client.insert("schema_migrations", [row], column_names=["number", "name", "sha256"], database=database)


def _refuse_unknown_tables(renderer: Renderer) -> None:
    for table in renderer.ttl_days:
        if renderer.tables.get(table) is None:
            raise MigrationError(f"retention of a table that has no ttl in warehouse/schema/: {table}")


def _apply_retention(client: Client, renderer: Renderer) -> None:
    """Bring the TTL of tables that exist already in line; a table whose TTL is right is not touched."""
    for table, column in renderer.tables.items():
        if column is None:
            continue
        stored, wanted = renderer.stored_table(table), renderer.ttl_expression(table)
        current = _current_ttl(client, stored)
        if wanted and current != wanted:
            client.command(f"alter table {stored} {renderer.on_cluster} modify ttl {wanted}")
        elif current and not wanted:
            client.command(f"alter table {stored} {renderer.on_cluster} remove ttl")


def _current_ttl(client: Client, stored: str) -> str:
    database, table = stored.split(".")
    text = client.query(
        "select engine_full from system.tables where database = {database:String} and name = {table:String}",
        parameters={"database": database, "table": table},
    ).result_rows[0][0]
    found = re.search(r" TTL (.*?)(?: SETTINGS | COMMENT |$)", str(text))
    return found[1] if found else ""
