"""The seed channel_rules tells channels apart by the landing page's tags and the host that it was reached from."""

import pytest
from oracle_events import channel_of


def channel(source: str = "", medium: str = "", host: str = "") -> str:
    """The channel of a landing page with these tags, reached from this host."""
    return channel_of({"utm_source": source, "utm_medium": medium, "referrer_host": host})


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
