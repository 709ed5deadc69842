"""`gtc up`."""

from typing import Annotated

import typer

from gtc.commands.console import err
from gtc.commands.status import show
from gtc.services import up
from gtc.settings import load_settings


def command(json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False) -> None:
    """Start the services, wait until they answer, keep them up."""
    settings = load_settings()
    services = up(settings, lambda administrator: err.print(str(administrator), markup=False))
    show(services, settings, as_json=json)
