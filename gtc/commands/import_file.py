"""`gtc import`: load a file of somebody else's into raw."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gtc.commands.console import complain, out, print_json
from gtc.commands.import_progress import shown_progress
from gtc.settings import Dataset, load_settings
from warehouse.client import connect
from warehouse.importer import ImportFailedError, Options, RejectLimit, Summary, import_file, load_mapping
from warehouse.migrations import migrate
from warehouse.schema_templates import MigrationError


def command(
    file: Annotated[str, typer.Argument(help="CSV, TSV, JSONL or Parquet, plain, gz, xz or zst; `-`: standard input")],
    mapping: Annotated[Path, typer.Option(help="How the file becomes a raw table: docs/importing.md")],
    dataset: Annotated[str | None, typer.Option(help="Data set; default: GTC_DATASET")] = None,
    max_rejects: Annotated[
        str | None, typer.Option(help="Fail when more rows do not fit: a number or a percentage, such as 100 or 0.5%")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Load although this content was loaded before")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and check everything, load nothing")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document")] = False,
) -> None:
    """Load a file into raw. Rows that do not fit go to load_rejects; the same content is loaded only once.

    Example: gtc import online_retail.csv.xz --mapping warehouse/mappings/online_retail.yml --dataset online_retail
    """
    settings = load_settings()
    chosen = Dataset(dataset) if dataset else settings.dataset
    try:
        options = Options(settings.gtc_var_dir / "import", _limit(max_rejects), again, dry_run)
        read = load_mapping(mapping)
        with connect(settings) as client, shown_progress() as progress:
            migrate(client, chosen)
            summary = import_file(client, chosen, file, read, options, progress)
    except (ImportFailedError, MigrationError) as error:
        complain(error)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        complain(Exception("interrupted; nothing was loaded, run the same command again"))
        raise typer.Exit(130) from None
    _print(summary, chosen, as_json=json)


def _limit(text: str | None) -> RejectLimit | None:
    try:
        return RejectLimit.parse(text) if text is not None else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--max-rejects") from None


def _print(summary: Summary, dataset: Dataset, *, as_json: bool) -> None:
    if as_json:
        print_json({**asdict(summary), "rows_per_minute": summary.rows_per_minute})
        return
    table = f"{dataset.raw_database}.{summary.table}"
    if summary.status == "already_loaded":
        out.print(f"{summary.file}: already loaded into {table}, nothing changed (--again loads it once more)")
        return
    verb = "would load" if summary.status == "dry_run" else "loaded"
    out.print(
        f"{summary.file}: {summary.rows_read:,} rows read, {verb} {summary.rows_loaded:,} into {table}, "
        f"{summary.rows_rejected:,} rejected, {summary.seconds:.1f} s ({summary.rows_per_minute:,} rows a minute)",
        highlight=False,
    )
    for reject in summary.first_rejects:
        column = f", column {reject.column}" if reject.column else ""
        out.print(f"  line {reject.line}{column}: {reject.reason}", markup=False, highlight=False)
    if summary.rows_rejected:
        where = f"select * from {dataset.raw_database}.load_rejects where load_id = '{summary.load_id}'"
        out.print(
            "" if summary.status == "dry_run" else f'all of them: gtc query "{where}"', markup=False, highlight=False
        )
