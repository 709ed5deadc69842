"""What the commands of the group share: options, and the way to a Superset."""

import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated

import typer

from bi.servers import InApp, Remote, Server, SupersetError
from bi.tree import TREE
from gtc.settings import Settings

#: Where the password for --url comes from: a command line can be read by others.
PASSWORD_VARIABLE = "SUPERSET_LOGIN_PASSWORD"  # noqa: S105  # pragma: allowlist secret

TreeOption = Annotated[Path, typer.Option("--tree", help="folder of the files")]
JsonOption = Annotated[bool, typer.Option("--json", help="print one JSON document")]
UrlOption = Annotated[str, typer.Option("--url", help="a running Superset; default: the application itself, offline")]
UserOption = Annotated[str, typer.Option("--user", help=f"for --url; the password is read from {PASSWORD_VARIABLE}")]

DEFAULT_TREE = TREE


def superset(settings: Settings, url: str, user: str) -> AbstractContextManager[Server]:
    """The server at `url`, or without one the application with our metadata. Raises SupersetError."""
    if not url:
        return InApp(settings)
    if PASSWORD_VARIABLE not in os.environ:
        raise SupersetError(f"no password for {user} at {url}; set {PASSWORD_VARIABLE}")
    return nullcontext(Remote(url, user, os.environ[PASSWORD_VARIABLE]))
