"""Profile, macro, sources and Python agree on which databases a data set owns."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import Environment

from gtc.settings import PROJECT_ROOT, Dataset

NAMES = ["globaltaxcalc", "online_retail", "x"]


def environment_of(name: str, **variables: str) -> Environment:
    """Jinja as dbt gives it to profiles, sources and macros, with the environment of one data set."""
    known = {"GTC_DATASET": name, **variables}

    def env_var(key: str, default: str | None = None) -> str:
        if key not in known and default is None:
            raise KeyError(key)
        return known.get(key, default)  # type: ignore[return-value]

    jinja = Environment(autoescape=False)
    jinja.globals.update(env_var=env_var, **{"return": lambda value: value})
    jinja.filters.update(as_number=int, as_bool=bool)
    return jinja


def output(name: str, target: str, **variables: str) -> dict[str, Any]:
    """One rendered target of profiles.yml."""
    targets = yaml.safe_load((PROJECT_ROOT / "profiles.yml").read_text())["globaltaxcalc"]["outputs"]
    jinja = environment_of(name, **variables)
    return {key: jinja.from_string(value).render() if isinstance(value, str) else value
            for key, value in targets[target].items()}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("target", ["local", "prod", "cluster", "ci"])
def test_the_schema_of_every_target_is_the_schema_of_the_data_set(name: str, target: str) -> None:
    assert output(name, target)["schema"].strip() == Dataset(name).schema


@pytest.mark.parametrize("name", NAMES)
def test_an_analyst_builds_into_a_schema_of_their_own(name: str) -> None:
    assert output(name, "local", DBT_SCHEMA="dev_ada")["schema"].strip() == "dev_ada"


@pytest.mark.parametrize("name", NAMES)
def test_the_macro_reads_the_raw_database_of_the_data_set(name: str) -> None:
    macros = (PROJECT_ROOT / "dbt_project" / "macros" / "dataset.sql").read_text()
    rendered = environment_of(name).from_string(macros + "{{ raw_database() }}").render()
    assert rendered.split() == [Dataset(name).raw_database]


@pytest.mark.parametrize("name", NAMES)
def test_sources_stand_in_the_raw_database_of_the_data_set(name: str) -> None:
    sources = yaml.safe_load((PROJECT_ROOT / "dbt_project" / "models" / "staging" / "_sources.yml").read_text())
    rendered = environment_of(name).from_string(sources["sources"][0]["schema"]).render()
    assert rendered == Dataset(name).raw_database


def test_no_secret_and_no_address_of_ours_stands_in_the_profile() -> None:
    profile = output("x", "prod", WAREHOUSE_HOST="ch.example", WAREHOUSE_PORT="8443", WAREHOUSE_SECURE="True")
    assert (profile["host"], profile["port"], profile["secure"]) == ("ch.example", "8443", "True")
    assert (profile["user"], profile["password"]) == ("etl", "")


@pytest.fixture(scope="module")
def cluster_manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The project as dbt reads it for a cluster."""
    target = tmp_path_factory.mktemp("cluster")
    paths = {"DBT_PROJECT_DIR": str(PROJECT_ROOT / "dbt_project"), "DBT_PROFILES_DIR": str(PROJECT_ROOT)}
    environment = {**os.environ, **paths, "DBT_TARGET_PATH": str(target), "DBT_LOG_PATH": str(target)}
    dbt = Path(sys.executable).with_name("dbt")
    command = [dbt, "--quiet", "parse", "--target", "cluster"]
    subprocess.run(command, env={**environment, "WAREHOUSE_CLUSTER": "main"}, cwd=PROJECT_ROOT, check=True)
    return json.loads((target / "manifest.json").read_text())["nodes"]


def test_on_a_cluster_tables_are_distributed_and_replicated(cluster_manifest: dict[str, Any]) -> None:
    tables = {
        (node["config"]["materialized"], node["config"]["engine"])
        for node in cluster_manifest.values()
        if node["resource_type"] == "model" and node["fqn"][1] != "staging" and node["config"]["materialized"] != "view"
    }
    assert tables == {("distributed_table", "ReplicatedMergeTree()")}
    assert output("x", "cluster", WAREHOUSE_CLUSTER="main")["cluster"] == "main"
