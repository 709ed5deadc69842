"""Each gate of the dbt project fails on a model that lacks what it asks for, and passes on the project as it is."""

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gtc.settings import PROJECT_ROOT

sys.path.insert(0, str(PROJECT_ROOT / "dbt_project" / "checks"))

import gates  # the path above leads to it

Node = dict[str, Any]

DBT_PROJECT = PROJECT_ROOT / "dbt_project"


def model(manifest: Node, name: str) -> Node:
    return manifest["nodes"][f"model.globaltaxcalc.{name}"]


def drop_tests(manifest: Node, name: str, kinds: set[str]) -> None:
    """Remove the tests of these kinds from a model."""
    manifest["nodes"] = {
        key: node
        for key, node in manifest["nodes"].items()
        if not (
            node["resource_type"] == "test"
            and node.get("attached_node") == f"model.globaltaxcalc.{name}"
            and (node.get("test_metadata") or {}).get("name") in kinds
        )
    }


def drop_unit_tests(manifest: Node) -> None:
    manifest["unit_tests"] = {k: u for k, u in manifest["unit_tests"].items() if u["model"] != "rfm"}


def any_unit_test(manifest: Node) -> Node:
    return next(unit for unit in manifest["unit_tests"].values() if unit["model"] == "rfm")


def any_test(manifest: Node) -> Node:
    return next(node for node in manifest["nodes"].values() if node["resource_type"] == "test")


def source(manifest: Node) -> Node:
    return manifest["sources"]["source.globaltaxcalc.raw.user_events"]


def read_raw(manifest: Node, name: str) -> None:
    model(manifest, name)["depends_on"]["nodes"].append("source.globaltaxcalc.raw.user_events")


def forget_freshness(manifest: Node) -> None:
    source(manifest)["freshness"] = None
    source(manifest)["unrendered_config"].pop("freshness", None)


def triggered(manifest: Node, sql: str) -> None:
    """Add something to the SQL of the view that runs inside inserts."""
    view = model(manifest, "stg_live_requests")
    view["raw_code"] = view["raw_code"].replace("group by", f"{sql} group by")


def rebuild_all(manifest: Node) -> None:
    """Take the restriction to what changed out of a model's SQL."""
    days = model(manifest, "user_days")
    days["raw_code"] = days["raw_code"].replace("of_changed_people(", "(")


