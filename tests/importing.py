"""What the tests of the importer share: a fresh data set, a mapping from a text, an import, the rows it left."""

import os
import textwrap
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clickhouse_connect.driver.client import Client

from gtc.settings import Dataset, Settings
from warehouse.importer import Options, RejectLimit, Summary, import_file, load_mapping
from warehouse.migrations import migrate


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment in which a child process reaches the warehouse of these settings."""
    chosen = {
        "WAREHOUSE_HOST": settings.warehouse_host,
        "WAREHOUSE_PORT": str(settings.warehouse_port),
        "WAREHOUSE_USER": settings.warehouse_user,
        "WAREHOUSE_PASSWORD": settings.warehouse_password.get_secret_value(),
        "WAREHOUSE_READER_USER": settings.warehouse_reader_user,
        "WAREHOUSE_READER_PASSWORD": settings.warehouse_reader_password.get_secret_value(),
        "GTC_VAR_DIR": str(settings.gtc_var_dir),
    }
    return {**os.environ, **chosen}


@dataclass
class Importing:
    """A data set of one test, and a folder for its files."""

    client: Client
    dataset: Dataset
    folder: Path

    @classmethod
    def fresh(cls, client: Client, folder: Path) -> "Importing":
        """A data set that nobody else uses, with its tables."""
        dataset = Dataset(f"i{uuid.uuid4().hex[:12]}")
        migrate(client, dataset)
        return cls(client, dataset, folder)

    def file(self, name: str, content: bytes | str) -> Path:
        """A file in the test's folder."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def mapping(self, text: str, name: str = "mapping") -> Path:
        """A mapping file; the text may be indented."""
        return self.file(f"{name}.yml", textwrap.dedent(text))

    def load(self, file: Path | str, mapping: Path, limit: str | None = None, **options: Any) -> Summary:
        """Import a file as `gtc import` does."""
        chosen = Options(self.folder / "scratch", RejectLimit.parse(limit) if limit else None, **options)
        return import_file(self.client, self.dataset, str(file), load_mapping(mapping), chosen)

    def rows(self, select: str) -> list[tuple[Any, ...]]:
        """Rows of a query in which `raw.` stands for this data set's raw database."""
        found = self.client.query(select.replace("raw.", f"{self.dataset.raw_database}."))
        return [tuple(row) for row in found.result_rows]

    def rejects(self) -> list[tuple[Any, ...]]:
        """Line, column, reason and row of everything that was rejected."""
        return self.rows("select line_number, column_name, reason, raw_row from raw.load_rejects final order by 1, 2")

    def tables(self) -> set[str]:
        """Names of all tables in the raw database."""
        return {str(row[0]) for row in self.rows(f"show tables from {self.dataset.raw_database}")}
