"""Values of a breakdown that is taken at a later step say nothing about the way to that step."""

from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from funnels_support import answers as answers_of
from funnels_support import rendered_model
from marts_support import Row

#: The plan is that of the second of three steps, the channel that of the last event.
FUNNEL: Row = {
    "name": "f",
    "title": "F",
    "description": "F.",
    "window": "1 hour",
    "steps": [{"name": name, "where": {"event_name": name}} for name in ("a", "b", "c")],
    "breakdowns": [
        {"column": "country"},
        {"name": "plan", "column": "properties.plan", "at": "b"},
        {"column": "channel", "at": "last"},
    ],
}

#: Thirty went all the way with the plan pro, thirty with plus stayed at the second step, sixty at the first.
CHAINS = " union all ".join(
    f"select 'f' as funnel, concat('{plan}', toString(number)) as person_id, {furthest} as furthest_step,"
    f" true as is_best, map('country', '{country}', 'plan', '{plan}', 'channel', '{channel}') as breakdown_values,"
    f" true as is_complete, false as is_excluded from numbers({count})"
    for plan, country, channel, furthest, count in (
        ("pro", "DE", "email", 3, 30),
        ("plus", "FR", "email", 2, 30),
        ("", "FR", "direct", 1, 60),
    )
)

NOBODY = "select '' as person_id, '' as first_channel, '' as first_country, '' as first_device_type"


@pytest.fixture
def answers(marts_client: Client) -> Any:
    """Rows of a model of funnels for the funnel and the chains above."""
    variables = {
        "funnels": [FUNNEL],
        "funnel_driver_min_users": 25,
        "funnel_driver_min_percent": 2,
        "funnel_false_discovery_rate": 0.05,
    }
    given = {
        "funnel_counted_chains": CHAINS,
        "people": NOBODY,
        "declared_funnels": rendered_model("intermediate/funnels/declared_funnels.sql", variables),
        "funnel_segments": rendered_model("intermediate/funnels/funnel_segments.sql", variables),
    }
    return lambda path: answers_of(marts_client, given, rendered_model(path, variables))


def test_a_value_of_a_step_drives_only_what_follows_it(answers: Any) -> None:
    found = answers("marts/funnels/funnel_drivers.sql")
    columns = ("property", "value", "step", "successes", "failures", "all_successes", "all_failures", "odds_ratio")
    driving = {tuple(row[name] for name in columns) for row in found}
    assert driving == {
        ("country", "DE", 2, 30, 0, 60, 60, 31 * 61 / 31),
        ("country", "DE", 3, 30, 0, 30, 30, 31 * 31),
        ("country", "FR", 2, 30, 60, 60, 60, 31 / (61 * 31)),
        ("country", "FR", 3, 0, 30, 30, 30, 1 / (31 * 31)),
        ("plan", "pro", 3, 30, 0, 30, 30, 31 * 31),
        ("plan", "plus", 3, 0, 30, 30, 30, 1 / (31 * 31)),
    }


def test_only_values_that_are_known_at_the_entry_are_judged(answers: Any) -> None:
    found = answers("marts/funnels/funnel_breakdowns.sql")
    assert {row["breakdown"] for row in found} == {"country", "plan", "channel"}
    assert {row["breakdown"] for row in found if row["p_value"] is not None} == {"country"}
    assert {row["breakdown"] for row in found if row["is_different"]} == {"country"}
    [pro] = [row for row in found if row["value"] == "pro" and row["step"] == 2]
    assert (pro["complete_users"], pro["conversion_from_start"]) == (30, 1)


def test_a_breakdown_is_late_up_to_the_step_that_it_is_taken_at(answers: Any) -> None:
    found = answers("intermediate/funnels/declared_funnels.sql")
    assert [row["late_breakdowns"] for row in sorted(found, key=lambda row: row["step"])] == [
        ["plan", "channel"],
        ["plan", "channel"],
        ["channel"],
    ]
