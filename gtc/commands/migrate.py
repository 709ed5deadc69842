"""`gtc migrate`: create or update the raw and ml databases of a data set."""

from typing import Annotated

import typer

from gtc.commands.console import complain, out
from gtc.settings import Dataset, load_settings
from warehouse.client import connect
from warehouse.migrations import migrate
from warehouse.schema_templates import MigrationError


def command(
    dataset: Annotated[str | None, typer.Option(help="Data set; default: GTC_DATASET")] = None,
    cluster: Annotated[
        str | None,
        typer.Option(help="Create replicated and distributed tables on this cluster; default: WAREHOUSE_CLUSTER"),
    ] = None,
) -> None:
    """Create or update the tables of raw data; running it again changes nothing.

    Example: gtc migrate --dataset online_retail
    """
    settings = load_settings()
    chosen = Dataset(dataset) if dataset else settings.dataset
    try:
        applied = migrate(connect(settings), chosen, cluster=cluster or settings.warehouse_cluster or None)
    except MigrationError as error:
        complain(error)
        raise typer.Exit(1) from None
    for migration in applied:
        out.print(f"applied {migration.number:04} {migration.name}")
    if not applied:
        out.print(f"{chosen.raw_database} is up to date")
