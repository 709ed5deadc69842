"""`gtc query` asks the warehouse as a reader and prints what the engine answers."""

import json
import subprocess
import sys
from pathlib import Path

from platforms import service_environment

from gtc.settings import Settings

GTC = str(Path(sys.executable).with_name("gtc"))


def query(settings: Settings, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [GTC, "query", *arguments],
        env=service_environment(settings), input=stdin, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_piped_output_is_tab_separated_with_names(warehouse: Settings) -> None:
    assert query(warehouse, "select 1 as a, 'x' as b").stdout == "a\tb\n1\tx\n"


def test_a_format_clause_in_the_query_wins(warehouse: Settings) -> None:
    assert query(warehouse, "select 1 as a format CSV").stdout == "1\n"


def test_json_is_one_document(warehouse: Settings) -> None:
    assert json.loads(query(warehouse, "--json", "select 1 as a").stdout)["data"] == [{"a": 1}]


def test_the_query_may_come_from_standard_input(warehouse: Settings) -> None:
    assert query(warehouse, "-", "-f", "TSV", stdin="select 2\n-- a comment at the end").stdout == "2\n"


def test_broken_sql_is_one_line_with_the_engines_words(warehouse: Settings) -> None:
    asked = query(warehouse, "selec 1")
    assert asked.returncode == 1
    assert "SYNTAX_ERROR" in asked.stderr
    assert asked.stderr.count("\n") == 1


def test_an_unknown_database_is_named(warehouse: Settings) -> None:
    asked = query(warehouse, "select * from nowhere.nothing")
    assert asked.returncode == 1
    assert "nowhere" in asked.stderr


def test_a_write_needs_the_other_user(warehouse: Settings) -> None:
    refused = query(warehouse, "create database written_by_reader")
    assert refused.returncode == 1
    assert query(warehouse, "--as", "etl", "create database written_by_etl").returncode == 0
    assert query(warehouse, "--as", "etl", "drop database written_by_etl").returncode == 0


def test_a_wrong_password_is_one_line_that_names_the_setting(warehouse: Settings) -> None:
    wrong = warehouse.model_copy(update={"warehouse_reader_password": type(warehouse.warehouse_password)("wrong")})
    asked = query(wrong, "select 1")
    assert asked.returncode == 1
    assert "WAREHOUSE_PASSWORD" in asked.stderr or "WAREHOUSE_READER_PASSWORD" in asked.stderr
    assert asked.stderr.count("\n") == 1
