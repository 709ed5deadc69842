"""A handle made ready for one query: the mark, the client's settings, then the user's limits, then read-only."""

import re
from typing import Any

from warehouse.server.engine import Engine, engine_error, quote
from warehouse.server.errors import ClickHouseError
from warehouse.server.identity import MARK_SETTING, Identity
from warehouse.server.users import User

#: Limits of the users file; a client may ask for less, never for more.
LIMITS = ("max_memory_usage", "max_execution_time")

#: Settings that nobody sets from outside: they would unhook the log, the limits or the mark.
_OURS = {MARK_SETTING, "log_queries", "readonly", "profile"}

#: Settings with which a reader could slip through a limit, read the machine's files or leave the log.
_FIXED_FOR_READERS = {
    "allow_ddl",
    "allow_introspection_functions",
    "log_queries_probability",
    "log_queries_min_type",
    "log_queries_min_query_duration_ms",
    "log_query_settings",
    "max_untracked_memory",
    "max_memory_usage_for_user",
    "memory_overcommit_ratio_denominator",
    "memory_overcommit_ratio_denominator_for_user",
    "memory_usage_overcommit_max_wait_microseconds",
    "timeout_overflow_mode",
    "timeout_before_checking_execution_speed",
    "format_schema",
    "input_format_record_errors_file_path",
    "metrics_perf_events_enabled",
}

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_]+")


def open_handle(
    engine: Engine, identity: Identity, user: User, database: str, settings: dict[str, str], *, seal: bool = True
) -> Any:
    """A fresh handle on which one query of `user` may run. Raises ClickHouseError for a setting that is refused.

    `seal=False` leaves read-only for `seal_handle`, for the time in which external tables are made.
    """
    ours = {MARK_SETTING: identity.mark, "log_queries": "1"}
    chosen = checked_settings(user, settings)
    if database and _PLAIN_NAME.fullmatch(database):
        ours["database"] = database
    elif database:
        chosen = {"database": database, **chosen}
    limits = {name: value for name, value in chosen.items() if name in LIMITS}
    rest = {name: value for name, value in chosen.items() if name not in LIMITS}
    ours |= {name: value for name, value in _limits(user, limits).items() if value.isdecimal()}
    if user.read_only and seal and not rest:
        ours["readonly"] = "1"
    handle = engine.fresh(ours)
    try:
        if rest:
            apply_settings(handle, rest)
            if user.read_only and seal:
                seal_handle(handle)
    except BaseException:
        handle.close()
        raise
    return handle


def seal_handle(handle: Any) -> None:
    """From here on the handle only reads, and none of its settings can be changed."""
    apply_settings(handle, {"readonly": "1"})


def apply_settings(handle: Any, settings: dict[str, str]) -> None:
    """SET what a client or this layer chose; a wrong value or name is answered as the engine does."""
    pairs = ", ".join(f"{name} = {quote(value)}" for name, value in settings.items())
    try:
        handle.query(f"SET {pairs}".encode("utf-8", "surrogateescape"), "Null")
    except Exception as error:
        raise engine_error(error) from error


def checked_settings(user: User, settings: dict[str, str]) -> dict[str, str]:
    """The client's settings if all of them are the client's to choose. Raises ClickHouseError 164 or 452."""
    for name, value in settings.items():
        if name == "readonly" and value in ("0", "1", "2") and not user.read_only:
            continue
        if name in _OURS:
            raise ClickHouseError(452, f"Setting {name} should not be changed")
        if user.read_only and name in _FIXED_FOR_READERS:
            raise ClickHouseError(164, f"Cannot modify '{name}' setting in readonly mode.")
    return settings


def _limits(user: User, chosen: dict[str, str]) -> dict[str, str]:
    """The limits that hold: what the client asks for, up to what the user may have."""
    limits = {}
    for name in LIMITS:
        most: int = getattr(user, name)
        asked = chosen.get(name)
        if asked is None:
            if most:
                limits[name] = str(most)
            continue
        if most and not (asked.isdecimal() and 0 < int(asked) <= most):
            raise ClickHouseError(452, f"Setting {name} shouldn't be greater than {most}")
        limits[name] = asked
    return limits
