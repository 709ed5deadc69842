"""Readers see words: a chart that shows a term of the marts is a fault, and filters on words reach the mart."""

import csv

import pytest

from bi.check import fault_of_words
from bi.headlines import conditions
from bi.words import country_names, folded, rewritten, spelled
from gtc.settings import PROJECT_ROOT


@pytest.mark.parametrize("term", ["paid_search", "at_risk", "last_non_direct", "p95_ms", "DE"])
def test_a_term_of_the_marts_on_a_page_is_a_fault_that_names_it(term: str) -> None:
    rows = [{"channel": "Direct", "revenue": 1.5}, {"channel": term, "revenue": None}]
    assert fault_of_words([{"data": rows}]) == f"shows the term {term}; give its dataset a column in words"


@pytest.mark.parametrize(
    "word", ["Paid search", "–", "", "United States", "USD", "2026-10", "/guides/self-employed", "VAT", None, 7]
)
def test_words_codes_dates_and_numbers_are_none(word: object) -> None:
    assert fault_of_words([{"data": [{"shown": word}]}, {"data": None}]) == ""


def test_a_map_has_codes_of_countries_where_it_looks_for_them_and_nowhere_else() -> None:
    rows = [{"country": "DE", "people_figure": 3}]
    assert fault_of_words([{"data": rows}], "country") == ""
    assert "the term DE" in fault_of_words([{"data": rows}], "continent")


def test_every_country_of_the_seed_has_a_name_of_its_own() -> None:
    with (PROJECT_ROOT / "dbt_project" / "seeds" / "country_markets.csv").open() as seed:
        countries = [row["country"] for row in csv.DictReader(seed)]
    names = country_names()
    assert list(names) == countries
    assert len(set(names.values())) == len(names)
    assert all(name.strip() == name and len(name) > 3 for name in names.values())


def test_a_server_gets_the_lists_of_countries_and_the_files_keep_their_names() -> None:
    written = "if(breakdown = 'country', transform(value, {country_codes}, {country_names}), value)"
    sent = spelled(written)
    assert "['AD', 'AE'," in sent
    assert "'Germany'" in sent
    assert "{" not in sent
    assert folded(sent) == written


def test_only_computed_columns_are_rewritten() -> None:
    dataset = {"columns": [{"column_name": "plan"}, {"column_name": "word", "expression": "upper({country_codes})"}]}
    assert rewritten(rewritten(dataset, spelled), folded) == dataset
    assert rewritten(dataset, spelled)["columns"][0] == {"column_name": "plan"}


def test_the_headline_of_a_filter_on_words_is_asked_of_the_mart_by_what_the_words_are_made_of() -> None:
    dataset = {
        "columns": [
            {"column_name": "funnel", "type": "String"},
            {"column_name": "funnel_name", "type": "String", "expression": "upper(funnel)"},
        ]
    }
    filters = [
        {"col": "funnel_name", "op": "IN", "val": ["RENEWAL"]},
        {"col": "funnel", "op": "!=", "val": ""},
        {"col": "elsewhere", "op": "==", "val": 1},
    ]
    answer = {"context": {"queries": [{"extras": {}, "filters": filters}]}, "result": {}}
    assert conditions(answer, dataset) == ["(upper(funnel)) in ('RENEWAL')", "funnel != ''"]
