"""The simulator's truth is what a plain reader finds in the raw rows, to the last event and cent."""

import csv
import json
import re
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import simulator_oracle as oracle

from gtc.settings import PROJECT_ROOT
from simulator.order import Order
from simulator.run import draw
from simulator.truth_facts import QUIET_MS, is_at_a_start, session_starts
from simulator.world_file import read_world

#: Columns that no figure of the truth depends on; left out to save time.
UNREAD = {
    "load_id", "source", "region", "tax_residence", "platform", "device_type", "browser", "operating_system",
    "language", "app_version", "page_path", "properties", "utm_content", "utm_term", "step_name", "error_code",
    "duration_ms", "tax_year", "method", "status_code", "response_bytes", "server", "error_type", "reason",
    "product_name",
}  # fmt: skip


class Memory:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.tables: dict[str, list[pa.Table]] = defaultdict(list)

    def write(self, table: str, rows: pa.Table) -> None:
        self.tables[table].append(rows)

    def close(self) -> None:
        pass

    def rows(self, table: str) -> list[dict[str, Any]]:
        joined = pa.concat_tables(self.tables[table])
        return joined.select(
            [name for name in joined.column_names if name not in UNREAD or table == "load_rejects"]
        ).to_pylist()


class Company:
    """One simulation: rows as delivered, rows once each, and the truth."""

    def __init__(self, folder: Path, order: Order) -> None:
        self.order = order
        memory = Memory()
        draw(self.order, [memory], truth=folder)
        self.folder, self.truth = folder, json.loads((folder / "truth.json").read_text())
        self.sent = {name: memory.rows(name) for name in memory.tables}
        self.once = {name: oracle.each_once(rows) for name, rows in self.sent.items() if name != "load_rejects"}

    def table(self, name: str) -> list[dict[str, Any]]:
        return pq.read_table(self.folder / f"{name}.parquet").to_pylist()


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    order = Order(read_world(), 2300, date(2024, 1, 15), date(2025, 2, 3), 11)
    return Company(tmp_path_factory.mktemp("truth"), order)


@pytest.fixture(
    params=[
        (80, date(2024, 2, 29), date(2024, 2, 29)),
        (80, date(2025, 3, 28), date(2025, 4, 1)),
        (150, date(2025, 10, 20), date(2025, 11, 5)),
        (60, date(2023, 12, 30), date(2026, 1, 2)),
    ],
    ids=["one leap day", "clocks forward", "clocks back", "two years"],
)
def small_company(request: pytest.FixtureRequest, tmp_path: Path) -> Company:
    users, first, last = request.param
    return Company(tmp_path, Order(read_world(), users, first, last, 21))


@pytest.mark.parametrize(
    "table", ["user_events", "calculator_usage", "revenue_events", "experiment_exposures", "performance_metrics"]
)
def test_late_repeated_and_broken_deliveries_are_counted_exactly(company: Company, table: str) -> None:
    said = company.truth["delivery"][table]
    found = oracle.deliveries(company.sent[table])
    assert {name: said[name] for name in found} == found
    rejects = [row for row in company.sent["load_rejects"] if row["target_table"] == table]
    assert said["malformed"] == len(rejects)
    assert said["malformed_by_kind"] == Counter(row["reason"].partition(":")[0] for row in rejects)


def assert_days_follow_from_rows(company: Company) -> None:
    found = oracle.days(company.once["user_events"], company.once["revenue_events"])
    names = ("events", "visitors", "known_users", "sessions", "sessions_by_inactivity", "sign_ups", "orders")
    for day in company.truth["days"]:
        mine = found[day["date"]]
        assert {name: day[name] for name in names} == {name: mine.get(name, 0) for name in names}, day["date"]
        for kind in ("gross", "refunds"):
            money = {code: value for code, value in mine.get(kind, {}).items() if value}
            assert {code: Decimal(text) for code, text in day[kind].items()} == money, day["date"]
    assert len(company.truth["days"]) == (company.order.last - company.order.first).days + 1


def test_each_day_has_the_events_users_sessions_orders_and_money_that_the_rows_show(company: Company) -> None:
    assert_days_follow_from_rows(company)


def test_small_companies_of_any_range_tell_the_truth(small_company: Company) -> None:
    assert_days_follow_from_rows(small_company)
    assert_mrr_follows_from_rows(small_company)
    assert_funnels_follow_from_rows(small_company)
    assert_arms_follow_from_rows(small_company)


def test_mrr_follows_from_the_changes_of_subscriptions(company: Company) -> None:
    assert_mrr_follows_from_rows(company)
    assert len(company.truth["mrr"]) > 60


