"""One query on its way: everything that the parts which run it need to know, and the handle it runs on."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from warehouse.server.body import Body
from warehouse.server.engine import Engine, engine_error, quote
from warehouse.server.errors import ClickHouseError
from warehouse.server.execution import Execution, Way
from warehouse.server.external import ExternalTable
from warehouse.server.handles import apply_settings, open_handle, our_settings, seal_handle
from warehouse.server.headers import RawHeaders, common_headers
from warehouse.server.identity import MARK_OF_CALLER, Identity
from warehouse.server.lost_database import (
    UNKNOWN_DATABASE,
    is_about_databases,
    is_back,
    is_dead,
    needs_no_database,
    unknown,
)
from warehouse.server.protected_settings import checked_settings, held_limits
from warehouse.server.request import ALSO_SETTINGS, QueryRequest
from warehouse.server.sessions import Session
from warehouse.server.sql import Kind, Statement, set_parameters, used_database
from warehouse.server.sql.settings import settings_in
from warehouse.server.users import User

#: What keeps a format's memory bounded: Parquet holds a row group, and with parallel encoding several of them.
_FORMAT_DEFAULTS = {
    "Parquet": {
        "output_format_parquet_row_group_size": "100000",
        "output_format_parquet_parallel_encoding": "0",
    },
}


#: Statements after which the settings of a session are what they were before.
_LEAVES_SETTINGS = {Kind.SELECT, Kind.INSERT, Kind.DDL, Kind.KILL}


@dataclass
class Task:
    """A permitted statement of a user, with the session and the tables that came along."""

    engine: Engine
    pool: ThreadPoolExecutor
    spool: Path
    request: QueryRequest
    user: User
    identity: Identity
    statement: Statement
    body: Body
    session: Session | None = None
    tables: list[ExternalTable] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, str]:
        """The request's settings, with this layer's defaults for the statement's format."""
        output_format = self.statement.format or self.request.default_format
        return {**_FORMAT_DEFAULTS.get(output_format, {}), **self.request.settings}

    def headers(self) -> RawHeaders:
        """The headers that every answer carries."""
        zone = self.request.parameters.get("session_timezone") or self.engine.timezone
        return common_headers(self.engine, self.request.query_id, zone)

    def execution(
        self, text: bytes, *, inserts: bool = False, engine_end: int | None = None, way: Way | None = None
    ) -> Execution:
        """The run of `text`, not yet begun."""
        run = _SessionRun if self.session is not None and not self.user.read_only else _FreshRun
        execution = run(self, text, inserts, engine_end).execution
        execution.way = way
        return execution


class _FreshRun:
    """Runs on a handle that exists for this query only."""

    def __init__(self, task: Task, text: bytes, inserts: bool, engine_end: int | None) -> None:
        self.task, self.text = task, text
        self.execution = Execution(
            engine=task.engine,
            identity=task.identity,
            prepare=self.prepare,
            restore=self.restore,
            release=self.release,
            plain=task.statement.engine_text(),
            parameters=task.request.query_parameters,
            inserts=inserts,
            engine_end=engine_end,
            longest=task.user.max_execution_time,
        )

    def prepare(self) -> tuple[Any, bytes]:
        """Open the handle; a reader's session says its statements again."""
        task, session = self.task, self.task.session
        request = task.request
        seal = not task.tables
        handle = open_handle(task.engine, task.identity, task.user, request.database, task.settings, seal=seal)
        try:
            for table in task.tables:
                table.create(handle)
            if task.tables and task.user.read_only:
                seal_handle(handle)
            self._repeat(handle, session)
        except BaseException:
            handle.close()
            raise
        return handle, self.text

    def restore(self, handle: Any, succeeded: bool) -> None:
        """Keep what a reader's session has to say again."""
        task = self.task
        kind = task.statement.kind
        if succeeded and task.session and kind in (Kind.SET, Kind.USE):
            kept = [said for said in task.session.repeated if said[0] is Kind.SET or kind is Kind.SET]
            task.session.repeated = [*kept, (kind, self.text)]
        self._keep_names(succeeded)

    def _repeat(self, handle: Any, session: Session | None) -> None:
        """Say a reader's SET and USE again; who chooses another database need not hear that the last one is gone."""
        for kind, text in session.repeated if session else []:
            if kind is Kind.SET or self.task.statement.kind is not Kind.USE:
                _say(handle, text)

    def _keep_names(self, succeeded: bool) -> None:
        """Remember what the session's next names will mean, for the access policy."""
        task, session = self.task, self.task.session
        if not succeeded or session is None:
            return
        parameters = {**session.parameters, **task.request.query_parameters}
        session.database = used_database(task.statement, parameters) or session.database
        session.parameters |= set_parameters(task.statement)

    def release(self, handle: Any) -> None:
        """The handle was for this query only."""
        handle.close()


