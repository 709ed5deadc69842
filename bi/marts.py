"""The marts as dbt declares them: what a dataset may be made of."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gtc.settings import Settings
from warehouse.dbt import dbt_environment


class ManifestError(Exception):
    """dbt's manifest cannot be had; the text says what to do."""


@dataclass(frozen=True)
class Column:
    """One column of a contract."""

    type: str
    description: str


@dataclass(frozen=True)
class Mart:
    """One mart: its description and its contract."""

    description: str
    columns: dict[str, Column]


def read_marts(manifest: Path) -> dict[str, Mart]:
    """Every mart by name. Raises ManifestError."""
    try:
        nodes = json.loads(manifest.read_text())["nodes"].values()
    except (OSError, ValueError, KeyError):
        raise ManifestError(f"no manifest at {manifest}; run `gtc dbt parse`, or leave --manifest out") from None
    return {
        node["name"]: _mart(node) for node in nodes if node["resource_type"] == "model" and node["fqn"][1] == "marts"
    }


def parse(settings: Settings) -> Path:
    """Let dbt write a manifest of the files as they are; it needs no warehouse. Raises ManifestError."""
    target = settings.gtc_var_dir / "dbt" / "parsed"
    environment = {**dbt_environment(settings), "DBT_TARGET_PATH": str(target), "DBT_LOG_PATH": str(target)}
    environment["WAREHOUSE_PASSWORD"] = environment["WAREHOUSE_PASSWORD"] or "-"
    dbt = Path(sys.executable).with_name("dbt")
    ended = subprocess.run([dbt, "--quiet", "parse"], env=environment, check=False, capture_output=True, text=True)
    if ended.returncode != 0:
        raise ManifestError(f"dbt cannot read the project: {one_line(ended.stdout + ended.stderr)}")
    return target / "manifest.json"


def one_line(text: str) -> str:
    """Without line breaks and indents, so that two texts compare as they read."""
    return " ".join((text or "").split())


def _mart(node: dict[str, Any]) -> Mart:
    columns = {
        column["name"]: Column(column["data_type"] or "", one_line(column["description"]))
        for column in node["columns"].values()
    }
    return Mart(one_line(node["description"]), columns)
