"""From which raw data and which models the marts of a data set were last built."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from clickhouse_connect.driver.client import Client

from gtc.settings import PROJECT_ROOT, Settings

#: Folders of the dbt project that dbt itself writes.
GENERATED = {"target", "logs", "dbt_packages"}


@dataclass(frozen=True)
class BuildState:
    """A fingerprint of what a build reads, and the file that keeps that of the last good build."""

    fingerprint: str
    schema: str
    file: Path

    @classmethod
    def of(cls, client: Client, settings: Settings) -> "BuildState":
        """The state that a build at this moment would have."""
        digest = hashlib.sha256()
        for part in (*_project_files(), _loads(client, settings), settings.model_dump_json(include={"gtc_dataset"})):
            digest.update(part.encode() + b"\0")
        file = settings.gtc_var_dir / "build" / f"{settings.gtc_dataset}.json"
        return cls(digest.hexdigest(), settings.dataset.schema, file)

    def is_built(self, client: Client) -> bool:
        """True when the last good build read the same, and its marts are still there."""
        if not self.file.exists() or json.loads(self.file.read_text()).get("fingerprint") != self.fingerprint:
            return False
        count = "select count() from system.tables where database = {schema:String}"
        return bool(client.query(count, parameters={"schema": self.schema}).result_rows[0][0])

    def remember(self) -> None:
        """Keep this as the state of the last good build."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(json.dumps({"fingerprint": self.fingerprint, "schema": self.schema}))


def _project_files() -> list[str]:
    """Path and content of every file that dbt reads."""
    project = PROJECT_ROOT / "dbt_project"
    files = [path for path in project.rglob("*") if path.is_file() and not GENERATED & set(path.parts)]
    return [f"{path.relative_to(PROJECT_ROOT)}\n{path.read_text()}" for path in sorted(files) if _is_source(path)]


def _is_source(path: Path) -> bool:
    return path.suffix in {".sql", ".yml", ".yaml", ".csv", ".md"}


def _loads(client: Client, settings: Settings) -> str:
    """Every load of the data set with its newest state: raw changes only through loads."""
    raw = settings.dataset.raw_database
    rows = client.query(f"select load_id, status, rows_loaded, logged_at from {raw}.load_log final order by load_id")
    return json.dumps(rows.result_rows, default=str)
