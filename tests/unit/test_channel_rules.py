"""The seed channel_rules tells channels apart by the landing page's tags and the host that it was reached from."""

import csv
import re

import pytest

from gtc.settings import PROJECT_ROOT

with (PROJECT_ROOT / "dbt_project" / "seeds" / "channel_rules.csv").open() as _file:
    RULES = sorted(csv.DictReader(_file), key=lambda rule: int(rule["priority"]))


def channel(source: str = "", medium: str = "", host: str = "") -> str:
    """The channel of the first rule whose patterns are all found."""
    given = {"utm_source_matches": source, "utm_medium_matches": medium, "referrer_host_matches": host}
    return next(
        rule["channel"]
        for rule in RULES
        if all(re.search(rule[column], value) for column, value in given.items() if rule[column])
    )


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("", "direct"),
        ("www.globaltaxcalc.com", "direct"),
        ("www.google.com", "organic_search"),
        ("www.google.co.uk", "organic_search"),
        ("google.de", "organic_search"),
        ("search.brave.com", "organic_search"),
        ("search.yahoo.co.jp", "organic_search"),
        ("mail.google.com", "referral"),  # a link in a letter
        ("accounts.google.com", "referral"),  # somebody comes back from logging in
        ("google.example.org", "referral"),
        ("notgoogle.com", "referral"),
        ("l.facebook.com", "organic_social"),
        ("t.co", "organic_social"),
        ("blog.example.com", "referral"),
    ],
)
def test_a_host_without_tags_says_the_channel(host: str, expected: str) -> None:
    assert channel(host=host) == expected


@pytest.mark.parametrize(
    ("source", "medium", "expected"),
    [
        ("google", "cpc", "paid_search"),
        ("facebook", "cpc", "paid_social"),
        ("facebook", "", "organic_social"),
        ("newsletter", "", "email"),
        ("partner", "affiliate", "affiliate"),
        ("partner", "leaflet", "other_campaign"),
    ],
)
def test_tags_go_before_the_host(source: str, medium: str, expected: str) -> None:
    assert channel(source, medium, "www.google.com") == expected
