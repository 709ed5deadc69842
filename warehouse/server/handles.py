"""A handle made ready for one query: the mark, the client's settings, then the user's limits, then read-only."""

import re
from typing import Any

from warehouse.server.engine import Engine, engine_error, quote
from warehouse.server.identity import MARK_SETTING, Identity
from warehouse.server.protected_settings import LIMITS, checked_settings, held_limits
from warehouse.server.users import User

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_]+")


def open_handle(
    engine: Engine, identity: Identity, user: User, database: str, settings: dict[str, str], *, seal: bool = True
) -> Any:
    """A fresh handle on which one query of `user` may run. Raises ClickHouseError for a setting that is refused.

    `seal=False` leaves read-only for `seal_handle`, for the time in which external tables are made.
    """
    chosen = checked_settings(user, settings)
    if database and not _PLAIN_NAME.fullmatch(database):
        chosen = {"database": database, **chosen}
    free = {name: value for name, value in chosen.items() if name not in LIMITS}
    held = {MARK_SETTING: identity.mark, **held_limits(user, chosen)}
    if database and "database" not in chosen:
        held["database"] = database
    last = {"log_queries": "1", "readonly": "1"} if user.read_only and seal else {"log_queries": "1"}
    if not free:
        return engine.fresh(held | last)
    handle = engine.fresh(held)
    try:
        apply_settings(handle, free | last)  # one SET: not logged itself, and not yet read-only
    except BaseException:
        handle.close()
        raise
    return handle


def our_settings(identity: Identity) -> dict[str, str]:
    """What this layer sets for every query: the mark, and that the query is logged."""
    return {MARK_SETTING: identity.mark, "log_queries": "1"}


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
