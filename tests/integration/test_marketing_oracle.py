"""The marketing marts equal the oracle on the simulated company and on real invoices, and find what was planted."""

from collections import defaultdict
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from clickhouse_connect.driver.client import Client
from marketing_support import SPEND_COLUMNS, faults
from marts_support import Row, rows
from oracle_events import channel_of
from oracle_marketing import LOOK_BACK, MODELS, Touch, in_millionths, in_order, shares
from oracle_marts import Company

from gtc.settings import Settings


class Marts:
    """The marts of one data set, by queries in which `marts.`, `int.` and `raw.` stand for its schemas."""

    def __init__(self, client: Client, settings: Settings) -> None:
        self.client, self.dataset = client, settings.dataset

    def read(self, sql: str) -> list[Row]:
        schema = self.dataset.schema
        sql = sql.replace("marts.", f"{schema}.").replace("int.", f"{schema}_intermediate.")
        return rows(self.client, sql.replace("raw.", f"{self.dataset.raw_database}."))

    def spend(self) -> list[Row]:
        return self.read(f"select {SPEND_COLUMNS}, row_version from raw.marketing_spend")


@pytest.fixture
def company(simulated: Settings, marts_client: Client) -> Marts:
    return Marts(marts_client, simulated)


@pytest.fixture
def shop(retail: Settings, marts_client: Client) -> Marts:
    return Marts(marts_client, retail)


def test_marketing_marts_of_the_simulated_company_equal_the_oracle(company: Marts, simulated_oracle: Company) -> None:
    assert faults(company.read, simulated_oracle, company.spend()) == []
    [seen] = company.read("select uniqExact(channel) as channels, count() as cells from marts.marketing_attribution")
    assert seen["channels"] >= 9
    assert seen["cells"] > 1000


def test_marketing_marts_of_online_retail_equal_the_oracle(shop: Marts, retail_oracle: Company) -> None:
    assert faults(shop.read, retail_oracle, []) == []


def test_without_a_single_session_everything_is_unattributed(shop: Marts) -> None:
    assert shop.read("select distinct channel from marts.marketing_attribution") == [{"channel": "unattributed"}]
    assert shop.read("select count() as n from marts.touchpoints") == [{"n": 0}]


@pytest.mark.parametrize("data", ["company", "shop"])
def test_every_model_credits_the_conversions_and_the_money_of_the_headline_figures(
    data: str, request: pytest.FixtureRequest
) -> None:
    marts: Marts = request.getfixturevalue(data)
    credited = marts.read(
        "select attribution_model, conversion_date as day,"
        " sumIf(credited_conversions, conversion_kind = 'sign_up') as sign_ups,"
        " sumIf(credited_conversions, conversion_kind = 'first_purchase') as conversions,"
        " sumIf(credited_conversions, conversion_kind = 'order') as orders,"
        " sumIf(credited_revenue, conversion_kind = 'order') as net_revenue"
        " from marts.marketing_attribution group by 1, 2 order by 1, 2"
    )
    figures = marts.read(
        "select days.day as day, s.sign_ups as sign_ups, o.conversions as conversions, o.orders as orders,"
        " m.net_revenue as net_revenue from int.reporting_days as days"
        " left join int.sign_ups_daily as s on days.day = s.day left join int.orders_daily as o on days.day = o.day"
        " left join int.sales_daily as m on days.day = m.day"
    )
    wanted = {
        row["day"]: [row[n] or 0 for n in ("sign_ups", "conversions", "orders", "net_revenue")] for row in figures
    }
    for model in MODELS:
        found = {
            row["day"]: [row[n] for n in ("sign_ups", "conversions", "orders", "net_revenue")]
            for row in credited
            if row["attribution_model"] == model
        }
        assert {day: found.get(day, [0, 0, 0, 0]) for day in wanted} == wanted


def table(folder: Path, name: str) -> list[dict[str, Any]]:
    """A table of the truth; moments as the warehouse answers them, UTC without a zone."""
    return [
        {key: v.replace(tzinfo=None) if isinstance(v, datetime) else v for key, v in row.items()}
        for row in pq.read_table(folder / f"{name}.parquet").to_pylist()
    ]


