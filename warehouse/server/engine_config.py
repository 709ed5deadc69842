"""The engine's configuration: log tables with a time to live, the default profile, a one-node cluster, backups."""

import re
from collections.abc import Iterable
from pathlib import Path
from xml.sax.saxutils import escape

from warehouse.server.default_database import OVERLAY
from warehouse.server.identity import ENGINE_LOG_PREFIX, MARK_OF_CALLER, MARK_OF_ROW

#: The engine ends only when its collectors wake up: a stop waits for this long, once for each of them.
_COLLECT = "<collect_interval_milliseconds>1000</collect_interval_milliseconds>"

#: Log tables that the engine writes, with what else each is told. Names as on a server.
LOGS: dict[str, str] = {
    "query_log": "",
    "query_thread_log": "",
    "query_views_log": "",
    "part_log": "",
    "text_log": "<level>information</level>",
    "metric_log": _COLLECT,
    "error_log": _COLLECT,
    "asynchronous_insert_log": "",
    "asynchronous_metric_log": "",
    "processors_profile_log": "",
    "backup_log": "",
    "crash_log": "",
}

#: Logs that grow without any query. Their parts have many columns: written every two seconds, merging them would keep a
#: quarter of a core busy for nothing.
_SELDOM = {"metric_log", "error_log", "asynchronous_metric_log"}

#: Milliseconds after which rows are written without being asked for (`SYSTEM FLUSH LOGS`).
_FLUSH, _SELDOM_FLUSH = 7_500, 60_000

#: The query log comes sooner: clickhouse-connect's suite looks for a query's id during three seconds. An idle warehouse
#: has no queries to write.
_QUERY_LOG_FLUSH = 1_000

_LOG = """\
  <{name}>
    <database>system</database>
    <table>{prefix}{name}</table>
    <partition_by>toYYYYMM(event_date)</partition_by>
    <ttl>event_date + INTERVAL 7 DAY DELETE</ttl>
    <flush_interval_milliseconds>{flush}</flush_interval_milliseconds>
    {more}
  </{name}>
"""

#: `log_queries` is 0 so that this layer's own SETs stay out of the log; each client query switches it on.
#: The other settings bring back the defaults of a server.
_USERS = """\
<clickhouse>
  <profiles>
    <default>
      <log_queries>0</log_queries>
      <implicit_select>0</implicit_select>
      <allow_introspection_functions>0</allow_introspection_functions>
      <storage_file_read_method>pread</storage_file_read_method>
    </default>
  </profiles>
  <users>
{users}  </users>
</clickhouse>
"""

#: All handles act as `default`. The users of the users file exist so that a view may name one as its `DEFINER`.
_USER = """\
    <{name}>
      <password></password>
      <profile>default</profile>
      <networks><ip>127.0.0.1</ip><ip>::1</ip></networks>
      <access_management>1</access_management>
      <databases>
        <system>
          <processes><filter>{own_rows}</filter></processes>
          <{prefix}query_log><filter>{own_rows}</filter></{prefix}query_log>
        </system>
      </databases>
    </{name}>
"""

#: Names that can stand in the file as they are.
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")

#: Row policy: this layer's own handles bear no mark and see every row, users the rows that their mark allows. It holds
#: in the engine, however a query comes to the table: merge(), cluster(), a view, a parameter for its name.
_OWN_ROWS = (
    f"{MARK_OF_CALLER} = '' OR JSONExtractUInt({MARK_OF_CALLER}, 'a') = 1 "
    f"OR JSONExtractString({MARK_OF_ROW}, 'u') = JSONExtractString({MARK_OF_CALLER}, 'u')"
)

_CONFIG = """\
<clickhouse>
  <default_database>{overlay}</default_database>
  <asynchronous_metrics_update_period_s>15</asynchronous_metrics_update_period_s>
  <tcp_port>9000</tcp_port>
  <users_config>{users}</users_config>
  <backups>
    <allowed_path>{backups}</allowed_path>
  </backups>
  <remote_servers>
    <default>
      <shard><replica><host>127.0.0.1</host><port>9000</port></replica></shard>
    </default>
  </remote_servers>
{logs}</clickhouse>
"""


def write_engine_config(directory: Path, users: Iterable[str] = ()) -> Path:
    """Write the configuration files below `directory`; return the one that the engine reads.

    `users` are the names that a view may give as its definer.
    """
    home = directory / "config"
    backups = directory / "backups"
    home.mkdir(parents=True, exist_ok=True)
    backups.mkdir(exist_ok=True)
    users_file = home / "users.xml"
    users_file.write_text(_USERS.format(users=_users(users)), encoding="utf-8")
    logs = "".join(_log(name, more) for name, more in LOGS.items())
    config = home / "engine.xml"
    config.write_text(
        _CONFIG.format(overlay=OVERLAY, users=escape(str(users_file)), backups=escape(str(backups)), logs=logs),
        encoding="utf-8",
    )
    return config


def _users(names: Iterable[str]) -> str:
    known = ["default", *sorted({name for name in names if _PLAIN_NAME.fullmatch(name)} - {"default"})]
    return "".join(_USER.format(name=name, own_rows=escape(_OWN_ROWS), prefix=ENGINE_LOG_PREFIX) for name in known)


def _log(name: str, more: str) -> str:
    flush = _QUERY_LOG_FLUSH if name == "query_log" else _SELDOM_FLUSH if name in _SELDOM else _FLUSH
    return _LOG.format(name=name, prefix=ENGINE_LOG_PREFIX, flush=flush, more=more)
