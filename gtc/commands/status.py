"""`gtc status`."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from gtc.commands.console import out, print_json
from gtc.services import ServiceState, states
from gtc.settings import load_settings


def command(json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False) -> None:
    """Show what runs, where, and why something does not. Exit status 1 when a service is down."""
    found = states(load_settings())
    show(found, as_json=json)
    if not all(service.is_healthy for service in found):
        raise typer.Exit(1)


def show(services: Sequence[ServiceState], *, as_json: bool) -> None:
    """Print services as a table or as JSON."""
    if as_json:
        print_json([asdict(service) for service in services])
        return
    table = Table("service", "state", "address", "detail", box=None)
    for service in services:
        colour = "green" if service.is_healthy else "red"
        table.add_row(service.name, f"[{colour}]{service.state}[/]", service.address, service.detail)
    out.print(table)
