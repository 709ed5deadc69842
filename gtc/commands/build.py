"""`gtc build`."""

from dataclasses import asdict
from typing import Annotated

import typer

from gtc.commands.console import complain, err, out, print_json
from gtc.settings import load_settings
from warehouse.dbt import BuildError, BuildResult, Target, build


def command(
    select: Annotated[list[str] | None, typer.Option(help="nodes in dbt's words, for example `+kpi_daily`")] = None,
    dataset: Annotated[str | None, typer.Option(help="data set to build, by default GTC_DATASET")] = None,
    full_refresh: Annotated[bool, typer.Option("--full-refresh", help="rebuild incremental models")] = False,
    target: Annotated[
        Target | None, typer.Option(help="target of profiles.yml, by default DBT_TARGET or local")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, max=64, help="nodes built at once")] = 4,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Build the models of a data set and run their tests, for example: gtc build --dataset online_retail"""
    settings = load_settings(**({"gtc_dataset": dataset} if dataset else {}))
    try:
        result = build(
            settings,
            select=select,
            full_refresh=full_refresh,
            target=target,
            threads=threads,
            say=lambda line: err.print(line, markup=False),
        )
    except BuildError as error:
        complain(error)
        raise typer.Exit(1) from None
    if as_json:
        print_json({"success": result.success, "seconds": result.seconds, "nodes": [asdict(n) for n in result.nodes]})
    else:
        out.print(summary(result, settings.dataset.schema), markup=False)
    raise typer.Exit(0 if result.success else 1)


def summary(result: BuildResult, schema: str) -> str:
    """Failures by name, then one line of counts."""
    lines = [f"failed: {node.kind} {node.name}: {node.message}" for node in result.failures]
    counts = f"{result.count('model')} models, {result.count('test') + result.count('unit_test')} tests passed"
    return "\n".join([*lines, f"{schema}: {counts}, {len(result.failures)} failed ({result.seconds:.1f} s)"])
