"""The metric catalogues say of every figure of their marts what dashboards, alerts and kpi_summary must know, once."""

from typing import Any

import pytest

Node = dict[str, Any]

UNITS = {
    "people",
    "sessions",
    "orders",
    "subscriptions",
    "trials",
    "requests",
    "runs",
    "impressions",
    "clicks",
    "milliseconds",
    "ratio",
    "reporting_currency",
}

#: Keys that only figures of kpi_summary have: how a value comes about over a longer period.
OVER_PERIODS = {"over_period", "drill", "open_window", "look_back"}
RULES = {"sum", "end", "distinct", "quantile", "ratio", "ratio_of_days"}


def model(manifest: Node, name: str) -> Node:
    return manifest["nodes"][f"model.globaltaxcalc.{name}"]


#: Marts of which every column is a metric, with their columns that are none.
WHOLE_MARTS = {
    "kpi_daily": {"kpi_date", "reporting_currency", "is_partial", "is_monthly_window_partial"},
    "mrr_movements_total": {"month", "booking", "reporting_currency", "is_partial"},
}

KEYS = {"expression", "grain", "unit", "good_direction", "maturity", "minimum_count"}


def mart_of(manifest: Node, metric: Node) -> str:
    """The mart that a metric is measured on, through its semantic model or the metrics that it divides."""
    first = metric["depends_on"]["nodes"][0]
    if first in manifest["metrics"]:
        return mart_of(manifest, manifest["metrics"][first])
    return manifest["semantic_models"][first]["node_relation"]["alias"]


def metrics_of(manifest: Node, mart: str) -> dict[str, Node]:
    """Metrics of a mart by their column."""
    metrics = [
        m for m in manifest["metrics"].values() if mart_of(manifest, m) == mart and "column" in m["config"]["meta"]
    ]
    by_column = {m["config"]["meta"]["column"]: m for m in metrics}
    assert len(by_column) == len(metrics), "two metrics show the same column"
    return by_column


@pytest.mark.parametrize("mart", WHOLE_MARTS)
def test_a_catalogue_names_every_figure_of_its_mart_and_nothing_else(manifest: Node, mart: str) -> None:
    assert set(metrics_of(manifest, mart)) == set(model(manifest, mart)["columns"]) - WHOLE_MARTS[mart]


def test_a_metric_says_what_alerts_and_dashboards_must_know(manifest: Node) -> None:
    for metric in manifest["metrics"].values():
        meta, mart = metric["config"]["meta"], mart_of(manifest, metric)
        over_periods = OVER_PERIODS if mart == "kpi_daily" else set()
        optional = {"mart", "column", "name_over_period", "label_over_period"}
        assert set(meta) - optional == KEYS | over_periods, metric["name"]
        assert meta["maturity"].startswith("final ")
        assert meta["unit"] in UNITS, metric["name"]
        assert meta["good_direction"] in {"up", "down", "neutral"}
        counted = set(model(manifest, mart)["columns"]) | {m["name"] for m in manifest["metrics"].values()}
        assert meta["minimum_count"]["of"] in counted
        assert meta["minimum_count"]["count"] > 0
        if column := model(manifest, mart)["columns"].get(meta.get("column")):
            assert metric["description"].startswith(column["description"]), metric["name"]


@pytest.mark.parametrize("mart", WHOLE_MARTS)
def test_money_in_a_catalogue_is_money_in_its_mart(manifest: Node, mart: str) -> None:
    metrics = metrics_of(manifest, mart)
    money = {name for name, metric in metrics.items() if metric["config"]["meta"]["unit"] == "reporting_currency"}
    columns = model(manifest, mart)["columns"].values()
    assert money == {column["name"] for column in columns if "Decimal" in column["data_type"]}


def test_every_figure_says_how_it_is_over_a_longer_period(manifest: Node) -> None:
    metrics = metrics_of(manifest, "kpi_daily")
    for metric in metrics.values():
        meta, is_ratio = metric["config"]["meta"], metric["type"] == "ratio"
        assert meta["over_period"] in RULES
        assert meta["over_period"].startswith("ratio") == is_ratio
        assert meta["drill"] in {"all", "country", "none"}
        assert meta["open_window"] in {None, "activation_days", "trial_days"}
        assert meta["look_back"] in {None, "weekly_window_days", "monthly_window_days", "opening_balance"}


def test_figures_of_requests_are_drilled_by_country_and_their_parts_alike(manifest: Node) -> None:
    metrics = metrics_of(manifest, "kpi_daily")
    by_country = {name for name, metric in metrics.items() if metric["config"]["meta"]["drill"] == "country"}
    assert by_country == {"requests", "failed_requests", "error_rate", "latency_p50_ms", "latency_p95_ms"}
    counted = {name for name, m in metrics.items() if m["config"]["meta"]["minimum_count"]["of"] == "requests"}
    assert by_country == counted


def test_a_figure_that_waits_for_a_window_says_so_and_may_be_unknown(manifest: Node) -> None:
    columns, metrics = model(manifest, "kpi_daily")["columns"], metrics_of(manifest, "kpi_daily")
    waiting = {name for name, metric in metrics.items() if metric["config"]["meta"]["open_window"]}
    assert waiting == {"activated_sign_ups", "activation_rate", "trials_converted", "trial_conversion_rate"}
    assert all(columns[name]["data_type"].startswith("Nullable(") for name in waiting)
    assert all(
        metrics[name]["config"]["meta"]["open_window"] in metrics[name]["config"]["meta"]["maturity"]
        for name in waiting
    )


def test_a_ratio_of_the_catalogue_can_be_unknown_and_its_parts_can_be_added_up(manifest: Node) -> None:
    columns, metrics = model(manifest, "kpi_daily")["columns"], metrics_of(manifest, "kpi_daily")
    by_name = {metric["name"]: metric for metric in metrics.values()}
    for column, metric in metrics.items():
        if metric["type"] == "ratio":
            assert columns[column]["data_type"].startswith("Nullable(")
            for part in ("numerator", "denominator"):
                assert by_name[metric["type_params"][part]["name"]]["type"] == "simple"


def test_kpi_summary_takes_its_catalogue_from_the_yaml(manifest: Node) -> None:
    catalogue = model(manifest, "kpi_catalogue")
    assert "kpi_catalogue()" in catalogue["raw_code"]
    assert catalogue["depends_on"]["nodes"] == []
