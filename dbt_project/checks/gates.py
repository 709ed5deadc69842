"""The gates of the dbt project, over `manifest.json`: one line per fault on standard output, exit status 1 if any.

    python dbt_project/checks/gates.py dbt_project/target/manifest.json

It needs no warehouse: `dbt parse` writes the manifest. docs/models.md explains each gate and how to pass it.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Node = dict[str, Any]
Manifest = dict[str, Any]

#: From which layers a layer may read. Seeds are configuration, which every layer may read.
MAY_READ = {
    "staging": {"source"},
    "intermediate": {"staging", "intermediate", "seed"},
    "marts": {"intermediate", "marts", "seed"},
}

#: The description's last sentence names the grain, such as `One row per customer.`
GRAIN = re.compile(r"(One row per [^.]+|One row, [^.]+)\.$")

#: A column is described by a shared block, never in place.
SHARED = re.compile(r"^\{\{ doc\('[a-z0-9_]+'\) \}\}$")

#: What a view that runs inside inserts must not do: it sees the inserted rows alone, so nothing that needs all rows.
NOT_MERGEABLE = re.compile(
    r"\b(over\s*\(|window\b|(dense_)?rank\b|row_number\b|ntile\b|avg\w*\s*\(|median\w*\s*\(|limit\b|order\s+by\b|distinct\b|join\b)",
    re.IGNORECASE,
)

#: Aggregate functions that such a view may use end in State or SimpleState.
AGGREGATE = re.compile(r"\b((?:count|sum|min|max|any|uniq|quantile|arg|group|avg|median|top)\w*)\s*\(", re.IGNORECASE)

#: Tests that make a column, or a set of columns, the key.
KEY_TESTS = {"unique", "unique_combination"}

#: Comments, and expressions of Jinja: no SQL of the view's own.
NO_SQL = re.compile(r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}|--[^\n]*", re.DOTALL)

#: A threshold that forgives: the test passes although rows fail.
STRICT = {"severity": "ERROR", "error_if": "!= 0", "warn_if": "!= 0"}


def faults(manifest: Manifest, raw_yaml: dict[str, Node] | None = None) -> list[str]:
    """All faults of a project, sorted. `raw_yaml` maps models to their YAML before rendering, to see doc blocks."""
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    found = [fault for model in models for fault in _of_model(manifest, model)]
    found += [fault for source in manifest["sources"].values() for fault in _of_source(source)]
    found += [fault for test in _tests(manifest) for fault in _of_test(test)]
    found += [f"{name}: disabled; a node that is not wanted is deleted" for name in manifest.get("disabled", {})]
    for name, written in (raw_yaml or {}).items():
        found += [
            f"{name}.{column['name']}: describe the column by a shared block: {{{{ doc('…') }}}}"
            for column in written.get("columns", [])
            if not SHARED.match(column.get("description", ""))
        ]
    return sorted(found)


def layer(node: Node) -> str:
    """`staging`, `intermediate` or `marts`: the first folder below models/; `seed` or `source` for what is no model."""
    return str(node["resource_type"] if node["resource_type"] != "model" else node["fqn"][1])


def _of_model(manifest: Manifest, model: Node) -> Iterator[str]:
    checks: list[Callable[[Manifest, Node], Iterator[str]]] = [_layering, _documented]
    checks += [_only_states] if runs_in_inserts(model) else [_key]
    checks += [_replaces] if model["config"]["materialized"] == "changed_rows" else []
    if layer(model) == "marts":
        checks += [_contract, _mart_tests, _exposed]
    for check in checks:
        yield from (f"{model['name']}: {fault}" for fault in check(manifest, model))


def _layering(manifest: Manifest, model: Node) -> Iterator[str]:
    mine = layer(model)
    if mine not in MAY_READ:
        yield f"stands in {mine}/; models stand in staging/, intermediate/ or marts/"
        return
    for name in model["depends_on"]["nodes"]:
        parent = manifest["nodes"].get(name) or manifest["sources"][name]
        if layer(parent) not in MAY_READ[mine]:
            yield f"reads {layer(parent)} {parent['name']}; {mine} may read {', '.join(sorted(MAY_READ[mine]))} only"


def _documented(manifest: Manifest, model: Node) -> Iterator[str]:
    if not GRAIN.search(" ".join(model["description"].split())):
        yield "the description must end with the grain: `One row per ….`"
    if not model["columns"]:
        yield "no column is described"
    yield from (f"column {c['name']} has no description" for c in model["columns"].values() if not c["description"])
    home = Path(model["original_file_path"])
    written = (model.get("patch_path") or "").split("://")[-1]
    if Path(written) != home.with_suffix(".yml"):
        yield f"its YAML must stand beside it: {home.with_suffix('.yml')}"


def _key(manifest: Manifest, model: Node) -> Iterator[str]:
    if layer(model) == "staging" and model["config"].get("meta", {}).get("without_key"):
        return  # deliveries as they came: the same one may stand there twice; the entry says so
    if "One row, or none" not in model["description"] and not KEY_TESTS & _test_names(manifest, model):
        yield "no test of its key: unique on a column, or unique_combination"


def runs_in_inserts(model: Node) -> bool:
    """Whether a model is an insert-triggered view, here or in the schema that it is meant for."""
    written = model.get("unrendered_config", {}).get("materialized", "")
    return "materialized_view" in (model["config"]["materialized"], *re.findall(r"\w+", str(written)))


def _only_states(manifest: Manifest, model: Node) -> Iterator[str]:
    del manifest
    sql = NO_SQL.sub(" ", model["raw_code"])
    for found in NOT_MERGEABLE.finditer(sql):
        yield f"an insert-triggered view sees one insert; `{found[0].strip(' (')}` needs all rows"
    for found in AGGREGATE.finditer(sql):
        if not found[1].endswith("State"):
            yield f"an insert-triggered view collects states that merge: {found[1]} must end in State"


def _replaces(manifest: Manifest, model: Node) -> Iterator[str]:
    config = model["config"]
    replaces, changed = config.get("replaces", ""), config.get("changed", "")
    if bool(replaces) != bool(changed):
        yield "`replaces` names the key and `changed` the macro that answers keys: declare both, or neither"
    for column in re.findall(r"\b(?!(?:and|or|not)\b)[a-z]\w*\b(?!\s*\()", re.sub("'[^']*'", "", replaces)):
        if column not in model["columns"]:
            yield f"replaces {column}, which is no column of it"
    for macro in [*([changed] if changed else []), *config.get("meta", {}).get("decided_by", [])]:
        if not any(name.endswith(f".{macro}") for name in manifest["macros"]):
            yield f"there is no macro {macro}"
    if not re.search(r"\b(only_changes|of_changed_\w+)\(", model["raw_code"]):
        yield "a build of changes would add all of its rows again: use only_changes() or of_changed_people()"


def _contract(manifest: Manifest, model: Node) -> Iterator[str]:
    if not model["config"]["contract"]["enforced"]:
        yield "its contract is not enforced"
    yield from (f"column {c['name']} has no data_type" for c in model["columns"].values() if not c["data_type"])


def _mart_tests(manifest: Manifest, model: Node) -> Iterator[str]:
    if "relationships" not in _test_names(manifest, model):
        yield "no relationships test"
    units = [unit for unit in manifest["unit_tests"].values() if unit["model"] == model["name"]]
    if not units:
        yield "no unit test"
    for unit in units:
        if any(given["format"] != "dict" for given in (*unit["given"], unit["expect"])):
            yield f"unit test {unit['name']}: write its rows inline, so that they can be read"
        if not unit["expect"]["rows"]:
            yield f"unit test {unit['name']}: expects no row, so it says little"


def _exposed(manifest: Manifest, model: Node) -> Iterator[str]:
    if not any(model["unique_id"] in exposure["depends_on"]["nodes"] for exposure in manifest["exposures"].values()):
        yield "no exposure names it: who reads it?"


def _of_source(source: Node) -> Iterator[str]:
    name = f"{source['source_name']}.{source['name']}"
    if not source["description"]:
        yield f"{name}: no description"
    yield from (
        f"{name}: column {c['name']} has no description" for c in source["columns"].values() if not c["description"]
    )
    written = source.get("unrendered_config", {})
    if "freshness" not in written and not (source.get("freshness") or {}).get("error_after"):
        yield f"{name}: no freshness; write `freshness: null` and why where silence is no fault"


def _of_test(test: Node) -> Iterator[str]:
    for setting, strict in STRICT.items():
        if str(test["config"][setting]).upper() != strict.upper():
            yield f"{test['name']}: {setting} = {test['config'][setting]} forgives failures; it must be {strict}"
    for setting in ("where", "limit"):
        if test["config"].get(setting):
            yield f"{test['name']}: {setting} hides rows from the test"


def _tests(manifest: Manifest) -> list[Node]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "test"]


def _test_names(manifest: Manifest, model: Node) -> set[str]:
    return {
        test["test_metadata"]["name"]
        for test in _tests(manifest)
        if test.get("attached_node") == model["unique_id"] and test.get("test_metadata")
    }


def _raw_yaml(manifest: Manifest, project: Path) -> dict[str, Node]:
    """Models as their YAML files have them, read once more because the manifest only holds rendered descriptions."""
    import yaml

    paths = {
        node.get("patch_path", "").split("://")[-1] for node in manifest["nodes"].values() if node.get("patch_path")
    }
    found: dict[str, Node] = {}
    for path in sorted(paths):
        document = yaml.safe_load((project / path).read_text())
        found |= {entry["name"]: entry for kind in ("models", "seeds") for entry in document.get(kind, [])}
    return found


def main(arguments: list[str]) -> int:
    """Check the manifest named on the command line against the project that this file belongs to."""
    if len(arguments) != 1 or not Path(arguments[0]).exists():
        sys.stderr.write("error: name a manifest.json; `dbt parse` writes dbt_project/target/manifest.json\n")
        return 2
    manifest = json.loads(Path(arguments[0]).read_text())
    found = faults(manifest, _raw_yaml(manifest, Path(__file__).parents[1]))
    sys.stdout.writelines(f"{fault}\n" for fault in found)
    models = sum(node["resource_type"] == "model" for node in manifest["nodes"].values())
    sys.stdout.write(f"{models} models, {len(found)} faults\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