BREAKS: dict[str, tuple[Callable[[Node], Any], str]] = {
    "a mart reads raw": (lambda m: read_raw(m, "rfm"), "rfm: reads source user_events"),
    "intermediate reads raw": (lambda m: read_raw(m, "sessions"), "sessions: reads source user_events"),
    "a mart reads staging": (
        lambda m: model(m, "rfm")["depends_on"]["nodes"].append("model.globaltaxcalc.stg_user_events"),
        "rfm: reads staging stg_user_events",
    ),
    "staging reads a mart": (
        lambda m: model(m, "stg_user_events")["depends_on"]["nodes"].append("model.globaltaxcalc.rfm"),
        "stg_user_events: reads marts rfm",
    ),
    "a model outside the layers": (
        lambda m: model(m, "rfm").update(fqn=["globaltaxcalc", "rfm"]),
        "rfm: stands in rfm/",
    ),
    "replaces what is no column": (
        lambda m: model(m, "user_days")["config"].update(replaces="(person, active_date)"),
        "user_days: replaces person, which is no column",
    ),
    "replaces without keys": (
        lambda m: model(m, "user_days")["config"].update(changed=None),
        "user_days: `replaces` names the key",
    ),
    "keys of a macro that is not there": (
        lambda m: model(m, "user_days")["config"].update(changed="changed_pople"),
        "user_days: there is no macro changed_pople",
    ),
    "decided by a macro that is not there": (
        lambda m: model(m, "user_days")["config"].update(meta={"decided_by": ["nobody"]}),
        "user_days: there is no macro nobody",
    ),
    "adds everything again": (rebuild_all, "user_days: a build of changes would add all of its rows again"),
    "a window inside inserts": (
        lambda m: triggered(m, ", count() over (partition by route)"),
        "stg_live_requests: an insert-triggered view sees one insert; `over` needs all rows",
    ),
    "a ranking inside inserts": (lambda m: triggered(m, ", rank()"), "`rank` needs all rows"),
    "an average inside inserts": (lambda m: triggered(m, ", avg(duration_ms)"), "`avg` needs all rows"),
    "a newest row inside inserts": (lambda m: triggered(m, "limit 1 by route"), "`limit` needs all rows"),
    "a number that does not merge": (lambda m: triggered(m, ", uniqExact(event_id)"), "uniqExact must end in State"),
    "no grain": (lambda m: model(m, "rfm").update(description="Customers."), "rfm: the description must end"),
    "grain not at the end": (
        lambda m: model(m, "rfm").update(description="One row per customer. Good."),
        "rfm: the description must end",
    ),
    "no columns": (lambda m: model(m, "rfm").update(columns={}), "rfm: no column is described"),
    "a column without description": (
        lambda m: model(m, "rfm")["columns"]["monetary"].update(description=""),
        "rfm: column monetary has no description",
    ),
    "a column without type": (
        lambda m: model(m, "rfm")["columns"]["monetary"].update(data_type=None),
        "rfm: column monetary has no data_type",
    ),
    "YAML elsewhere": (
        lambda m: model(m, "rfm").update(patch_path="globaltaxcalc://models/schema.yml"),
        "rfm: its YAML must stand beside it: models/marts/segments/rfm.yml",
    ),
    "contract not enforced": (
        lambda m: model(m, "rfm")["config"]["contract"].update(enforced=False),
        "rfm: its contract is not enforced",
    ),
    "a key excused outside staging": (
        lambda m: (drop_tests(m, "rfm", {"unique"}), model(m, "rfm")["config"]["meta"].update(without_key="no")),
        "rfm: no test of its key",
    ),
    "no key test": (lambda m: drop_tests(m, "rfm", {"unique"}), "rfm: no test of its key"),
    "no relationships": (lambda m: drop_tests(m, "rfm", {"relationships"}), "rfm: no relationships test"),
    "no unit test": (drop_unit_tests, "rfm: no unit test"),
    "unit test from a file": (
        lambda m: any_unit_test(m)["given"][0].update(format="csv"),
        "write its rows inline",
    ),
    "unit test without expectation": (lambda m: any_unit_test(m)["expect"].update(rows=[]), "expects no row"),
    "no exposure": (lambda m: m.update(exposures={}), "rfm: no exposure names it"),
    "no freshness": (forget_freshness, "raw.user_events: no freshness"),
    "source without description": (lambda m: source(m).update(description=""), "raw.user_events: no description"),
    "source column without description": (
        lambda m: source(m)["columns"]["event_at"].update(description=""),
        "raw.user_events: column event_at has no description",
    ),
    "a test that only warns": (lambda m: any_test(m)["config"].update(severity="warn"), "severity = warn forgives"),
    "a threshold": (lambda m: any_test(m)["config"].update(error_if="> 10"), "error_if = > 10 forgives"),
    "a test that looks away": (lambda m: any_test(m)["config"].update(where="1 = 0"), "where hides rows"),
    "a disabled model": (
        lambda m: m.update(disabled={"model.globaltaxcalc.old": [{}]}),
        "model.globaltaxcalc.old: disabled",
    ),
}


def test_the_project_passes_every_gate(manifest_file: Path) -> None:
    ended = subprocess.run(
        [sys.executable, DBT_PROJECT / "checks" / "gates.py", manifest_file],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout.splitlines()[-1].split(", ")[1]) == (0, "0 faults")


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_project_is_named(manifest: Node, name: str) -> None:
    breaks, fault = BREAKS[name]
    assert gates.faults(manifest) == []
    breaks(manifest)
    assert any(fault in line for line in gates.faults(manifest)), gates.faults(manifest)


def test_a_column_described_in_place_is_a_fault(manifest: Node) -> None:
    written = {"rfm": {"columns": [{"name": "monetary", "description": "Money."}]}}
    [fault] = gates.faults(manifest, written)
    assert fault.startswith("rfm.monetary: describe the column by a shared block")


def test_a_fault_ends_the_script_with_status_1(manifest: Node, tmp_path: Path) -> None:
    broken = copy.deepcopy(manifest)
    drop_tests(broken, "rfm", {"unique"})
    (tmp_path / "manifest.json").write_text(json.dumps(broken))
    ended = subprocess.run(
        [sys.executable, DBT_PROJECT / "checks" / "gates.py", tmp_path / "manifest.json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout.splitlines()[0]) == (
        1,
        "rfm: no test of its key: unique on a column, or unique_combination",
    )


def test_a_missing_manifest_is_one_line() -> None:
    ended = subprocess.run(
        [sys.executable, DBT_PROJECT / "checks" / "gates.py", "nowhere.json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)


def test_no_column_of_a_source_is_forgotten(manifest: Node) -> None:
    staged = {name: set(model(manifest, f"stg_{name}")["columns"]) for name in ("user_events", "revenue_events")}
    for name, columns in staged.items():
        described = set(manifest["sources"][f"source.globaltaxcalc.raw.{name}"]["columns"])
        # When it was stored and which delivery wins concern builds only.
        assert columns == (described - {"ingested_at", "row_version"}) | {"event_date"}
