"""What clients see as `system.query_log` and its kin: the engine's tables with the clients' ids and users.

The engine writes `system.engine_<log>`. The views over them put the client's `query_id` and user where the engine has
its own, take out what this layer added, and show a reader the rows of that reader only. The caller is told by the mark
in the settings, which a query cannot change (`identity.py`).
"""

from collections import defaultdict

from warehouse.server.engine import Engine, quote
from warehouse.server.identity import (
    ENGINE_LOG_PREFIX,
    MARK_OF_CALLER,
    MARK_OF_ROW,
    MARK_SETTING,
    PROCESSES_VIEW,
)

_CALLER = f"JSONExtractString({MARK_OF_CALLER}, 'u')"
_CALLER_SEES_ALL = f"JSONExtractUInt({MARK_OF_CALLER}, 'a') = 1"

#: The rows that the caller may see.
_VISIBLE = f"({_CALLER_SEES_ALL} OR JSONExtractString(mark, 'u') = {_CALLER})"

#: RE2 for the clauses that this layer adds to a statement (`errors.py` does the same to error texts).
_ADDED = (
    r"\s*INTO OUTFILE '/proc/self/fd/[0-9]+' TRUNCATE( FORMAT [A-Za-z0-9]+)?"
    r"|\s*FROM INFILE '/proc/self/fd/[0-9]+'( COMPRESSION '[a-z0-9]*')?"
)

#: Columns of texts from which added clauses are taken out.
_TEXTS = ("query", "exception", "message", "formatted_query")


def create_log_views(engine: Engine) -> None:
    """Create every view; the log tables come into being with the first flush, `session_log` with its writer."""
    engine.run("SYSTEM FLUSH LOGS")
    engine.run(_processes_view(engine))
    columns: dict[str, list[str]] = defaultdict(list)
    for table, column in engine.rows(
        "SELECT table, name FROM system.columns WHERE database = 'system' "
        f"AND startsWith(table, '{ENGINE_LOG_PREFIX}') AND default_kind != 'ALIAS' ORDER BY table, position"
    ):
        columns[table].append(column)
    for table, names in columns.items():
        engine.run(_log_view(table, names))
    # The engine's own view of one user's queries takes everybody for the one user that it knows.
    engine.run(f"CREATE OR REPLACE VIEW system.user_query_log AS SELECT * FROM system.query_log WHERE user = {_CALLER}")


def _processes_view(engine: Engine) -> str:
    names = [
        name
        for (name,) in engine.rows(
            "SELECT name FROM system.columns "
            "WHERE database = 'system' AND table = 'processes' AND default_kind != 'ALIAS'"
        )
    ]
    return f"CREATE OR REPLACE VIEW {PROCESSES_VIEW} AS {_marked('processes', names)} AND mark != ''"


def _log_view(table: str, names: list[str]) -> str:
    view = f"CREATE OR REPLACE VIEW system.{table.removeprefix(ENGINE_LOG_PREFIX)} AS"
    if "Settings" in names:
        return f"{view} {_marked(table, names)}"
    own_id = next((name for name in ("query_id", "initial_query_id") if name in names), None)
    if own_id is None:
        return f"{view} SELECT * FROM system.{table}" + ("" if "user" not in names else f" WHERE {_CALLER_SEES_ALL}")
    marks = (
        f"(SELECT query_id AS engine_id, any({MARK_OF_ROW}) AS mark FROM system.{ENGINE_LOG_PREFIX}query_log "
        "GROUP BY engine_id)"
    )
    return (
        f"{view} SELECT {table}.* REPLACE ({_by_mark(names)}) FROM system.{table} "
        f"LEFT ANY JOIN {marks} AS marks ON {table}.{own_id} = marks.engine_id WHERE {_VISIBLE}"
    )


def _marked(table: str, names: list[str]) -> str:
    """Rows of a table that carry the mark; the subquery keeps the replaced `Settings` out of the condition."""
    rows = f"(SELECT *, {MARK_OF_ROW} AS mark FROM system.{table})"
    return f"SELECT * EXCEPT (mark) REPLACE ({_by_mark(names)}) FROM {rows} WHERE {_VISIBLE}"


def _by_mark(names: list[str]) -> str:
    """The list of a `* REPLACE`: ids and users from the mark, texts as the client wrote them."""
    replaced = {
        "query_id": "if(mark != '', JSONExtractString(mark, 'q'), query_id)",
        "initial_query_id": "if(mark != '', JSONExtractString(mark, 'q'), initial_query_id)",
        "user": "if(mark != '', JSONExtractString(mark, 'u'), toString(user))",
        "initial_user": "if(mark != '', JSONExtractString(mark, 'u'), toString(initial_user))",
        "Settings": f"mapFilter((name, value) -> name NOT IN ('{MARK_SETTING}', 'log_queries'), Settings)",
        **{name: f"replaceRegexpAll({name}, {quote(_ADDED)}, '')" for name in _TEXTS},
    }
    return ", ".join(f"{expression} AS {name}" for name, expression in replaced.items() if name in names)
