"""World files: what people may edit, and the lines they get when something is wrong."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from simulator.draws import uuids
from simulator.horizon import add_months, filing_dates
from simulator.world_file import WORLD_DIR, WorldError, read_world


def world_with(folder: Path, change: dict[str, Any]) -> Path:
    """A world file in which some keys are replaced: {"plans.plus.month.USD": "1"}."""
    merged: dict[str, Any] = {}
    for file in sorted(WORLD_DIR.glob("*.yml")):
        merged |= yaml.safe_load(file.read_text())
    for key, value in change.items():
        *way, last = key.split(".")
        place = merged
        for step in way:
            place = place[int(step)] if isinstance(place, list) else place[step]
        place[last] = value
    path = folder / "world.yml"
    path.write_text(yaml.safe_dump(merged, sort_keys=False))
    return path


def test_one_file_with_all_keys_is_the_same_world(tmp_path: Path) -> None:
    assert read_world(world_with(tmp_path, {})) == read_world()


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("subscriptions.trial", 1.2, "subscriptions.trial: Input should be less than or equal to 1"),
        ("subscriptions.colour", 1, "subscriptions.colour: Extra inputs are not permitted"),
        ("plans.plus.year.USD", "120.01", "plans.plus.year.USD: must be a whole multiple of 12 minor units: 120.01"),
        ("plans.plus.month.JPY", "1500.5", "plans.plus.month.JPY: must be a whole multiple of 1 minor units: 1500.5"),
        ("countries.US.currency", "QQQ", "countries.US.currency: unknown name: QQQ"),
        ("countries.US.time_zone", "Mars/Base", "countries.US.time_zone: unknown time zone: Mars/Base"),
        ("deadlines.0.due", "13-40", "deadlines.0.due: month must be in 1..12"),
        ("experiments.signup_wizard.lift", {"blue": 1}, "experiments.signup_wizard.lift: unknown arm: blue"),
        ("experiments.trial_offer.metric", "sign_up", "experiments.trial_offer.metric: a user can be measured by"),
        (
            "experiments.trial_offer.window",
            [0.6, 0.5],
            "experiments.trial_offer.window: the first moment must lie before",
        ),
        ("delivery.late", {"sessions": 0.1}, "delivery.late.sessions: not a table that products send"),
        ("incidents.disk_full.host", "db-9", "incidents.disk_full.host: unknown name: db-9"),
        ("behaviour.sign_up", None, "behaviour.sign_up: Input should be a valid number"),
        ("pages", {"/": 0}, "pages: at least one weight must be above 0"),
        ("requests.routes", {}, "requests.routes: missing: page, calculator, result, account, checkout"),
    ],
)
def test_a_fault_is_one_line_that_names_the_key(tmp_path: Path, key: str, value: Any, line: str) -> None:
    with pytest.raises(WorldError) as caught:
        read_world(world_with(tmp_path, {key: value}))
    assert any(found.startswith(line) for found in str(caught.value).splitlines()), str(caught.value)


def test_a_file_that_is_no_world_says_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("- 1\n")
    with pytest.raises(WorldError, match=r"a\.yml: expected keys"):
        read_world(tmp_path)
    (tmp_path / "a.yml").write_text("plans: [\n")
    with pytest.raises(WorldError, match=r"cannot read a\.yml"):
        read_world(tmp_path)
    (tmp_path / "a.yml").unlink()
    with pytest.raises(WorldError, match="no world files"):
        read_world(tmp_path)
    with pytest.raises(WorldError, match="cannot read nowhere"):
        read_world(tmp_path / "nowhere")


def test_a_key_in_two_files_is_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yml").write_text("plans: {}\n")
    with pytest.raises(WorldError, match=r"b\.yml: key stands in another file already: plans"):
        read_world(tmp_path)


def test_a_deadline_on_a_weekend_moves_and_remembers_its_day() -> None:
    found = {(f.country, f.form, f.due_date.year): f for f in filing_dates(read_world(), range(2022, 2028))}
    moved = found["CA", "T1", 2022]  # 30 April 2022 was a Saturday
    assert (str(moved.due_date), str(moved.moved_from)) == ("2022-05-02", "2022-04-30")
    assert found["US", "1040", 2025].moved_from is None
    assert str(found["IN", "ITR-1", 2025].due_date) == "2025-09-15"


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ("2024-01-31T10:00", 1, "2024-02-29T10:00"),
        ("2023-01-31T10:00", 1, "2023-02-28T10:00"),
        ("2024-02-29T23:59", 12, "2025-02-28T23:59"),
        ("2024-11-30T00:00", 3, "2025-02-28T00:00"),
        ("1969-12-31T05:00", 2, "1970-02-28T05:00"),
    ],
)
def test_a_month_later_is_the_same_day_or_the_last_of_a_shorter_month(start: str, months: int, end: str) -> None:
    moment = np.array([start], dtype="datetime64[ms]").astype(np.int64)
    assert str(add_months(moment, np.array([months])).astype("datetime64[ms]").astype("datetime64[m]")[0]) == end


def test_ids_are_version_four_uuids_and_never_repeat() -> None:
    found = uuids(1, "events", np.arange(200_000))
    assert len(np.unique(found.view("V16"))) == 200_000
    assert set(found[:, 6] >> 4) == {4}
    assert set(found[:, 8] >> 6) == {2}
