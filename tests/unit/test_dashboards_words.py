"""Readers see words: a chart that shows a term of the marts is a fault, and filters on words reach the mart."""

import pytest

from bi.check import fault_of_words
from bi.headlines import conditions


@pytest.mark.parametrize("term", ["paid_search", "at_risk", "last_non_direct", "p95_ms"])
def test_a_term_of_the_marts_on_a_page_is_a_fault_that_names_it(term: str) -> None:
    rows = [{"channel": "Direct", "revenue": 1.5}, {"channel": term, "revenue": None}]
    assert fault_of_words([{"data": rows}]) == f"shows the term {term}; give its dataset a column in words"


@pytest.mark.parametrize("word", ["Paid search", "–", "", "US", "2026-10", "/guides/self-employed", "VAT", None, 7])
def test_words_codes_dates_and_numbers_are_none(word: object) -> None:
    assert fault_of_words([{"data": [{"shown": word}]}, {"data": None}]) == ""


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
