"""All commands in one place, and the one way in which errors reach the user."""

import sys
from collections.abc import Callable
from typing import Any

import typer
from clickhouse_connect.driver.exceptions import ClickHouseError

from bi.marts import ManifestError
from bi.query_context import UnknownChartError
from bi.servers import SupersetError
from bi.tree import TreeError
from gtc.commands import build, dashboards, dbt, demo, doctor, down, import_file, migrate, query, simulate, status, up
from gtc.commands.console import complain, engine_words
from gtc.services import ServiceError
from gtc.settings import InvalidDatasetNameError
from gtc.settings.settings import SettingsError
from warehouse.client import WarehouseUnavailableError
from warehouse.dbt import BuildError
from warehouse.importer import ImportFailedError
from warehouse.schema_templates import MigrationError

#: Errors that users cause and can mend: one line, no traceback.
EXPECTED_ERRORS = (
    SettingsError,
    InvalidDatasetNameError,
    ServiceError,
    WarehouseUnavailableError,
    MigrationError,
    ImportFailedError,
    BuildError,
    ManifestError,
    SupersetError,
    TreeError,
    UnknownChartError,
)

app = typer.Typer(
    name="gtc",
    help="GlobalTaxCalc Analytics: services, data, marts, dashboards.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

COMMANDS: dict[str, Callable[..., Any]] = {
    "up": up.command,
    "down": down.command,
    "status": status.command,
    "doctor": doctor.command,
    "demo": demo.command,
    "migrate": migrate.command,
    "simulate": simulate.command,
    "import": import_file.command,
    "build": build.command,
    "query": query.command,
}

for name, function in COMMANDS.items():
    app.command(name)(function)

app.add_typer(dashboards.group)

#: dbt reads its own options, so none of them is parsed here.
app.command(
    "dbt", context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}
)(dbt.command)


def main() -> None:
    """Run the command line; expected errors are one line on standard error and exit status 1."""
    try:
        app()
    except EXPECTED_ERRORS as error:
        complain(error)
        sys.exit(1)
    except ClickHouseError as error:
        complain(engine_words(error))
        sys.exit(1)
