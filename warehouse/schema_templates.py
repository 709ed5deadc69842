"""Renders the migrations in warehouse/schema/ for one data set, on one server or on a cluster."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from jinja2 import Environment, StrictUndefined

from gtc.settings import Dataset

#: Every statement must be harmless when it runs twice: two runs at once, or a run that was killed, need no lock then.
_IDEMPOTENT = re.compile(
    r"create (table|view|materialized view|dictionary) if not exists |create or replace (view|function) "
    r"|drop (table|view|dictionary) if exists "
    r"|alter table \S+( on cluster \S+)? (add (column|index|projection) if not exists |drop column if exists "
    r"|drop (index|projection) if exists |rename column if exists |(comment|modify|materialize) column "
    r"|modify comment )",
    re.IGNORECASE,
)


class MigrationError(Exception):
    """The schema cannot be brought up to date; the text says what to do."""


@dataclass
class Renderer:
    """Fills migrations with the names of a data set, the engines of a server or cluster and the retention.

    `tables` maps each table that was rendered to the column that its retention counts from (None: kept for ever).
    """

    dataset: Dataset
    cluster: str | None = None
    ttl_days: Mapping[str, int] = field(default_factory=dict)
    tables: dict[str, str | None] = field(default_factory=dict)

    def statements(self, template: str) -> list[str]:
        """The statements of one migration, in order; on a cluster, each new table is followed by its Distributed twin.

        Raises MigrationError for a statement that would not be harmless when run twice.
        """
        before = set(self.tables)
        environment = Environment(undefined=StrictUndefined, autoescape=False)  # noqa: S701 - it renders SQL, not HTML
        macros = {
            "table": self._table,
            "existing": self._existing,
            "engine": self._engine,
            "ttl": self._ttl,
            "row_version": self._row_version,
        }
        text = environment.from_string(template).render(raw=self.dataset.raw_database, **macros)
        found = [_checked(part) for part in re.split(r";[ \t]*(?:\n|$)", text) if _without_comments(part)]
        return found + [self._distributed(name) for name in self.tables if self.cluster and name not in before]

    def stored_table(self, table: str) -> str:
        """The table that holds the rows, with its database: on a cluster the local one beside the Distributed."""
        return f"{self.dataset.raw_database}.{table}{'_local' if self.cluster else ''}"

    @property
    def on_cluster(self) -> str:
        """The clause that runs DDL on every node, empty on one server."""
        return f"on cluster '{self.cluster}'" if self.cluster else ""

    def ttl_expression(self, table: str) -> str:
        """When a row of `table` ends, empty when rows stay for ever."""
        column, days = self.tables.get(table), self.ttl_days.get(table, 0)
        return f"toDateTime({column}) + toIntervalDay({days})" if column and days else ""

    def _table(self, name: str) -> str:
        self.tables[name] = None
        return f"{self.stored_table(name)} {self.on_cluster}".rstrip()

    def _existing(self, name: str) -> list[str]:
        """A table of an earlier migration, to be altered: where its rows are, then on a cluster the Distributed one."""
        places = [self.stored_table(name), f"{self.dataset.raw_database}.{name}"]
        return [f"{place} {self.on_cluster}".rstrip() for place in dict.fromkeys(places)]

    def _engine(self, name: str, *arguments: str) -> str:
        if self.cluster:
            path = ("'/clickhouse/tables/{uuid}/{shard}'", "'{replica}'")
            return f"Replicated{name}({', '.join((*path, *arguments))})"
        return f"{name}({', '.join(arguments)})"

    def _ttl(self, table: str, column: str) -> str:
        self.tables[table] = column
        expression = self.ttl_expression(table)
        return f"ttl {expression}" if expression else ""

    def _row_version(self, columns: str) -> str:
        """Milliseconds of arrival above 20 bits of a hash of the row: see docs/decisions/030-repeated-events.md."""
        arrival = "bitShiftLeft(toUInt64(greatest(toUnixTimestamp64Milli(received_at), 0)), 20)"
        return f"bitOr({arrival}, bitAnd(cityHash64({columns}), 1048575))"

    def _distributed(self, name: str) -> str:
        raw = self.dataset.raw_database
        key = "cityHash64(load_id)" if name.startswith("load_") else "cityHash64(event_id)"
        return (
            f"create table if not exists {raw}.{name} {self.on_cluster} as {self.stored_table(name)} "
            f"engine = Distributed('{self.cluster}', '{raw}', '{name}_local', {key})"
        )


def _without_comments(statement: str) -> str:
    return re.sub(r"^\s*--.*$", "", statement, flags=re.MULTILINE).strip()


def _checked(statement: str) -> str:
    plain = " ".join(_without_comments(statement).split())
    if not _IDEMPOTENT.match(plain):
        raise MigrationError(f"a migration must be harmless when run twice (`if not exists`): {plain[:80]}")
    return statement.strip()
