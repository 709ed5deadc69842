"""Marts of experiments equal the oracle on the simulated company, and find what was planted in it."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from clickhouse_connect.driver.client import Client
from experiment_statistics import cuped, cuped_of_ratio
from marts_experiments import MARTS, differences_of, exposures_of, mart_rows
from marts_support import rows
from oracle_experiments import Experiments
from oracle_marts import Company

from gtc.settings import Settings


@pytest.fixture(scope="module")
def experiments(simulated: Settings, simulated_oracle: Company, marts_client: Client) -> Experiments:
    """The oracle's view of the simulated experiments."""
    return Experiments(simulated_oracle, exposures_of(marts_client, simulated.dataset))


@pytest.fixture(scope="module")
def planted(simulated: Settings, simulated_truth: Path) -> list[dict[str, Any]]:
    """What truth.json says of experiments."""
    found: list[dict[str, Any]] = json.loads((simulated_truth / "truth.json").read_text())["experiments"]
    return found


@pytest.fixture(scope="module")
def assignments(simulated: Settings, simulated_truth: Path) -> list[dict[str, Any]]:
    """What was planted person by person, with whether the device is shared with another user."""
    shared = {
        row["anonymous_id"]
        for row in pq.read_table(simulated_truth / "identities.parquet").to_pylist()
        if row["users"] > 1
    }
    found = pq.read_table(simulated_truth / "assignments.parquet").to_pylist()
    return [row | {"is_shared": row["anonymous_id"] in shared} for row in found]


@pytest.mark.parametrize("name", MARTS)
def test_marts_of_the_simulated_company_equal_the_oracle(
    simulated: Settings, experiments: Experiments, marts_client: Client, name: str
) -> None:
    found = mart_rows(marts_client, simulated.dataset, name)
    assert len(found) >= 5
    assert differences_of(found, MARTS[name].oracle(experiments)) == []


@pytest.mark.parametrize("name", MARTS)
def test_a_shop_without_experiments_has_empty_marts(retail: Settings, marts_client: Client, name: str) -> None:
    assert mart_rows(marts_client, retail.dataset, name) == []


def test_planted_people_and_crossovers_are_found_arm_by_arm(
    simulated: Settings, planted: list[dict[str, Any]], marts_client: Client
) -> None:
    found = {
        (row["experiment_id"], row["arm"]): (row["people"], row["crossovers"])
        for row in mart_rows(marts_client, simulated.dataset, "experiment_arms")
    }
    wanted = {
        (experiment["experiment_id"], arm): (count["people"], count["crossovers"])
        for experiment in planted
        for arm, count in experiment["arms"].items()
    }
    assert sum(crossovers for _, crossovers in wanted.values()) > 10
    assert found == wanted


def test_planted_conversions_are_found_arm_by_arm(
    simulated: Settings, planted: list[dict[str, Any]], assignments: list[dict[str, Any]], marts_client: Client
) -> None:
    # A visitor's sign-up on a device that two users share belongs to the user, and the exposure to the device.
    lost = Counter(
        (row["experiment_id"], row["arm"])
        for row in assignments
        if row["is_shared"] and row["converted_at"] and not row["crossed_over"] and is_visitor(planted, row)
    )
    wanted = {
        (experiment["experiment_id"], arm): count["converted"] - lost[experiment["experiment_id"], arm]
        for experiment in planted
        for arm, count in experiment["arms"].items()
    }
    assert sum(wanted.values()) > 300
    assert primary_outcomes(marts_client, simulated, "to_date", "outcome_sum") == wanted


def test_planted_conversions_inside_closed_windows_are_found_arm_by_arm(
    simulated: Settings, planted: list[dict[str, Any]], assignments: list[dict[str, Any]], marts_client: Client
) -> None:
    schema = simulated.dataset.schema
    [period] = rows(
        marts_client,
        f"select least(toDateTime64(as_of_date + 1, 3, 'UTC'), complete_until) as until"
        f" from {schema}_intermediate.reporting_period",
    )
    days = {
        row["experiment_id"]: row["outcome_window_days"]
        for row in mart_rows(marts_client, simulated.dataset, "experiment_health")
    }
    people: Counter[tuple[str, str]] = Counter()
    converted: Counter[tuple[str, str]] = Counter()
    for row in assignments:
        window = (row["first_exposed_at"].replace(tzinfo=None), days[row["experiment_id"]] * 86400)
        if row["crossed_over"] or (period["until"] - window[0]).total_seconds() < window[1]:
            continue
        key, hit = (row["experiment_id"], row["arm"]), row["converted_at"]
        people[key] += 1
        inside = hit and (hit.replace(tzinfo=None) - window[0]).total_seconds() <= window[1]
        converted[key] += bool(inside and not (row["is_shared"] and is_visitor(planted, row)))
    assert 0 < sum(converted.values()) < sum(people.values())
    assert primary_outcomes(marts_client, simulated, "window", "people") == people
    assert primary_outcomes(marts_client, simulated, "window", "outcome_sum") == converted