def _say(handle: Any, statement: bytes) -> None:
    try:
        handle.query(statement, "Null")
    except Exception as error:
        raise engine_error(error) from error


class _SessionRun(_FreshRun):
    """Runs on the session's own handle; what the request alone asked for is taken back afterwards."""

    def prepare(self) -> tuple[Any, bytes]:
        """Make the session's handle ready; one whose database was dropped is replaced."""
        session = self.task.session
        assert session is not None
        if session.handle is None:
            session.handle = self._new_handle()
        try:
            self._make_ready(session)
        except ClickHouseError as error:
            if error.code != UNKNOWN_DATABASE or not is_dead(session.handle):
                raise
            self._revive(session)
            self._make_ready(session)
        return session.handle, self.text

    def _new_handle(self) -> Any:
        task = self.task
        return open_handle(task.engine, task.identity, task.user, "", {})

    def _revive(self, session: Session) -> None:
        """A new handle with the session's settings; its temporary tables are gone with the old one."""
        session.close()
        session.settings.clear()
        session.handle = self._new_handle()
        session.lost, session.database = session.database, ""
        for text in session.chosen.values():
            _say(session.handle, text)

    def _make_ready(self, session: Session) -> None:
        """Mark the handle for this query and apply the request's own settings for its duration."""
        task = self.task
        request = task.request
        chosen = checked_settings(task.user, task.settings)
        chosen = {name: value for name, value in chosen.items() if name not in ALSO_SETTINGS}
        chosen |= {name: value for name, value in held_limits(task.user, chosen).items() if name in chosen}
        if request.database and not is_about_databases(task.statement):  # which might drop it under the session
            chosen["database"] = request.database
        if unread := [name for name in chosen if name not in session.settings]:
            session.settings |= _present_values(session.handle, unread)
        self.before = {name: session.settings[name] for name in chosen if name in session.settings}
        self._apply(session.handle, chosen)
        if session.lost and not request.database:
            self._find_lost(session)
        for table in task.tables:
            table.create(session.handle)

    def _find_lost(self, session: Session) -> None:
        """Raises ClickHouseError 81 when the statement may name something in the database that was dropped."""
        if is_back(session.handle, session.lost):
            session.database, session.lost = session.lost, ""
            session.settings.clear()
        elif not needs_no_database(self.task.statement):
            raise unknown(session.lost)

    def _apply(self, handle: Any, chosen: dict[str, str]) -> None:
        """SET mark and settings. A session that made itself read-only keeps the mark of its last query."""
        try:
            apply_settings(handle, {**our_settings(self.task.identity), **chosen})
        except ClickHouseError as error:
            if error.code != 164 or chosen:
                raise
            rows = handle.query(f"SELECT {MARK_OF_CALLER}", "TabSeparatedRaw").bytes()
            self.execution.mark = bytes(rows).decode().rstrip("\n")

    def release(self, handle: Any) -> None:
        """The handle stays with the session."""

    def restore(self, handle: Any, succeeded: bool) -> None:
        """Give the session its own settings back and drop the tables that came with the request."""
        self._keep_names(succeeded)
        session = self.task.session
        if succeeded and session is not None:
            self._keep_choice(session)
        if session is not None and self.task.statement.kind not in _LEAVES_SETTINGS:
            session.settings.clear()
        try:
            if self.before:
                apply_settings(handle, self.before)
            for table in self.task.tables:
                handle.query(f"DROP TEMPORARY TABLE IF EXISTS `{table.name}`", "Null")
        except ClickHouseError as error:
            if error.code != UNKNOWN_DATABASE or session is None:
                raise
            self._revive(session)

    def _keep_choice(self, session: Session) -> None:
        """What a later handle of the session would have to be told."""
        statement = self.task.statement
        if statement.kind is Kind.USE:
            session.lost = ""
        if statement.kind is Kind.SET:
            names = tuple(name for name, _ in settings_in(statement.tokens))
            session.chosen.pop(names, None)  # said again, it comes last again
            session.chosen[names] = self.text


def _present_values(handle: Any, names: list[str]) -> dict[str, str]:
    """What the settings are now; an unknown name is left out, for SET to complain about."""
    wanted = ", ".join(quote(name) for name in names)
    sql = f"SELECT name, value FROM system.settings WHERE name IN ({wanted})"
    try:
        answer = handle.query(sql, "TabSeparatedRaw")
    except Exception as error:  # the session's current database may have been dropped meanwhile
        raise engine_error(error) from error
    lines = bytes(answer.bytes() or b"").decode().splitlines()
    return dict(line.split("\t", 1) for line in lines)