def assert_mrr_follows_from_rows(company: Company) -> None:
    last = datetime.combine(company.order.last, datetime.min.time(), UTC)
    found = oracle.mrr(company.once["revenue_events"], last)
    said = {(entry["month"], entry["currency"]): entry for entry in company.truth["mrr"]}
    for key, entry in said.items():
        mine = found[key]
        assert Decimal(entry["mrr_end"]) == mine["end"], key
        assert entry["subscriptions_end"] == mine["active"], key
        for kind, name in (("movements_by_event", "event"), ("movements_by_month_end", "month")):
            assert {move: Decimal(text) for move, text in entry[kind].items()} == mine[name], (key, kind)


@pytest.mark.parametrize("kind", ["movements_by_event", "movements_by_month_end"])
def test_mrr_balances_every_month_in_every_currency(company: Company, kind: str) -> None:
    balance: dict[str, Decimal] = defaultdict(Decimal)
    for entry in company.truth["mrr"]:
        balance[entry["currency"]] += sum(Decimal(text) for text in entry[kind].values())
        assert balance[entry["currency"]] == Decimal(entry["mrr_end"]), (entry["month"], entry["currency"])


def test_funnel_counts_are_those_of_the_rows(company: Company) -> None:
    assert_funnels_follow_from_rows(company)


def assert_funnels_follow_from_rows(company: Company) -> None:
    did, in_order = oracle.funnel(company.once["user_events"])
    assert company.truth["funnels"]["visitors_who_did"] == did
    assert company.truth["funnels"]["visitors_in_order_of_first_times"] == in_order
    assert list(in_order.values()) == sorted(in_order.values(), reverse=True)
    runs = {name: counts for name, counts in company.truth["funnels"]["calculators"].items() if counts}
    assert runs == oracle.calculators(company.once["calculator_usage"])


def test_arms_people_and_outcomes_are_those_of_the_exposures(company: Company) -> None:
    assert_arms_follow_from_rows(company)
    arms = [counts for entry in company.truth["experiments"] for counts in entry["arms"].values()]
    assert sum(counts["crossovers"] for counts in arms) > 0


def assert_arms_follow_from_rows(company: Company) -> None:
    said = {entry["experiment_id"]: entry for entry in company.truth["experiments"]}
    units = {name: (entry["unit"], entry["metric"]) for name, entry in said.items()}
    rows = company.once
    found = oracle.experiments(rows["experiment_exposures"], rows["user_events"], rows["revenue_events"], units)
    for name, entry in said.items():
        for arm, counts in entry["arms"].items():
            assert counts == {**dict.fromkeys(counts, 0), **found[name, arm]}, (name, arm)


def test_identities_are_those_of_the_rows(company: Company) -> None:
    pairs = oracle.identities(company.once["user_events"])
    said = {(row["anonymous_id"], row["user_id"]): row["events_together"] for row in company.table("identities")}
    assert said == pairs
    users = Counter(device for device, _ in pairs)
    assert company.truth["totals"]["devices_with_several_users"] == sum(count > 1 for count in users.values()) > 0
    assert company.truth["totals"]["users_with_several_devices"] > 50


def test_channels_follow_from_tags_and_referrers_by_the_documented_rules(company: Company) -> None:
    untagged = {"utm_source": "", "utm_medium": "", "referrer_host": ""}
    tagged = {e["session_id"]: e for e in company.once["user_events"] if e["utm_source"] or e["referrer_host"]}
    touches = company.table("touches")
    assert len(touches) == len({event["session_id"] for event in company.once["user_events"]})
    for touch in touches:
        assert touch["channel"] == channel_of(tagged.get(touch["session_id"], untagged)), touch


def test_a_touch_is_after_quiet_where_its_visitor_did_nothing_for_half_an_hour(company: Company) -> None:
    events, moments = company.once["user_events"], defaultdict(list)
    owner = oracle.resolve(events)
    newest_first = sorted(events, key=itemgetter("event_at"), reverse=True)
    whose = {event["session_id"]: owner[event["event_id"]] for event in newest_first}
    for event in events:
        moments[owner[event["event_id"]]].append(event["event_at"])
    for touch in company.table("touches"):
        at = touch["touched_at"]
        before = [other for other in moments[whose[touch["session_id"]]] if at - oracle.QUIET <= other < at]
        assert touch["after_quiet"] == (not before), touch


def test_half_an_hour_to_the_millisecond_is_no_pause() -> None:
    who, moment = np.array([1, 1, 2, 1, 1]), np.array([0, QUIET_MS, QUIET_MS, 2 * QUIET_MS + 1, 2 * QUIET_MS + 1])
    assert is_at_a_start(who, moment).tolist() == [True, False, True, True, True]
    assert sorted(moment[session_starts(who, moment)]) == [0, QUIET_MS, 2 * QUIET_MS + 1]
    assert is_at_a_start(who[:0], moment[:0]).tolist() == []