def seen_channels(company: Company) -> dict[tuple[str, datetime], str]:
    """Channels of visits whose landing page shares its millisecond with another event of the device.

    Ids break the tie, so the untagged event may come first.
    """
    together: dict[tuple[str, datetime], list[Row]] = defaultdict(list)
    for row in company.events:
        together[row["anonymous_id"], row["event_at"]].append(row)
    return {key: channel_of(in_order(tied)[0]) for key, tied in together.items() if len(tied) > 1}


def test_credit_for_sign_ups_is_recovered_from_the_planted_paths(
    company: Marts, simulated_oracle: Company, simulated_truth: Path
) -> None:
    """What was planted and what can be seen differ in two things.

    Anonymous events on a device of several users belong to the device: if the account was opened there, the user's own
    session begins with the sign-up, which carries no tags. And ids break ties, see seen_channels.
    """
    tied = seen_channels(simulated_oracle)
    shared = {row["anonymous_id"] for row in table(simulated_truth, "identities") if row["users"] > 1}
    planted: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for touch in table(simulated_truth, "touches"):
        if touch["before_sign_up"] and touch["user_id"]:
            planted[touch["user_id"]].append(touch)
    expected: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
    people = [person for person in table(simulated_truth, "people") if person["signed_up_at"]]
    for person in people:
        visits = sorted(planted[person["user_id"]], key=lambda touch: touch["touched_at"])
        assert " > ".join(visit["channel"] for visit in visits) == person["path_to_sign_up"]
        opened = person["signed_up_at"]
        path = [
            Touch(
                visit["touched_at"],
                tied.get((visit["anonymous_id"], visit["touched_at"]), visit["channel"]),
                visit["campaign"],
                visit["country"],
            )
            for visit in visits
            if visit["anonymous_id"] not in shared and opened - visit["touched_at"] <= LOOK_BACK
        ]
        if visits[-1]["anonymous_id"] in shared:
            path.append(Touch(opened, "direct", "", person["country"]))
        for model in MODELS:
            for touch, part in zip(path, in_millionths(shares(model, path)), strict=True):
                expected[model, touch.channel] += Fraction(part, 1_000_000)
    found = company.read(
        "select attribution_model, channel, sum(credited_conversions) as credit from marts.marketing_attribution"
        " where conversion_kind = 'sign_up' group by 1, 2 having credit > 0"
    )
    assert len(people) > 300
    assert {(row["attribution_model"], row["channel"]): Fraction(row["credit"]) for row in found} == {
        key: credit for key, credit in expected.items() if credit
    }


def test_every_planted_touch_is_a_touch_with_its_true_channel(
    company: Marts, simulated_oracle: Company, simulated_truth: Path
) -> None:
    touches, tied = table(simulated_truth, "touches"), seen_channels(simulated_oracle)
    planted = [touch for touch in touches if touch["after_quiet"]]
    assert len(planted) >= 0.999 * len(touches)
    found = {row["touched_at"]: row["channel"] for row in company.read("select * from marts.touchpoints")}
    wrong = [
        touch
        for touch in planted
        if found.get(touch["touched_at"]) != tied.get((touch["anonymous_id"], touch["touched_at"]), touch["channel"])
    ]
    assert len(planted) > 4000
    assert (wrong, len(tied) < len(planted) / 10) == ([], True)


@pytest.mark.parametrize(
    "query",
    [
        "select channel, sum(credited_conversions), sum(credited_revenue) from marts.marketing_attribution"
        " where conversion_kind = 'order' and attribution_model = 'linear' group by 1",
        "select * from marts.marketing_performance where period_type = 'month' and attribution_model = 'position'",
        "select * from marts.attribution_disagreement where conversion_kind = 'sign_up' order by share_spread desc",
        "select channel, sum(spend), sum(clicks) from marts.marketing_spend_daily group by 1",
        "select path, sum(paths) from marts.attribution_paths where conversion_kind = 'sign_up' group by 1",
    ],
)
def test_questions_of_a_dashboard_are_answered(company: Marts, query: str) -> None:
    assert company.read(query)
