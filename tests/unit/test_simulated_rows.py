"""The same order gives the same rows on any machine and in any blocks; planted rates hold within what chance allows."""

import hashlib
import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from simulator.order import Order, OrderError, thirteen_months
from simulator.people import CELL
from simulator.run import draw
from simulator.sinks import plain
from simulator.world_file import read_world
from warehouse.schema_templates import Renderer

ORDER = Order(read_world(), 4500, date(2025, 3, 1), date(2025, 5, 31), 3)


class Hashes:
    """A sink that hashes rows in the order in which they come."""

    def __init__(self) -> None:
        self.found: dict[str, Any] = {}

    def write(self, table: str, rows: pa.Table) -> None:
        digest = self.found.setdefault(table, hashlib.sha256())
        for row in plain(rows).to_batches(max_chunksize=5000):
            digest.update(str(row.to_pydict()).encode())

    def close(self) -> None:
        pass


def hashes(order: Order, block_users: int) -> dict[str, str]:
    sink = Hashes()
    draw(order, [sink], block_users=block_users)
    return {name: digest.hexdigest() for name, digest in sink.found.items()}


class Tables:
    """A sink that keeps tables."""

    def __init__(self) -> None:
        self.parts: dict[str, list[pa.Table]] = {}

    def write(self, table: str, rows: pa.Table) -> None:
        self.parts.setdefault(table, []).append(rows)

    def close(self) -> None:
        pass

    def table(self, name: str) -> pa.Table:
        return pa.concat_tables(self.parts[name])


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> tuple[Order, Tables, Path]:
    order = Order(read_world(), 12_000, date(2025, 1, 1), date(2025, 8, 31), 5)
    tables, folder = Tables(), tmp_path_factory.mktemp("truth")
    draw(order, [tables], truth=folder)
    return order, tables, folder


SMALL = replace(ORDER, users=2100, last=date(2025, 3, 14))


def test_the_same_order_gives_the_same_rows_in_blocks_of_another_size() -> None:
    one_cell_a_block, all_at_once = Tables(), Tables()
    draw(SMALL, [one_cell_a_block], block_users=CELL)
    draw(SMALL, [all_at_once], block_users=100 * CELL)
    assert set(one_cell_a_block.parts) == set(all_at_once.parts)
    for name in all_at_once.parts:
        assert one_cell_a_block.table(name).equals(all_at_once.table(name)), name


def test_the_rows_are_those_of_the_first_release_of_this_revision() -> None:
    """Raise simulator.order.REVISION when this fails on purpose: people compare companies by their parameters."""
    assert hashes(SMALL, CELL) == hashes(replace(SMALL), CELL)
    assert SMALL.load_id == replace(SMALL).load_id


@pytest.mark.parametrize("other", [{"seed": 4}, {"users": 2101}, {"first": date(2025, 2, 28)}])
def test_another_order_gives_other_rows_under_another_load(other: dict[str, Any]) -> None:
    changed = replace(SMALL, **other)
    assert changed.load_id != SMALL.load_id
    assert hashes(changed, CELL)["user_events"] != hashes(SMALL, CELL)["user_events"]


def test_event_ids_are_different_in_all_tables_and_cells(big: tuple[Order, Tables, Path]) -> None:
    seen: list[np.ndarray[Any, Any]] = []
    for name in big[1].parts:
        if name != "load_rejects":
            ids = big[1].table(name)["event_id"].combine_chunks()
            data = np.frombuffer(ids.buffers()[1], dtype="V16")[: len(ids)]
            seen.append(np.unique(data))
    everything = np.concatenate(seen)
    assert len(np.unique(everything)) == len(everything)


def test_every_column_exists_in_the_raw_schema_and_none_is_missing(big: tuple[Order, Tables, Path]) -> None:
    columns = raw_columns()
    for name in big[1].parts:
        sent = set(big[1].table(name).column_names)
        assert sent <= set(columns[name]), name
        assert set(columns[name]) - sent <= {"row_version", *UNUSED.get(name, ())}, name


#: Columns that the simulated company leaves at their defaults.
UNUSED = {
    "competitor_features": {"plan"},
    "competitor_seo": {"text_value"},
}


def raw_columns() -> dict[str, list[str]]:
    """Columns of each raw table, read from the migrations."""
    from gtc.settings import Dataset
    from warehouse.migrations import read_migrations

    found: dict[str, list[str]] = {}
    renderer = Renderer(Dataset("x"))
    for migration in read_migrations():
        for statement in renderer.statements(migration.template):
            lines = [line for line in statement.splitlines() if line.strip() and not line.startswith("--")]
            if not lines[0].startswith("create table"):
                continue
            name = lines[0].split(".")[1].split()[0]
            found[name] = [line.split()[0] for line in lines if line.startswith("    ")]
    return found


def within(successes: int, trials: int, chance: float, sigmas: float = 4.5) -> bool:
    """Whether a count could come from this chance; a right simulation fails once in 150,000 times."""
    return abs(successes - trials * chance) <= sigmas * sqrt(trials * chance * (1 - chance)) + 1


@pytest.mark.parametrize("fault", ["late", "duplicated", "malformed"])
@pytest.mark.parametrize("table", ["user_events", "calculator_usage", "performance_metrics", "experiment_exposures"])
def test_faults_of_delivery_come_at_the_stated_rates(big: tuple[Order, Tables, Path], table: str, fault: str) -> None:
    rate = getattr(big[0].world.delivery, fault)[table]
    said = json.loads((big[2] / "truth.json").read_text())["delivery"][table]
    count = said[{"late": "late", "duplicated": "repeats", "malformed": "malformed"}[fault]]
    assert within(count, said["deliveries" if fault == "malformed" else "planted"], rate)