def is_visitor(planted: list[dict[str, Any]], row: dict[str, Any]) -> bool:
    """Whether the experiment is on visitors."""
    return next(e for e in planted if e["experiment_id"] == row["experiment_id"])["unit"] == "visitor"


def primary_outcomes(client: Client, settings: Settings, horizon: str, column: str) -> dict[tuple[str, str], int]:
    """A column of the primary metric of all people, by experiment and arm."""
    schema = settings.dataset.schema
    found = rows(
        client,
        f"select experiment_id, arm, {column} as value from {schema}.experiment_metrics as metrics"
        f" inner join {schema}.experiment_health as health using (experiment_id)"
        f" where metrics.metric = health.primary_metric and horizon = '{horizon}' and breakdown = 'all'",
    )
    return {(row["experiment_id"], row["arm"]): int(row["value"]) for row in found}


def test_only_the_planted_broken_split_alerts(
    simulated: Settings, planted: list[dict[str, Any]], marts_client: Client
) -> None:
    found = mart_rows(marts_client, simulated.dataset, "experiment_health")
    alerts = {row["experiment_id"] for row in found if row["is_sample_ratio_mismatch"]}
    assert alerts == {row["experiment_id"] for row in planted if row["broken_split"]} == {"mobile_banner"}


def test_cuped_from_sums_equals_cuped_from_people(
    simulated: Settings, experiments: Experiments, marts_client: Client
) -> None:
    arms = {
        row["arm"]: row
        for row in mart_rows(marts_client, simulated.dataset, "experiment_metrics")
        if (row["experiment_id"], row["metric"], row["horizon"], row["breakdown"])
        == ("result_page_layout", "sessions", "to_date", "all")
    }
    people = [p for p in experiments.people if p.experiment == "result_page_layout" and not p.crossed]
    pairs = [
        (p.first["arm"], experiments.measure(p, "sessions", "pre"), experiments.measure(p, "sessions", "to_date"))
        for p in people
    ]
    pre_mean, mean = (sum(pair[n] for pair in pairs) / len(pairs) for n in (1, 2))
    theta = sum((x - pre_mean) * (y - mean) for _, x, y in pairs) / sum((x - pre_mean) ** 2 for _, x, _ in pairs)
    adjusted = [
        sum(y - theta * (x - pre_mean) for a, x, y in pairs if a == arm) / sum(a == arm for a, _, _ in pairs)
        for arm in ("control", "treatment")
    ]
    assert theta != 0
    assert cuped(arms["control"], arms["treatment"]) == pytest.approx((theta, *adjusted), rel=1e-9)


def test_cuped_of_a_ratio_from_sums_equals_that_from_people(
    simulated: Settings, experiments: Experiments, marts_client: Client
) -> None:
    metric = "calculators_completed_per_session"
    arms = {
        row["arm"]: row
        for row in mart_rows(marts_client, simulated.dataset, "experiment_metrics")
        if (row["experiment_id"], row["metric"], row["horizon"], row["breakdown"])
        == ("result_page_layout", metric, "to_date", "all")
    }
    people = [p for p in experiments.people if p.experiment == "result_page_layout" and not p.crossed]
    by_arm: dict[str, list[list[int]]] = {"control": [], "treatment": []}
    for p in people:
        by_arm[p.first["arm"]].append(
            [
                experiments.measure(p, measure, phase)
                for phase in ("to_date", "pre")
                for measure in ("calculators_completed", "sessions")
            ]
        )
    everybody = [*by_arm["control"], *by_arm["treatment"]]
    sums = [sum(row[n] for row in everybody) for n in range(4)]
    ratio, ratio_before = sums[0] / sums[1], sums[2] / sums[3]
    z = [(y - ratio * d) * len(everybody) / sums[1] for y, d, _, _ in everybody]
    x = [(p - ratio_before * q) * len(everybody) / sums[3] for _, _, p, q in everybody]
    theta = sum(a * b for a, b in zip(x, z, strict=True)) / sum(a * a for a in x)
    adjusted = []
    for rows_of_arm in by_arm.values():
        y, d, p, q = (sum(row[n] for row in rows_of_arm) for n in range(4))
        adjusted.append(y / d - theta * (p / q - ratio_before))
    assert theta != 0
    assert cuped_of_ratio(arms["control"], arms["treatment"]) == pytest.approx((theta, *adjusted), rel=1e-9)
