"""All faults of a tree."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from bi.access import Access
from bi.exposures import EXPOSURES, exposures_text
from bi.identity import uuid_of
from bi.marts import Mart
from bi.normal import normal_files
from bi.tree import KINDS, Tree, file_of
from bi.validate.charts import chart_faults
from bi.validate.dashboards import dashboard_faults
from bi.validate.datasets import dataset_faults


def faults(tree: Tree, access: Access, marts: Mapping[str, Mart], root: Path, exposures: Path = EXPOSURES) -> list[str]:
    """Every fault, in the order of the files. `root` holds the files as they were written."""
    found = [*_identities(tree)]
    found += [fault for key in sorted(tree.dataset) for fault in dataset_faults(tree, key, marts)]
    found += [fault for key in sorted(tree.chart) for fault in chart_faults(tree, key)]
    found += [fault for key in sorted(tree.dashboard) for fault in dashboard_faults(tree, key)]
    found += [*_unused(tree), *_duplicates(tree), *_access(tree, access)]
    if found:
        return found  # the checks below say the same again, less clearly
    found += _untidy(tree, root)
    if not exposures.exists() or exposures.read_text() != exposures_text(tree):
        found.append(f"{exposures.name}: is stale; run `gtc dashboards exposures`")
    return found


def _identities(tree: Tree) -> Iterator[str]:
    if len(tree.database) != 1:
        yield f"databases/: there must be one, the warehouse; there are {len(tree.database)}"
    for kind in KINDS:
        for key, content in tree.of(kind).items():
            if content.get("uuid") != uuid_of(kind, key):
                yield f"{file_of(kind, key)}: its uuid must be {uuid_of(kind, key)}, which follows from its name"


def _unused(tree: Tree) -> Iterator[str]:
    shown = {
        str(node.get("meta", {}).get("uuid"))
        for dashboard in tree.dashboard.values()
        for node in (dashboard.get("position") or {}).values()
        if isinstance(node, dict)
    }
    for key, chart in tree.chart.items():
        if chart.get("uuid") not in shown:
            yield f"{file_of('chart', key)}: no dashboard shows it"
    used = {chart.get("dataset_uuid") for chart in tree.chart.values()}
    for key, dataset in tree.dataset.items():
        if dataset.get("uuid") not in used:
            yield f"{file_of('dataset', key)}: no chart uses it"


def _duplicates(tree: Tree) -> Iterator[str]:
    said: dict[str, str] = {}
    for key, chart in tree.chart.items():
        content = repr(
            (key.split("/")[0], chart.get("dataset_uuid"), sorted((chart.get("params") or {}).items(), key=str))
        )
        for thing in (content, f"{key.split('/')[0]}: {chart.get('slice_name')}"):
            if thing in said:
                yield f"{file_of('chart', key)}: the same chart as {file_of('chart', said[thing])}"
                break
            said[thing] = key
    tables: dict[str, str] = {}
    for key, dataset in tree.dataset.items():
        if (table := str(dataset.get("table_name"))) in tables:
            yield f"{file_of('dataset', key)}: the same table as {file_of('dataset', tables[table])}"
        tables[table] = key


def _access(tree: Tree, access: Access) -> Iterator[str]:
    for slug in sorted(set(access.dashboards) - set(tree.dashboard)):
        yield f"access.yaml: there is no dashboard {slug}"
    for slug in sorted(set(tree.dashboard) - set(access.dashboards)):
        yield f"access.yaml: nobody may read the dashboard {slug}"
    for slug, roles in access.dashboards.items():
        yield from (
            f"access.yaml: dashboard {slug}: there is no role {role}" for role in roles if role not in access.roles
        )
    for rule in access.rows:
        if rule.role not in access.roles:
            yield f"access.yaml: rows: there is no role {rule.role}"
        yield from (
            f"access.yaml: rows: there is no dataset {name}" for name in rule.instead if name not in tree.dataset
        )


def _untidy(tree: Tree, root: Path) -> Iterator[str]:
    for name, text in normal_files(tree).items():
        path = root / name
        if not path.exists() or path.read_text() != text:
            yield f"{name}: is not in normal form; run `gtc dashboards format`"
