"""`gtc dashboards validate`: the committed files are well, and every way to spoil them is named."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from bi.access import read_access
from bi.exposures import EXPOSURES
from bi.identity import uuid_of
from bi.marts import Column, Mart, read_marts
from bi.normal import DEFAULTS, normal, normal_files, with_defaults
from bi.query_context import BUILDERS, UnknownChartError, query_context
from bi.tree import TREE, Tree, TreeError, read_tree
from bi.validate import faults
from bi.validate.datasets import words_of

Spoil = Callable[[Tree], Any]


@pytest.fixture(scope="module")
def marts(manifest_file: Path) -> dict[str, Mart]:
    return read_marts(manifest_file)


@pytest.fixture
def tree() -> Tree:
    """The committed files, read anew."""
    return read_tree(TREE)


def complaints(tree: Tree, marts: dict[str, Mart], root: Path = TREE) -> list[str]:
    return faults(tree, read_access(TREE), marts, root, EXPOSURES)


def of_kind(tree: Tree, viz_type: str) -> dict[str, Any]:
    return next(chart for chart in tree.chart.values() if chart["viz_type"] == viz_type)


def page(tree: Tree) -> dict[str, Any]:
    return next(iter(tree.dashboard.values()))


def filters_of_page(tree: Tree, slug: str) -> list[dict[str, Any]]:
    return tree.dashboard[slug]["metadata"]["native_filter_configuration"]


def a_row(tree: Tree) -> dict[str, Any]:
    return next(
        node for node in page(tree)["position"].values() if isinstance(node, dict) and node.get("type") == "ROW"
    )


def a_dataset(tree: Tree) -> dict[str, Any]:
    return next(one for one in tree.dataset.values() if one["metrics"])


def test_the_committed_files_have_no_fault(tree: Tree, marts: dict[str, Mart]) -> None:
    assert complaints(tree, marts) == []


SPOILS: dict[str, tuple[Spoil, str]] = {
    "a column of another type": (
        lambda tree: next(c for c in a_dataset(tree)["columns"] if not c.get("expression")).update(type="JSON"),
        r"column .* is .* in the mart, not JSON",
    ),
    "another description than dbt's": (
        lambda tree: next(c for c in a_dataset(tree)["columns"] if not c.get("expression")).update(description="mine"),
        r"its description must be that of the mart",
    ),
    "a column that no mart has": (
        lambda tree: a_dataset(tree)["columns"].append({"column_name": "made_up", "type": "String"}),
        r"the mart has no column made_up",
    ),
    "a table that is no mart": (lambda tree: a_dataset(tree).update(table_name="no_mart"), r"there is no mart no_mart"),
    "SQL in a dataset": (lambda tree: a_dataset(tree).update(sql="select 1"), r"holds SQL"),
    "a metric over a column that is gone": (
        lambda tree: a_dataset(tree)["metrics"][0].update(expression="sum(gone_column)"),
        r"metric .* reads gone_column",
    ),
    "a metric without words": (
        lambda tree: a_dataset(tree)["metrics"][0].pop("description"),
        r"metric .* has no description",
    ),
    "an ad-hoc aggregate": (
        lambda tree: of_kind(tree, "table")["params"].update(
            query_mode="aggregate",
            metrics=[{"expressionType": "SQL", "sqlExpression": "count(*)", "label": "rows"}],
        ),
        r"computes rows by itself; save it as a metric",
    ),
    "a metric that is not saved": (
        lambda tree: of_kind(tree, "echarts_timeseries_line")["params"].update(metrics=["no_such_metric"]),
        r"has no metric no_such_metric",
    ),
    "an axis that is no column": (
        lambda tree: of_kind(tree, "echarts_timeseries_line")["params"].update(x_axis="no_such_day"),
        r"has no column no_such_day",
    ),
    "a filter over a column that is gone": (
        lambda tree: (
            of_kind(tree, "table")["params"]
            .setdefault("adhoc_filters", [])
            .append({"expressionType": "SQL", "clause": "WHERE", "sqlExpression": "gone_column = 1"})
        ),
        r"filters by gone_column",
    ),
    "an unknown kind of chart": (
        lambda tree: of_kind(tree, "table").update(viz_type="hologram"),
        r"unknown viz_type: hologram",
    ),
    "a chart of no dataset": (
        lambda tree: of_kind(tree, "table").update(dataset_uuid=uuid_of("dataset", "nowhere")),
        r"its dataset is in no file",
    ),
    "a chart that no page shows": (
        lambda tree: tree.chart.update(
            {"executive/spare": {**of_kind(tree, "table"), "uuid": uuid_of("chart", "executive/spare")}}
        ),
        r"executive/spare.yaml: no dashboard shows it",
    ),
    "the same chart twice on a page": (
        lambda tree: tree.chart.update(
            {
                f"{key.split('/')[0]}/z_again": {**chart, "uuid": uuid_of("chart", f"{key.split('/')[0]}/z_again")}
                for key, chart in list(tree.chart.items())[:1]
            }
        ),
        r"z_again.yaml: the same chart as",
    ),
    "an identity of its own": (
        lambda tree: of_kind(tree, "table").update(uuid="0f3b2d1c-8a0e-4c43-9d0f-2f0c4a7d9e11"),
        r"its uuid must be",
    ),
    "another slug than the file's name": (lambda tree: page(tree).update(slug="other"), r"its slug must be"),
    "a page that is not published": (lambda tree: page(tree).update(published=False), r"is not published"),
    "a page without a word": (lambda tree: page(tree).pop("description"), r"has no description"),
    "a row that is too wide": (
        lambda tree: (
            [page(tree)["position"][child]["meta"].update(width=12) for child in a_row(tree)["children"]]
            and a_row(tree)["children"].append(
                next(
                    n["id"] for n in page(tree)["position"].values() if isinstance(n, dict) and n.get("type") == "CHART"
                )
            )
        ),
        r"columns wide, of 12",
    ),
    "a child that is not there": (
        lambda tree: a_row(tree)["children"].append("CHART-ghost"),
        r"holds CHART-ghost, which is not there",
    ),
    "wrong parents": (lambda tree: a_row(tree).update(parents=["ROOT_ID"]), r"names other parents"),
    "a node that hangs in the air": (
        lambda tree: page(tree)["position"].update(
            {"ROW-lost": {"id": "ROW-lost", "type": "ROW", "children": [], "parents": []}}
        ),
        r"ROW-lost hangs below 0 nodes",
    ),
    "a layout with an unknown chart": (
        lambda tree: next(
            node for node in page(tree)["position"].values() if isinstance(node, dict) and node.get("type") == "CHART"
        )["meta"].update(uuid=uuid_of("chart", "executive/nothing")),
        r"shows a chart that is in no file",
    ),
    "a page filter over a column that is gone": (
        lambda tree: next(
            target
            for one in page(tree)["metadata"]["native_filter_configuration"]
            for target in one["targets"]
            if target
        )["column"].update(name="gone_column"),
        r"has no column gone_column",
    ),
    "filters that wait for all charts": (
        lambda tree: [one.pop("requiredFirst", None) for one in filters_of_page(tree, "users")],
        r"users.yaml: filter Time range: filters would load after all charts",
    ),
    "a page that asks every chart twice": (
        lambda tree: next(
            one for one in filters_of_page(tree, "marketing") if one["name"] == "Rule of attribution"
        ).update(requiredFirst=True),
        r"marketing.yaml: filter Rule of attribution: requiredFirst and a value of its own",
    ),
}


@pytest.mark.parametrize(("spoil", "complaint"), SPOILS.values(), ids=SPOILS)
def test_each_way_to_spoil_the_files_is_named(tree: Tree, marts: dict[str, Mart], spoil: Spoil, complaint: str) -> None:
    import re

    spoil(tree)
    found = complaints(tree, marts)
    assert any(re.search(complaint, fault) for fault in found), found


def test_arguments_of_a_lambda_are_no_columns() -> None:
    assert words_of("arrayMap((result, margin) -> result - margin, [any(people)], [1.96])") == {"people"}
    assert words_of("arrayMap(one -> one + gone, [people])") == {"people", "gone"}


def test_every_mart_column_that_a_page_reads_is_missed_when_it_is_renamed(tree: Tree, marts: dict[str, Mart]) -> None:
    for dataset in tree.dataset.values():
        mart = marts[dataset["table_name"]]
        name = next(column["column_name"] for column in dataset["columns"] if not column.get("expression"))
        columns = {(f"{name}_renamed" if key == name else key): column for key, column in mart.columns.items()}
        renamed = {**marts, dataset["table_name"]: Mart(mart.description, columns)}
        assert any(f"the mart has no column {name}" in fault for fault in complaints(tree, renamed))


def test_a_mart_column_of_another_type_is_named(tree: Tree, marts: dict[str, Mart]) -> None:
    dataset = a_dataset(tree)
    mart = marts[dataset["table_name"]]
    columns = {key: Column("Array(Int8)", column.description) for key, column in mart.columns.items()}
    found = complaints(tree, {**marts, dataset["table_name"]: Mart(mart.description, columns)})
    assert any("Array(Int8) in the mart" in fault for fault in found)


def test_untidy_files_and_stale_exposures_are_named(tree: Tree, marts: dict[str, Mart], tmp_path: Path) -> None:
    root = Path(shutil.copytree(TREE, tmp_path / "tree"))
    path = root / "charts" / f"{next(iter(tree.chart))}.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()), sort_keys=True, width=40))
    stale = tmp_path / "exposures.yml"
    stale.write_text(EXPOSURES.read_text() + "# edited\n")
    found = faults(read_tree(root), read_access(root), marts, root, stale)
    assert len(found) == 2
    assert found[0].endswith("is not in normal form; run `gtc dashboards format`")
    assert found[1] == "exposures.yml: is stale; run `gtc dashboards exposures`"


def test_the_normal_form_is_a_fixed_point(tree: Tree, tmp_path: Path) -> None:
    first = normal_files(tree)
    for name, text in first.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert normal_files(read_tree(tmp_path)) == first


def test_numbers_and_identities_of_a_server_do_not_reach_the_files(tree: Tree) -> None:
    before = normal_files(tree)
    for dashboard in tree.dashboard.values():
        numbers: dict[int, int] = {}
        for node in dashboard["position"].values():
            if isinstance(node, dict) and node.get("type") == "CHART":
                numbers[node["meta"]["chartId"]] = node["meta"]["chartId"] = 7000 + 13 * node["meta"]["chartId"]
        for one in dashboard["metadata"].get("native_filter_configuration", []):
            one["scope"]["excluded"] = [7000 + 13 * number for number in one["scope"]["excluded"]]
            one["chartsInScope"] = sorted(numbers)
        clicks = dashboard["metadata"].pop("chart_configuration", {})
        for click in clicks.values():
            click["id"] = 7000 + 13 * click["id"]
            click["crossFilters"]["chartsInScope"] = sorted(numbers)
            reach = click["crossFilters"]["scope"]
            reach["excluded"] = [7000 + 13 * number for number in reach["excluded"]]
        dashboard["metadata"]["chart_configuration"] = {str(click["id"]): click for click in clicks.values()}
        dashboard["metadata"]["color_scheme_domain"] = ["#000000"]
    for chart in tree.chart.values():
        chart["params"]["datasource"] = "41__table"
        chart["params"]["slice_id"] = 99
        chart["query_context"] = "{}"
    assert normal_files(tree) == before


def test_what_superset_itself_says_of_a_tab_is_not_in_the_files_and_reaches_the_server(tree: Tree) -> None:
    position = next(
        one["position"] for one in tree.dashboard.values() if any(name.startswith("TAB-") for name in one["position"])
    )
    [name, *_] = [name for name in position if name.startswith("TAB-")]
    files = yaml.safe_dump(position)
    assert "Tab title" not in files
    page = with_defaults("dashboard", {"position": position})
    assert page["position"][name]["meta"] == {**position[name]["meta"], **DEFAULTS["TAB"]}
    page["metadata"] = {}
    tidy = normal(Tree(dashboard={"page": page})).dashboard["page"]["position"][name]["meta"]
    assert tidy == position[name]["meta"]


def test_every_described_kind_of_chart_is_known_and_others_are_refused() -> None:
    with pytest.raises(UnknownChartError, match="unknown viz_type: hologram"):
        query_context({"viz_type": "hologram"})
    used = {chart["viz_type"] for chart in read_tree(TREE).chart.values()}
    assert used <= set(BUILDERS)


def test_a_query_holds_what_params_ask_for() -> None:
    params = {
        "viz_type": "echarts_timeseries_bar", "x_axis": "day", "time_grain_sqla": "P1W", "metrics": ["orders"],
        "groupby": ["country"], "row_limit": "500",
        "adhoc_filters": [
            {"expressionType": "SIMPLE", "clause": "WHERE", "subject": "day", "operator": "TEMPORAL_RANGE",
             "comparator": "Last week"},
            {"expressionType": "SIMPLE", "clause": "WHERE", "subject": "plan", "operator": "IS NOT NULL"},
            {"expressionType": "SQL", "clause": "WHERE", "sqlExpression": "not is_partial"},
        ],
    }  # fmt: skip
    (query,) = query_context(params)["queries"]
    assert query["columns"][0] == {
        "columnType": "BASE_AXIS", "expressionType": "SQL", "label": "day", "sqlExpression": "day", "timeGrain": "P1W",
    }  # fmt: skip
    assert query["columns"][1:] == ["country"]
    assert query["metrics"] == ["orders"]
    assert query["row_limit"] == 500
    assert query["extras"]["where"] == "(not is_partial)"
    assert query["filters"] == [
        {"col": "day", "op": "TEMPORAL_RANGE", "val": "Last week"},
        {"col": "plan", "op": "IS NOT NULL"},
    ]


def test_a_file_that_is_no_yaml_is_named(tmp_path: Path) -> None:
    (tmp_path / "charts" / "executive").mkdir(parents=True)
    (tmp_path / "charts" / "executive" / "bad.yaml").write_text("a: [1\n")
    with pytest.raises(TreeError, match=r"bad\.yaml"):
        read_tree(tmp_path)
