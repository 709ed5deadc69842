"""The users file: names, password hashes, rights and limits. Passwords themselves are never written."""

import os
from dataclasses import asdict, field
from pathlib import Path
from typing import Any

import yaml
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pydantic import ConfigDict, NonNegativeFloat, NonNegativeInt, ValidationError
from pydantic.dataclasses import dataclass

from gtc.settings import Settings

#: Cost of a password hash: OWASP's second choice for argon2id (19 MiB, 2 passes), about 20 ms; verified once a process.
HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)

_HEAD = """\
# Users of the embedded warehouse. Passwords are argon2 hashes; `python -m warehouse.server hash` makes one.
# The two users of the settings (WAREHOUSE_USER, WAREHOUSE_READER_USER) get their password from there at each start;
# everything else here is yours to change. Limits: 0 means none; memory in bytes, time in seconds.
"""


_CHECKED = ConfigDict(strict=True, extra="forbid")


class UsersFileError(Exception):
    """The users file cannot be used; the text names the file and the fault."""


@dataclass(frozen=True, config=_CHECKED)
class User:
    """One account. Limits of 0 mean none; `max_memory_usage` in bytes, `max_execution_time` in seconds."""

    name: str
    password_hash: str
    read_only: bool = True
    max_memory_usage: NonNegativeInt = 0
    max_execution_time: NonNegativeInt = 0
    max_concurrent_queries: NonNegativeInt = 0

    def owns(self, password: str) -> bool:
        """True when the password is this user's; takes tens of milliseconds on purpose."""
        try:
            return bool(HASHER.verify(self.password_hash, password))
        except (VerificationError, InvalidHashError):
            return False


@dataclass(frozen=True, config=_CHECKED)
class ServerLimits:
    """What all users share: queries that run at once, and how long one waits for its turn (seconds)."""

    max_concurrent_queries: NonNegativeInt = 32
    queue_seconds: NonNegativeFloat = 10.0
    queue_length: NonNegativeInt = 64


@dataclass(frozen=True)
class Accounts:
    """Everything the users file says."""

    users: dict[str, User]
    limits: ServerLimits = field(default_factory=ServerLimits)


def load_accounts(settings: Settings) -> Accounts:
    """Read the users file, create it when missing, and bring the two settings users up to date.

    Raises UsersFileError.
    """
    path = settings.warehouse_users_file
    accounts = _read(path) if path.exists() else Accounts({})
    users = dict(accounts.users)
    for name, password, defaults in _settings_users(settings):
        known = users.get(name)
        if not password:
            continue
        if known is None or not known.owns(password):
            kept = _limits(known) if known else defaults
            users[name] = User(name, HASHER.hash(password), **kept)
    if users != accounts.users or not path.exists():
        _write(path, Accounts(users, accounts.limits))
    return Accounts(users, accounts.limits)


def _settings_users(settings: Settings) -> list[tuple[str, str, dict[str, Any]]]:
    """Name, password and first limits of the two users that the settings name."""
    reader_limits = {
        "read_only": True,
        "max_memory_usage": 4 << 30,
        "max_execution_time": 300,
        "max_concurrent_queries": 16,
    }
    return [
        (settings.warehouse_user, settings.warehouse_password.get_secret_value(), {"read_only": False}),
        (settings.warehouse_reader_user, settings.warehouse_reader_password.get_secret_value(), reader_limits),
    ]


def _limits(user: User) -> dict[str, Any]:
    return {name: value for name, value in asdict(user).items() if name not in ("name", "password_hash")}


def _read(path: Path) -> Accounts:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        users = {
            name: User(name=name, **({"password_hash": ""} | (fields or {})))
            for name, fields in (document.get("users") or {}).items()
        }
        return Accounts(users, ServerLimits(**(document.get("server") or {})))
    except (yaml.YAMLError, ValidationError, TypeError, AttributeError, OSError) as error:
        raise UsersFileError(f"cannot use the users file {path}: {' '.join(str(error).split())}") from error


def _write(path: Path, accounts: Accounts) -> None:
    """Replace the file in one step; only its owner may read it."""
    document = {
        "server": asdict(accounts.limits),
        "users": {
            name: {"password_hash": user.password_hash, **_limits(user)} for name, user in accounts.users.items()
        },
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(_HEAD + yaml.safe_dump(document, sort_keys=False))
    draft.replace(path)