RULES = sorted(
    csv.DictReader((PROJECT_ROOT / "dbt_project/seeds/channel_rules.csv").open()), key=lambda r: int(r["priority"])
)


def channel_of(event: dict[str, Any]) -> str:
    """The first rule whose patterns all match, as analysts apply it."""
    for rule in RULES:
        if all(
            re.search(rule[f"{tag}_matches"], event[tag].lower())
            for tag in ("utm_source", "utm_medium", "referrer_host")
        ):
            return str(rule["channel"])
    raise AssertionError(f"no rule fits {event}")


def test_the_path_of_a_person_ends_in_the_visit_that_decides(company: Company) -> None:
    visits: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for touch in company.table("touches"):
        if touch["before_sign_up"]:
            visits[touch["anonymous_id"]].append((touch["touched_at"], touch["channel"]))
    for person in company.table("people"):
        assert person["path_to_sign_up"].split(" > ") == [
            channel for _, channel in sorted(visits[person["anonymous_id"]])
        ]


def test_orders_refunds_and_their_tax_are_exact(company: Company) -> None:
    lines = [row for row in company.once["revenue_events"] if row["event_type"] in ("charge", "refund")]
    by_order: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        by_order[line["order_id"]] += line["amount"]
        assert line["amount"] == line["quantity"] * line["unit_price"]
        coin = Decimal(1) if line["currency"] == "JPY" else Decimal("0.01")
        assert line["amount"] % coin == 0
        assert line["tax_amount"] % coin == 0
        assert abs(line["tax_amount"]) <= abs(line["amount"])
    assert {row["order_id"]: row["amount"] for row in company.table("orders")} == by_order
    refunds = {line["refunded_order_id"] for line in lines if line["event_type"] == "refund"}
    assert "" not in refunds
    assert refunds <= set(by_order)
    for row in company.table("orders"):
        if row["refunded_order_id"]:
            assert 0 < -row["amount"] <= by_order[row["refunded_order_id"]]


def test_buyers_have_the_repeat_purchases_that_the_rows_show(company: Company) -> None:
    times: dict[str, set[datetime]] = defaultdict(set)
    for row in company.once["revenue_events"]:
        if row["event_type"] == "charge" and not row["subscription_id"]:
            times[row["user_id"]].add(row["event_at"])
    buyers = {row["user_id"]: row for row in company.table("buyers")}
    assert set(buyers) == set(times)
    for user, row in buyers.items():
        assert row["x"] == len(times[user]) - 1
        assert row["first_purchase_at"] == min(times[user])
        assert row["t_x_days"] == pytest.approx((max(times[user]) - min(times[user])) / timedelta(days=1))


def test_paid_clicks_are_at_least_the_visits_that_a_campaign_brought(company: Company) -> None:
    visits = Counter(
        (str(event["event_at"].date()), event["utm_campaign"], event["country"])
        for event in company.once["user_events"]
        if event["utm_campaign"]
    )
    spend = {(str(r["spend_date"]), r["campaign"], r["country"]): r for r in company.once["marketing_spend"]}
    free = {"monthly_letter", "deadline_reminder"}
    assert {key for key in visits if key[1] not in free} == set(spend)
    for key, row in spend.items():
        assert row["clicks"] >= visits[key]
        assert row["impressions"] >= row["clicks"]
        assert row["spend"] > 0


def test_nobody_is_known_before_signing_up_and_nothing_lies_outside_the_range(company: Company) -> None:
    signed = {e["user_id"]: e["event_at"] for e in company.once["user_events"] if e["event_name"] == "sign_up"}
    begin, end = datetime(2024, 1, 15, tzinfo=UTC), datetime(2025, 2, 4, tzinfo=UTC)
    for table in ("user_events", "calculator_usage", "revenue_events", "experiment_exposures", "performance_metrics"):
        for row in company.sent[table]:
            assert begin <= row["event_at"] <= row["received_at"] < end
            if row["user_id"]:
                assert signed[row["user_id"]] <= row["event_at"]


def test_later_visits_of_a_person_begin_after_half_an_hour_of_quiet(company: Company) -> None:
    said = company.truth["days"]
    sessions, cut = sum(day["sessions"] for day in said), sum(day["sessions_by_inactivity"] for day in said)
    assert abs(sessions - cut) < sessions * 0.01


def test_some_sessions_begin_in_the_first_millisecond_of_a_day_and_some_events_share_a_stamp(company: Company) -> None:
    events = company.once["user_events"]
    assert any(event["event_at"].time().isoformat() == "00:00:00" for event in events)
    stamps = Counter((event["session_id"], event["event_at"]) for event in events)
    assert max(stamps.values()) > 1
    assert any(event["event_at"].date() == date(2024, 2, 29) for event in events)
