"""Settings that are not a client's to choose: in the URL, in SET, in a SETTINGS clause."""

import re

from warehouse.server.errors import ClickHouseError
from warehouse.server.identity import MARK_SETTING
from warehouse.server.sql import Kind, Statement, StatementError, refuse_setting
from warehouse.server.users import User

#: Limits of the users file; a client may ask for less, never for more.
LIMITS = ("max_memory_usage", "max_execution_time")

#: What a limit may be; seconds may have a fraction.
_AMOUNT = re.compile(r"[0-9]+(\.[0-9]+)?")

#: Settings that nobody sets from outside: they would unhook the log, the limits or the mark.
_ALWAYS_OURS = {MARK_SETTING, "log_queries"}
_OURS = {*_ALWAYS_OURS, "readonly", "profile"}

#: Settings with which one could slip through a limit.
_WAYS_ROUND = {
    "max_untracked_memory",
    "max_memory_usage_for_user",
    "memory_overcommit_ratio_denominator",
    "memory_overcommit_ratio_denominator_for_user",
    "memory_usage_overcommit_max_wait_microseconds",
    "timeout_overflow_mode",
    "timeout_before_checking_execution_speed",
}

#: Settings with which a reader could slip through a limit, read or write the machine's files, or leave the log.
_FIXED_FOR_READERS = _WAYS_ROUND | {
    "allow_ddl",
    "allow_introspection_functions",
    "log_queries_probability",
    "log_queries_min_type",
    "log_queries_min_query_duration_ms",
    "log_query_settings",
    "format_schema",
    "input_format_record_errors_file_path",
    "metrics_perf_events_enabled",
}


def checked_settings(user: User, settings: dict[str, str]) -> dict[str, str]:
    """The client's settings if all of them are the client's to choose. Raises ClickHouseError 164 or 452."""
    for name, value in settings.items():
        if name == "readonly" and value in ("0", "1", "2") and not user.read_only:
            continue
        if name in _OURS:
            raise ClickHouseError(452, f"Setting {name} should not be changed")
        try:
            refuse_setting(name.encode("utf-8", "surrogateescape"), value.encode("utf-8", "surrogateescape"))
        except StatementError as refusal:
            raise ClickHouseError(refusal.code, refusal.message, refusal.name) from refusal
        if user.read_only and name in _FIXED_FOR_READERS:
            raise ClickHouseError(164, f"Cannot modify '{name}' setting in readonly mode.")
    return settings


def held_limits(user: User, chosen: dict[str, str]) -> dict[str, str]:
    """The limits that hold: what the client asks for, up to what the user may have. Raises ClickHouseError 452."""
    limits = {}
    for name in LIMITS:
        most: int = getattr(user, name)
        asked = chosen.get(name)
        if asked is None:
            if most:
                limits[name] = str(most)
            continue
        if not _AMOUNT.fullmatch(asked):
            raise ClickHouseError(72, f"Cannot parse {name}: '{asked}'", "CANNOT_PARSE_NUMBER")
        if most and not 0 < float(asked) <= most:
            raise ClickHouseError(452, f"Setting {name} shouldn't be greater than {most}")
        limits[name] = asked
    return limits


def check_clauses(user: User, statement: Statement) -> None:
    """Refuse SET and SETTINGS of what is not the client's to choose. Raises ClickHouseError 452.

    A reader's handle is sealed by the engine itself; this is for those who may write, and whose handle is not.
    """
    fixed = {MARK_SETTING} if statement.kind is Kind.DDL else set(_ALWAYS_OURS)
    if any(getattr(user, name) for name in LIMITS):
        fixed |= {*LIMITS, *_WAYS_ROUND, "profile"}
    in_clause = False
    for token in statement.tokens:
        if token.word in (b"SET", b"SETTINGS"):
            in_clause = True
        name = (token.identifier or b"").decode("utf-8", "replace")
        if in_clause and name in fixed:
            raise ClickHouseError(452, f"Setting {name} should not be changed")
