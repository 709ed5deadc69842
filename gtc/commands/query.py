"""`gtc query`."""

import sys
from typing import Annotated, cast

import typer
from clickhouse_connect.driver.exceptions import ClickHouseError
from urllib3.exceptions import HTTPError

from gtc.commands.console import complain, engine_words
from gtc.settings import load_settings
from warehouse.client import Role, connect

#: Bytes handed to standard output at a time.
CHUNK = 1 << 20


def command(
    sql: Annotated[str, typer.Argument(help="The query, or `-` to read it from standard input.")],
    format: Annotated[
        str | None,
        typer.Option(
            "--format", "-f", help="Any ClickHouse format.  [default: a table on a terminal, else TSVWithNames]"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Short for --format JSON.")] = False,
    user: Annotated[str, typer.Option("--as", help="`reader` or `etl`; only etl may write.")] = "reader",
) -> None:
    """Ask the warehouse.

    Example: gtc query "select kpi_date, dau from analytics.kpi_daily order by 1 desc limit 7"
    """
    if user not in ("reader", "etl"):
        raise typer.BadParameter("`reader` or `etl`", param_hint="--as")
    text = sys.stdin.read() if sql == "-" else sql
    chosen = format or ("JSON" if as_json else _usual_format())
    try:
        with connect(load_settings(), cast(Role, user)) as client:
            # As a header it is the default: a FORMAT clause in the query wins.
            stream = client.raw_stream(text, transport_settings={"X-ClickHouse-Format": chosen})
            while chunk := stream.read(CHUNK):
                sys.stdout.buffer.write(chunk)
    except (ClickHouseError, HTTPError) as error:
        complain(engine_words(error))
        raise typer.Exit(1) from None


def _usual_format() -> str:
    return "PrettyCompact" if sys.stdout.isatty() else "TSVWithNames"
