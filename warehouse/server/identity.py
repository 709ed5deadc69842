"""Who runs a query: the mark that ties a query of the engine to the client's own `query_id` and user.

The engine gives every query an id of its own and knows one user only. The mark travels in the setting
`chdb_client_name`, which the engine itself uses for nothing but the greeting to remote servers, so that the client's
`log_comment` stays the client's. It appears as `Settings['chdb_client_name']` in `system.processes` and in the query
log.
"""

import itertools
import json
from dataclasses import dataclass, field

#: The setting that carries the mark. Clients may not set it, neither in the URL nor in SQL.
MARK_SETTING = "chdb_client_name"

#: What a client sees as `system.processes`: the same columns with the client's query ids and users, for readers their
#: own rows only.
PROCESSES_VIEW = "system.client_processes"

#: The engine's own log tables are `system.engine_<log>`; clients read the views `system.<log>` over them.
ENGINE_LOG_PREFIX = "engine_"

#: The mark of a query, as an SQL expression over `system.processes` and the engine's query log.
MARK_OF_ROW = f"Settings['{MARK_SETTING}']"

#: The mark of the query that is running, as an SQL expression.
MARK_OF_CALLER = f"getSetting('{MARK_SETTING}')"

_runs = itertools.count(1)


@dataclass(frozen=True)
class Identity:
    """One run of one query by one user; `run` tells two runs with the same query id apart."""

    query_id: str
    user: str
    sees_all: bool
    run: int = field(default_factory=lambda: next(_runs))

    @property
    def mark(self) -> str:
        """The mark as JSON: q = query id, u = user, a = may see other users' rows, n = number of the run.

        `&` is written as an escape, since it would end the setting in the engine's connection string.
        """
        fields = {"q": self.query_id, "u": self.user, "a": int(self.sees_all), "n": self.run}
        return json.dumps(fields).replace("&", "\\u0026")
