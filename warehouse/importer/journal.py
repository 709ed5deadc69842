"""What was loaded (`load_log`) and what did not fit (`load_rejects`)."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from clickhouse_connect.driver.client import Client

from warehouse.importer.batch import Reject

#: publishing: all rows are computed, and their partitions are being moved into the target.
Status = Literal["running", "publishing", "done", "failed"]


@dataclass
class Load:
    """One content, by one mapping, into one table; the same three make the same `load_id` until the load is done."""

    load_id: uuid.UUID
    target_table: str
    source: str
    file_name: str
    content_hash: str
    mapping_hash: str
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    rows_read: int = 0
    rows_loaded: int = 0
    rows_rejected: int = 0


class Journal:
    """Reads and writes both tables of one raw database."""

    def __init__(self, client: Client, database: str) -> None:
        self.client, self.database = client, database

    def begin(self, table: str, source: str, file_name: str, content_hash: str, mapping_hash: str) -> Load:
        """The load to be done now: its id repeats while it is not done, so that a second try replaces the first."""
        done = len(self.done(table, content_hash, mapping_hash))
        key = f"{self.database}|{table}|{content_hash}|{mapping_hash}|{done}"
        return Load(uuid.uuid5(uuid.NAMESPACE_OID, key), table, source, file_name, content_hash, mapping_hash)

    def done(self, table: str, content_hash: str, mapping_hash: str) -> list[dict[str, Any]]:
        """Finished loads of this content by this mapping, oldest first."""
        return self._loads(
            "target_table = {a:String} and content_hash = {b:String} and mapping_hash = {c:String} and status = 'done'",
            {"a": table, "b": content_hash, "c": mapping_hash},
        )

    def last_state(self, load: Load) -> dict[str, Any] | None:
        """The newest line of this load, if it was tried before."""
        found = self._loads("load_id = {a:UUID}", {"a": str(load.load_id)})
        return found[-1] if found else None

    def _loads(self, condition: str, parameters: dict[str, str]) -> list[dict[str, Any]]:
        sql = f"select * from {self.database}.load_log final where {condition} order by started_at"
        return list(self.client.query(sql, parameters=parameters).named_results())

    def write(self, load: Load, status: Status, details: str = "") -> None:
        """Note the state of a load; the newest line counts."""
        values = {**asdict(load), "status": status, "details": details, "logged_at": datetime.now(UTC)}
        self.client.insert("load_log", [list(values.values())], column_names=list(values), database=self.database)

    def forget_rejects(self, load: Load) -> None:
        """Remove what an earlier, unfinished try rejected; on a cluster, the equal rows of this try replace them."""
        known = self.client.query(
            f"select count() from {self.database}.load_rejects where load_id = {{a:UUID}} and "
            "(select engine from system.tables where database = {b:String} and name = 'load_rejects') != 'Distributed'",
            parameters={"a": str(load.load_id), "b": self.database},
        ).result_rows[0][0]
        if known:
            self.client.command(f"delete from {self.database}.load_rejects where load_id = '{load.load_id}'")

    def reject(self, load: Load, rejects: Sequence[Reject]) -> None:
        """Keep rows that do not fit."""
        now = datetime.now(UTC)
        rows = [[load.load_id, load.target_table, *asdict(reject).values(), now] for reject in rejects]
        names = ["load_id", "target_table", "line_number", "column_name", "reason", "raw_row", "rejected_at"]
        if rows:
            self.client.insert("load_rejects", rows, column_names=names, database=self.database)


def figures(**values: object) -> str:
    """More figures of a load, as JSON for `details`."""
    return json.dumps(values)
