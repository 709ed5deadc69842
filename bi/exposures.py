"""dbt exposures, generated from the dashboards: who reads which mart stands in the lineage."""

from typing import Any

from bi import layout
from bi.marts import one_line
from bi.normal import dump
from bi.tree import Content, Tree
from gtc.settings import PROJECT_ROOT

#: The generated file. It stands beside the marts, where dbt looks for it.
EXPOSURES = PROJECT_ROOT / "dbt_project" / "models" / "marts" / "dashboards_exposures.yml"

HEAD = "# Generated from superset_exports/ by `gtc dashboards exposures`; `make lint` fails when it is stale.\n"

OWNER = {"name": "Analytics engineering", "email": "analytics@globaltaxcalc.example"}


def exposures_text(tree: Tree) -> str:
    """The whole file."""
    entries = [_exposure(tree, key, content) for key, content in sorted(tree.dashboard.items())]
    return HEAD + dump({"version": 2, "exposures": entries})


def marts_of(tree: Tree, dashboard: Content) -> list[str]:
    """The tables that the charts and filters of a dashboard read."""
    charts = {content.get("uuid"): content for content in tree.chart.values()}
    uuids = [node["meta"].get("uuid") for node in layout.charts(dashboard.get("position") or {})]
    wanted = {charts[uuid].get("dataset_uuid") for uuid in uuids if uuid in charts}
    for one in (dashboard.get("metadata") or {}).get("native_filter_configuration", []):
        wanted |= {target.get("datasetUuid") for target in one.get("targets", [])}
    return sorted(content["table_name"] for content in tree.dataset.values() if content.get("uuid") in wanted)


def _exposure(tree: Tree, key: str, dashboard: Content) -> dict[str, Any]:
    return {
        "name": f"dashboard_{key.replace('-', '_')}",
        "label": dashboard.get("dashboard_title"),
        "description": one_line(dashboard.get("description") or ""),
        "type": "dashboard",
        "maturity": "high",
        "owner": OWNER,
        "depends_on": [f"ref('{table}')" for table in marts_of(tree, dashboard)],
    }
