"""`gtc doctor`."""

from dataclasses import asdict
from typing import Annotated

import typer

from gtc.commands.console import out, print_json
from gtc.doctor import examine
from gtc.settings import load_settings


def command(json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False) -> None:
    """Look for what could be wrong on this machine and say what to do. Exit status 1 when something is."""
    findings = list(examine(load_settings()))
    if json:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            mark = "[green]ok[/]   " if finding.is_well else "[red]wrong[/]"
            hint = "" if finding.is_well or not finding.advice else f": {finding.advice}"
            out.print(f"{mark} {finding.subject}: {finding.seen}{hint}")
    if not all(finding.is_well for finding in findings):
        raise typer.Exit(1)
