"""Settings: one class, names of `.env.example`, honest errors."""

import re
from pathlib import Path

import pytest

from gtc.settings import PROJECT_ROOT, Dataset, InvalidDatasetNameError, Settings, load_settings
from gtc.settings.settings import SettingsError

EXAMPLE = (PROJECT_ROOT / ".env.example").read_text()


def test_env_example_names_every_setting_and_nothing_else() -> None:
    named = set(re.findall(r"^([A-Z_]+)=", EXAMPLE, re.MULTILINE))
    assert named == {name.upper() for name in Settings.model_fields}


def test_env_example_shows_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    assert load_settings(_env_file=PROJECT_ROOT / ".env.example") == load_settings(_env_file=None)


def test_env_example_holds_no_secret() -> None:
    assert re.findall(r"^[A-Z_]*PASSWORD=(.+)$", EXAMPLE, re.MULTILINE) == []


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "env").write_text("WAREHOUSE_PORT=1234\n")
    assert load_settings(_env_file=tmp_path / "env").warehouse_port == 1234
    monkeypatch.setenv("WAREHOUSE_PORT", "4321")
    assert load_settings(_env_file=tmp_path / "env").warehouse_port == 4321


def test_a_wrong_setting_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_PORT", "eighty")
    with pytest.raises(SettingsError, match=r"^WAREHOUSE_PORT: .*integer") as caught:
        load_settings(_env_file=None)
    assert "\n" not in str(caught.value)


def test_an_address_that_others_can_reach_needs_both_secrets() -> None:
    with pytest.raises(SettingsError, match="WAREHOUSE_READER_PASSWORD"):
        load_settings(_env_file=None, warehouse_host="0.0.0.0", warehouse_password="x")
    both = load_settings(
        _env_file=None, warehouse_host="0.0.0.0", warehouse_password="x", warehouse_reader_password="y"
    )
    assert both.warehouse_host == "0.0.0.0"


def test_a_superset_that_others_can_reach_needs_a_key() -> None:
    with pytest.raises(SettingsError, match="SUPERSET_SECRET_KEY"):
        load_settings(_env_file=None, superset_host="0.0.0.0", superset_secret_key="short")  # pragma: allowlist secret
    assert load_settings(_env_file=None, superset_host="0.0.0.0", superset_secret_key="k" * 32).superset_embedded


def test_relative_paths_start_at_the_project_whatever_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings(_env_file=None, gtc_var_dir=Path("x")).gtc_var_dir == PROJECT_ROOT / "x"


def test_passwords_do_not_show_in_print_or_log() -> None:
    assert "hush" not in repr(load_settings(_env_file=None, warehouse_password="hush"))  # pragma: allowlist secret


@pytest.mark.parametrize(
    ("name", "raw", "ml", "schema"),
    [
        ("globaltaxcalc", "raw", "ml", "analytics"),
        ("online_retail", "online_retail_raw", "online_retail_ml", "online_retail_analytics"),
    ],
)
def test_databases_follow_from_the_name(name: str, raw: str, ml: str, schema: str) -> None:
    dataset = Dataset(name)
    assert (dataset.raw_database, dataset.ml_database, dataset.schema) == (raw, ml, schema)


@pytest.mark.parametrize("name", ["", "Retail", "1st", "a-b", "a.b", "a`b", "ä", "x" * 49, "a\n"])
def test_a_name_that_cannot_be_a_database_is_refused(name: str) -> None:
    with pytest.raises(InvalidDatasetNameError):
        Dataset(name)
