"""`gtc status`."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from gtc.commands.console import err, out, print_json
from gtc.commands.first_steps import first_steps
from gtc.services import ServiceState, states
from gtc.settings import Settings, load_settings


def command(json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False) -> None:
    """Show what runs, where, and why something does not. Exit status 1 when a service is down."""
    settings = load_settings()
    found = states(settings)
    show(found, settings, as_json=json)
    if not all(service.is_healthy for service in found):
        raise typer.Exit(1)


def show(services: Sequence[ServiceState], settings: Settings, *, as_json: bool) -> None:
    """Print services as a table or as JSON, then what to do while there is no data."""
    if as_json:
        print_json([asdict(service) for service in services])
        return
    table = Table("service", "state", "address", "detail", box=None)
    for service in services:
        colour = "green" if service.is_healthy else "red"
        table.add_row(service.name, f"[{colour}]{service.state}[/]", service.address, service.detail)
    out.print(table)
    if advice := first_steps(settings):
        err.print(advice, markup=False)
