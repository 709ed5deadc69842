"""Runs dbt with the platform's settings, as a process of its own, one line per node: `build`."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gtc.settings import PROJECT_ROOT, Settings
from warehouse.client import connect

PROJECT_DIR = PROJECT_ROOT / "dbt_project"

Target = Literal["local", "prod", "cluster", "ci"]
Say = Callable[[str], None]

#: Endings of a node that leave the marts whole.
_GOOD = {"success", "pass", "no-op", "partial success"}


#: Events of dbt's log that say how a node ended.
_ENDINGS = {
    "LogModelResult",
    "LogNodeResult",
    "LogNodeNoOpResult",
    "LogSeedResult",
    "LogSnapshotResult",
    "LogTestResult",
    "SkippingDetails",
}


class BuildError(Exception):
    """dbt could not start or read the project; the text is dbt's own first complaint."""


@dataclass(frozen=True)
class Node:
    """One seed, model or test of a run: what dbt says about it, in dbt's words."""

    name: str
    kind: str
    status: str
    seconds: float
    message: str

    @property
    def good(self) -> bool:
        """Whether it ended as it should; a skipped node did not."""
        return self.status in _GOOD


@dataclass(frozen=True)
class BuildResult:
    """What a run did, in the order in which nodes ended."""

    nodes: tuple[Node, ...]
    seconds: float

    @property
    def success(self) -> bool:
        """Whether every node ended as it should."""
        return all(node.good for node in self.nodes)

    @property
    def failures(self) -> list[Node]:
        """Nodes that failed, without those that were only skipped because of them."""
        return [node for node in self.nodes if not node.good and node.status != "skipped"]

    def count(self, kind: str) -> int:
        """Number of good nodes of one kind: model, seed, test, unit_test."""
        return sum(node.good for node in self.nodes if node.kind == kind)


def build(
    settings: Settings,
    *,
    select: str | Sequence[str] | None = None,
    full_refresh: bool = False,
    target: Target | None = None,
    threads: int = 4,
    variables: Mapping[str, Any] | None = None,
    with_tests: bool = True,
    say: Say = lambda line: None,
    target_dir: Path | None = None,
) -> BuildResult:
    """Build seeds, models and their tests for the data set of `settings`; `say` hears one line per node.

    `target` is one of profiles.yml, by default the caller's DBT_TARGET or `local`; `variables` win over those of
    dbt_project.yml; without `with_tests` only seeds and models are built. Artifacts go to `target_dir`, by default a
    folder of the data set in GTC_VAR_DIR, so that two data sets can be built at once. Raises WarehouseUnavailableError,
    and BuildError when dbt cannot start; a node that fails is in the result.
    """
    artifacts = target_dir or settings.gtc_var_dir / "dbt" / settings.dataset.name
    command = ["build", "--threads", str(threads), *(["--full-refresh"] if full_refresh else [])]
    command += ["--select", *([select] if isinstance(select, str) else select)] if select else []
    command += ["--target", target] if target else []
    command += [] if with_tests else ["--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"]
    command += ["--vars", json.dumps(variables)] if variables else []
    environment = dbt_environment(settings) | {"DBT_TARGET_PATH": str(artifacts), "DBT_LOG_PATH": str(artifacts)}
    connect(settings).close()  # one clear line when nobody answers, before dbt says it in many
    (artifacts / "run_results.json").unlink(missing_ok=True)
    complaints = list(_run(command, environment, say))
    return _read_results(artifacts / "run_results.json", complaints)


def dbt_environment(settings: Settings) -> dict[str, str]:
    """The environment in which dbt sees exactly these settings; a caller's own DBT_* variables stay."""
    chosen = {
        "GTC_DATASET": settings.gtc_dataset,
        "WAREHOUSE_HOST": settings.warehouse_host,
        "WAREHOUSE_PORT": str(settings.warehouse_port),
        "WAREHOUSE_SECURE": str(settings.warehouse_secure).lower(),
        "WAREHOUSE_USER": settings.warehouse_user,
        "WAREHOUSE_PASSWORD": settings.warehouse_password.get_secret_value(),
        "DBT_PROJECT_DIR": str(PROJECT_DIR),
        "DBT_PROFILES_DIR": str(PROJECT_ROOT),
    }
    return {**os.environ, **chosen}


def _run(command: list[str], environment: dict[str, str], say: Say) -> Iterator[str]:
    """Run dbt to its end; yield its error messages."""
    executable = Path(sys.executable).with_name("dbt")
    logging = ["--log-format", "json", "--log-level", "info", "--no-use-colors"]
    with subprocess.Popen(
        [executable, *logging, *command], env=environment, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            event = _event(line)
            if finished := _finished_node(event):
                say(finished)
            if event.get("info", {}).get("level") == "error":
                yield str(event["info"]["msg"])


def _event(line: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except json.JSONDecodeError:
        return {"info": {"level": "error", "msg": line.strip()}} if line.strip() else {}
    return event if isinstance(event, dict) else {}


def _finished_node(event: dict[str, Any]) -> str | None:
    """The line of a node that ended, such as `model kpi_daily: success (0.4 s)`."""
    if event.get("info", {}).get("name") not in _ENDINGS:
        return None
    data = event["data"]
    node = data["node_info"]
    seconds = f" ({data['execution_time']:.1f} s)" if "execution_time" in data else ""
    return f"{node['resource_type']} {node['node_name']}: {data.get('status', 'skipped')}{seconds}"


def _read_results(path: Path, complaints: list[str]) -> BuildResult:
    if not path.exists():
        raise BuildError(_first_complaint(complaints))
    document = json.loads(path.read_text())
    nodes = (
        Node(
            name=result["unique_id"].split(".")[2],
            kind=result["unique_id"].split(".")[0],
            status=result["status"],
            seconds=result["execution_time"],
            message=" ".join((result["message"] or "").split()),
        )
        for result in document["results"]
    )
    return BuildResult(tuple(nodes), document["elapsed_time"])


def _first_complaint(complaints: list[str]) -> str:
    """dbt's own words in one line, without its banner."""
    words = " ".join(" ".join(complaints).split()).removeprefix("Encountered an error:").strip()
    return f"dbt did not run: {words or 'it gave no reason'}"