def people_of(folder: Path) -> pa.Table:
    return pq.read_table(folder / "people.parquet")


def test_accounts_are_opened_with_the_stated_probability(big: tuple[Order, Tables, Path]) -> None:
    people = people_of(big[2])
    chance = people["sign_up_probability"].to_numpy()
    opened = int(pc.sum(people["signed_up_at"].is_valid()).as_py())
    assert abs(opened - chance.sum()) <= 4.5 * sqrt(float((chance * (1 - chance)).sum()))


def test_an_experiment_moves_its_metric_by_the_stated_lift_and_the_others_by_nothing(
    big: tuple[Order, Tables, Path],
) -> None:
    order, _, folder = big
    people = people_of(folder).select(["anonymous_id", "sign_up_probability"]).to_pydict()
    chance = dict(zip(people["anonymous_id"], people["sign_up_probability"], strict=True))
    rows = pq.read_table(folder / "assignments.parquet").to_pylist()
    for name in ("signup_wizard", "result_page_layout"):
        means = {}
        for arm in order.world.experiments[name].weights:
            mine = [row for row in rows if row["experiment_id"] == name and row["arm"] == arm]
            means[arm] = np.mean([chance[row["anonymous_id"]] for row in mine])
        lift = order.world.experiments[name].lift.get("treatment", 0.0)
        assert means["treatment"] / means["control"] - 1 == pytest.approx(lift, abs=0.035)


def test_only_the_broken_split_fails_the_sample_ratio_test(big: tuple[Order, Tables, Path]) -> None:
    order, _, folder = big
    rows = pq.read_table(folder / "assignments.parquet").to_pylist()
    for name, experiment in order.world.experiments.items():
        counts = Counter(row["arm"] for row in rows if row["experiment_id"] == name)
        total, weight = sum(counts.values()), sum(experiment.weights.values())
        expected = {arm: total * share / weight for arm, share in experiment.weights.items()}
        chi2 = sum((counts[arm] - expected[arm]) ** 2 / expected[arm] for arm in expected)
        critical = {1: 10.828, 2: 13.816}[len(expected) - 1]  # p = 0.001
        assert (chi2 > critical) == (name == "mobile_banner"), (name, chi2)


def test_purchases_follow_the_stated_law(big: tuple[Order, Tables, Path]) -> None:
    """E[X(t)] of BG/NBD given rates and drop-outs: the sum over customers of (1 - exp(-rate p t)) / p."""
    buyers = pq.read_table(big[2] / "buyers.parquet")
    rate, stop = (buyers[name].to_numpy() for name in ("purchase_rate_per_day", "dropout_probability"))
    expected = float(((1 - np.exp(-rate * stop * buyers["t_days"].to_numpy())) / stop).sum())
    assert float(pc.sum(buyers["x"]).as_py()) == pytest.approx(expected, rel=0.08)
    law = big[0].world.one_off.bgnbd
    assert rate.mean() == pytest.approx(law.r / law.alpha, rel=0.10)
    assert stop.mean() == pytest.approx(law.a / (law.a + law.b), rel=0.08)


def test_an_outage_shows_in_the_requests_of_its_routes(big: tuple[Order, Tables, Path]) -> None:
    stretch, incident = next((s, i) for s, i in big[0].scenario.incidents if s.name == "bad_release")
    requests = big[1].table("performance_metrics")
    at = requests["event_at"].cast(pa.int64()).to_numpy()
    hit = (at >= stretch.begin) & (at < stretch.end)
    hit &= np.char.startswith(np.array(requests["route"].cast(pa.string()).to_pylist(), dtype=str), "/api/calculators")
    failed = requests["status_code"].to_numpy() >= 500
    assert hit.sum() > 50
    assert within(int(failed[hit].sum()), int(hit.sum()), incident.failing, sigmas=5)
    assert failed[~hit].mean() < 0.02


def test_a_range_of_one_day_and_a_company_of_one_person_are_possible(tmp_path: Path) -> None:
    for users, first, last in ((1, date(2024, 2, 29), date(2024, 2, 29)), (50, date(2024, 12, 31), date(2025, 1, 1))):
        tables = Tables()
        rows = draw(Order(read_world(), users, first, last, 0), [tables], truth=tmp_path / str(users))
        assert rows["user_events"] >= users
        assert (tmp_path / str(users) / "truth.json").exists()


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"users": 0}, "--users"),
        ({"seed": -1}, "--seed"),
        ({"last": date(2025, 2, 1)}, "--to"),
        ({"first": date(1900, 1, 1)}, "--from"),
    ],
)
def test_an_order_that_makes_no_sense_names_the_option(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(OrderError, match=named):
        replace(ORDER, **wrong)


@pytest.mark.parametrize(
    ("last", "first"),
    [
        (date(2026, 11, 21), date(2025, 10, 22)),
        (date(2025, 12, 31), date(2024, 12, 1)),
        (date(2025, 3, 31), date(2024, 3, 1)),
    ],
)
def test_the_usual_range_is_thirteen_months(last: date, first: date) -> None:
    assert thirteen_months(last) == (first, last)


def test_the_usual_range_ends_yesterday() -> None:
    assert thirteen_months()[1] in {datetime.now(UTC).date() - timedelta(days=n) for n in (1, 2)}
