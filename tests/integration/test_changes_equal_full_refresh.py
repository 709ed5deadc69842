"""Built in random batches, with late, repeated and corrected deliveries, every table equals the one built in full."""

import itertools
import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest
from batches_support import LIVE, contents, copy_batch, differing, plain_columns
from clickhouse_connect.driver.client import Client
from marts_support import company as company_of
from marts_support import differences, for_dataset, insert, must_build, rows, uuid_of
from oracle_features import user_features

from gtc.settings import Dataset, Settings
from simulator.order import Order
from simulator.run import simulate
from simulator.world_file import read_world
from warehouse.client import connect
from warehouse.dbt import build
from warehouse.migrations import migrate

#: What a second delivery of an event says differently, by raw table; each may also say another time.
CORRECTED_COLUMNS = {
    "user_events": ("user_id", "anonymous_id", "event_name", "country", "region", "utm_source", "properties"),
    "calculator_usage": ("user_id", "anonymous_id", "calculation_id", "calculator", "action", "step_number", "country"),
    "revenue_events": (
        "user_id", "anonymous_id", "event_type", "order_id", "refunded_order_id", "subscription_id", "plan",
        "plan_price", "billing_period", "amount", "currency", "country", "product_id",
    ),
    "experiment_exposures": ("user_id", "anonymous_id", "experiment_id", "arm", "country"),
    "performance_metrics": ("route", "status_code", "duration_ms"),
}  # fmt: skip

#: Events of each table that a batch corrects.
CORRECTED_EVENTS = 25

#: However large a batch is beside what stands there, only what changed is built; and nothing is looked at a second time
#: because it was stored just before the last build, as in tests everything was.
ALWAYS_CHANGES = {"build_whole_above_share": 1, "ingest_overlap_seconds": 0}

PEOPLE = ["+person_sessions", "+user_days"]


@pytest.fixture(scope="module")
def etl(warehouse: Settings) -> Iterator[Client]:
    """One client for the module."""
    with connect(warehouse) as opened:
        yield opened


@pytest.fixture(scope="module")
def company(warehouse: Settings, etl: Client) -> Dataset:
    """The raw tables from which batches are drawn."""
    dataset = for_dataset(warehouse, "batch_source").dataset
    order = Order(read_world(None), 300, date(2026, 2, 1), date(2026, 5, 3), 17)
    simulate(etl, dataset, order, truth=warehouse.gtc_var_dir / "truth_batches")
    return dataset


def events_received(client: Client, settings: Settings) -> dict[tuple[str, date], int]:
    """Events of each raw table and day; unlike deliveries, their number does not change when parts are merged."""
    place = f"{settings.dataset.schema}_intermediate.source_days"
    found = rows(client, f"select source_table, day, events from {place}")
    return {(row["source_table"], row["day"]): row["events"] for row in found}


def corrections(
    client: Client, source: Dataset, table: str, chosen: random.Random, moment: datetime
) -> list[dict[str, object]]:
    """Second deliveries of some events: a column as another has it, empty, an earlier time, or one that cannot be."""
    found = rows(
        client,
        f"select {plain_columns(client, source, table)} from {source.raw_database}.{table}"
        f" where received_at < '{moment:%Y-%m-%d %H:%M:%S}' order by event_id",
    )
    changed = []
    for row in chosen.sample(found, min(CORRECTED_EVENTS, len(found))):
        column = chosen.choice([*CORRECTED_COLUMNS[table], "event_at"])
        if column == "event_at":
            earlier = row[column] - timedelta(days=chosen.randint(0, 20), minutes=chosen.randint(0, 90))
            value: object = chosen.choice([earlier, earlier, earlier, datetime(1970, 1, 1), datetime(2100, 1, 1)])
        else:
            value = chosen.choice(found)[column]
            if column.endswith("_id") and column != "experiment_id" and chosen.random() < 0.2:
                value = ""
        changed.append({**row, "received_at": moment, column: value})
    return changed


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.heavy) for seed in (2, 3, 5))])
def test_random_batches_equal_the_full_refresh(warehouse: Settings, etl: Client, company: Dataset, seed: int) -> None:
    chosen = random.Random(seed)
    settings = for_dataset(warehouse, f"batched_{seed}")
    migrate(etl, settings.dataset)
    first, quiet, last = datetime(2026, 2, 1), datetime(2026, 5, 3), datetime(2026, 5, 4)
    count = chosen.randint(2, 4)
    cuts = sorted(first + (quiet - first) * chosen.uniform(0.4, 1) for _ in range(count))
    edges = [first, *cuts, quiet, last]  # nothing is corrected on the last day: what builds before it left has to last
    for number, (begin, end) in enumerate(itertools.pairwise(edges)):
        copy_batch(etl, company, settings.dataset, f"arrived >= '{begin}' and arrived < '{end}'")
        if number > 0 and begin < quiet:
            for table in CORRECTED_COLUMNS:
                insert(etl, settings.dataset, table, corrections(etl, company, table, chosen, begin))
        must_build(settings, with_tests=False, variables=ALWAYS_CHANGES)
    batched, received = contents(etl, settings), events_received(etl, settings)
    assert sum(n for n, _ in batched.values()) > 1000
    must_build(settings, full_refresh=True, with_tests=False)
    assert set(differing(batched, contents(etl, settings))) <= LIVE
    assert received == events_received(etl, settings)


def test_an_event_that_was_corrected_to_an_older_day_counts_there_ever_after(warehouse: Settings, etl: Client) -> None:
    settings = for_dataset(warehouse, "corrected_day")
    migrate(etl, settings.dataset)

    def seen(number: int, day: int, received: datetime | None = None) -> dict[str, object]:
        at = datetime(2026, 3, day, number % 4)
        return {"event_id": uuid_of(number), "event_name": "page_view", "event_at": at, "received_at": received or at}

    history = [seen(4 * day + n, day) for day in range(1, 29) for n in range(4)]
    today = [seen(4 * 29 + n, 29) for n in range(4)]
    moved = seen(4 * 28, 5, received=datetime(2026, 3, 29, 12))
    tomorrow = [seen(4 * 30 + n, 30) for n in range(4)]
    back = seen(4 * 28, 28, received=datetime(2026, 3, 31, 12))
    for batch, counts in (
        (history, (4, 4)),
        ([*today, moved], (5, 3)),
        (tomorrow, (5, 3)),  # an ordinary day: only the last days are looked at
        ([seen(4 * 31, 31), back], (4, 4)),
    ):
        insert(etl, settings.dataset, "user_events", batch)
        must_build(settings, with_tests=False, variables=ALWAYS_CHANGES, select=["+data_quality"])
        received = events_received(etl, settings)
        assert tuple(received["user_events", date(2026, 3, day)] for day in (5, 28)) == counts


#: Tables that are built by changes, some from their own rows, or with keys found in them; by the moment from which
#: deliveries are new. No month ends after the second one, which would build its table whole.
INTERRUPTED = {
    datetime(2026, 4, 10): (
        "_intermediate.identity_sightings", "_intermediate.person_events", "_intermediate.person_exposures",
        ".calculator_steps",
    ),
    datetime(2026, 5, 1, 18): (".user_segments",),
}  # fmt: skip

#: These tables, and all that they are made of.
OF_INTERRUPTED = ["+user_segments", "+calculator_steps", "+person_exposures"]


def test_a_build_that_dies_between_removing_and_adding_rows_loses_none(
    warehouse: Settings, etl: Client, company: Dataset
) -> None:
    settings = for_dataset(warehouse, "interrupted")
    migrate(etl, settings.dataset)
    edges = [*INTERRUPTED, datetime(2026, 6, 1)]
    copy_batch(etl, company, settings.dataset, f"arrived < '{edges[0]}'")
    must_build(settings, with_tests=False, variables=ALWAYS_CHANGES, select=OF_INTERRUPTED)
    for begin, end in itertools.pairwise(edges):
        copy_batch(etl, company, settings.dataset, f"arrived >= '{begin}' and arrived < '{end}'")
        for place in INTERRUPTED[begin]:
            [(before,)] = etl.query(f"select count() from {settings.dataset.schema}{place}").result_rows
            for _ in range(2):  # a second death leaves what the first one left
                assert fail_to_add(etl, settings, place) < before
        must_build(settings, with_tests=False, variables=ALWAYS_CHANGES, select=OF_INTERRUPTED)
    found = contents(etl, settings)
    assert not [name for name in found if name.endswith(("__fresh", "__keys"))]
    must_build(settings, full_refresh=True, with_tests=False, select=OF_INTERRUPTED)
    assert set(differing(found, contents(etl, settings))) <= LIVE


def fail_to_add(client: Client, settings: Settings, place: str) -> int:
    """Build a table that lets its rows be removed and takes none; how many rows are left."""
    table, name = f"{settings.dataset.schema}{place}", place.split(".")[-1]
    client.command(f"alter table {table} add constraint nothing_more check 1 = 0")
    result = build(settings, with_tests=False, variables=ALWAYS_CHANGES, select=[f"+{name}"])
    client.command(f"alter table {table} drop constraint nothing_more")
    assert [node.name for node in result.failures] == [name]
    [(left,)] = client.query(f"select count() from {table}").result_rows
    return int(left)


def test_a_device_that_gains_an_owner_then_a_second_one_moves_its_old_events(warehouse: Settings, etl: Client) -> None:
    settings = for_dataset(warehouse, "moving")
    migrate(etl, settings.dataset)

    def seen(number: int, day: int, user: str, device: str = "d1") -> dict[str, object]:
        at = datetime(2026, 3, day, 12)
        row = {"event_id": uuid_of(number), "event_name": "page_view", "event_at": at, "received_at": at}
        return row | {"user_id": user, "anonymous_id": device}

    batches = [
        ([seen(1, 1, ""), seen(2, 2, "", "d2")], ["anonymous:d1", "anonymous:d2"]),
        ([seen(3, 5, "ada")], ["ada", "anonymous:d2"]),
        ([seen(4, 6, "bob")], ["ada", "anonymous:d1", "anonymous:d2", "bob"]),
    ]
    for batch, people in batches:
        insert(etl, settings.dataset, "user_events", batch)
        must_build(settings, with_tests=False, variables=ALWAYS_CHANGES, select=PEOPLE)
        for table in ("person_events", "person_sessions", "user_days"):
            place = f"{settings.dataset.schema}_intermediate.{table}"
            found = rows(etl, f"select distinct person_id from {place} order by 1")
            assert [row["person_id"] for row in found] == people, table


def test_an_exposure_that_names_user_and_device_moves_what_the_device_did(warehouse: Settings, etl: Client) -> None:
    settings = for_dataset(warehouse, "moving_by_exposures")
    migrate(etl, settings.dataset)

    def seen(number: int, user: str, **more: object) -> dict[str, object]:
        at = datetime(2026, 3, 1, number)
        row = {"event_id": uuid_of(number), "event_at": at, "received_at": at, "user_id": user}
        return row | {"anonymous_id": "d1"} | more

    def shown(number: int, user: str) -> dict[str, object]:
        return seen(number, user, experiment_id="trial_offer", arm="control")

    batches = [
        ("user_events", seen(1, "", event_name="page_view"), ["anonymous:d1"], []),
        ("experiment_exposures", shown(2, ""), ["anonymous:d1"], ["anonymous:d1"]),
        ("experiment_exposures", shown(3, "ada"), ["ada"], ["ada"]),
        ("experiment_exposures", shown(4, "bob"), ["anonymous:d1"], ["ada", "anonymous:d1", "bob"]),
    ]
    for table, row, visitors, exposed in batches:
        insert(etl, settings.dataset, table, [row])
        must_build(settings, with_tests=False, variables=ALWAYS_CHANGES, select=[*PEOPLE, "+experiment_people"])
        people = {"person_events": visitors, "person_sessions": visitors, "user_days": visitors}
        for name, expected in (people | {"person_exposures": exposed, "experiment_people": exposed}).items():
            place = f"{settings.dataset.schema}_intermediate.{name}"
            found = rows(etl, f"select distinct person_id from {place} order by 1")
            assert [row["person_id"] for row in found] == expected, name


def test_an_event_follows_its_run_from_delivery_to_delivery_and_without_an_id_has_none(
    warehouse: Settings, etl: Client
) -> None:
    settings = for_dataset(warehouse, "nameless_runs")
    migrate(etl, settings.dataset)
    arrivals = (datetime(2026, 6, 1) + timedelta(hours=hour) for hour in itertools.count())
    marts = ["+calculator_usage", "+calculator_steps", "+calculator_errors"]

    def did(number: int, run: str, action: str) -> dict[str, object]:
        row = {"event_id": uuid_of(number), "event_at": datetime(2026, 3, number, 12), "received_at": next(arrivals)}
        return row | {"calculation_id": run, "calculator": "vat", "action": action, "step_number": number}

    batches = [
        ([did(1, "r1", "step"), did(2, "r1", "step"), did(3, "", "error"), did(4, "", "step")], {"r1": [1, 2]}),
        ([did(2, "", "step")], {"r1": [1]}),
        ([did(1, "", "step"), did(3, "r2", "error"), did(5, "", "step")], {"r2": [3]}),
        ([did(4, "r1", "step"), did(5, "r2", "step")], {"r1": [4], "r2": [3, 5]}),
    ]
    seen = {"event_id": uuid_of(9), "event_name": "page_view", "event_at": datetime(2026, 3, 9, 12), "user_id": "ada"}
    insert(etl, settings.dataset, "user_events", [seen | {"received_at": datetime(2026, 6, 1)}])
    for batch, runs in batches:
        insert(etl, settings.dataset, "calculator_usage", batch)
        must_build(settings, with_tests=False, variables=ALWAYS_CHANGES, select=marts)
        place = f"{settings.dataset.schema}_intermediate.calculator_runs"
        found = rows(etl, f"select calculation_id, step_events.step_number as steps from {place}")
        assert {row["calculation_id"]: list(row["steps"]) for row in found} == runs
    batched = contents(etl, settings)
    must_build(settings, full_refresh=True, with_tests=False, select=marts)
    assert set(differing(batched, contents(etl, settings))) <= LIVE


#: What is read of the money that people paid, with all that it is made of.
MONEY_OF_PEOPLE = ["+users", "+user_features", "+cohort_members", "+conversion_paths"]


def test_a_refund_that_names_nobody_follows_its_order_from_batch_to_batch(warehouse: Settings, etl: Client) -> None:
    settings = for_dataset(warehouse, "given_back")
    migrate(etl, settings.dataset)

    def seen(number: int, day: date, user: str, device: str) -> dict[str, object]:
        at = datetime(day.year, day.month, day.day, 12)
        row = {"event_id": uuid_of(number), "event_name": "page_view", "event_at": at, "received_at": at}
        return row | {"user_id": user, "anonymous_id": device}

    def paid(
        number: int, day: date, amount: int, user: str = "", device: str = "", **more: object
    ) -> dict[str, object]:
        row = seen(number, day, user, device) | {
            "event_type": "charge" if amount > 0 else "refund",
            "amount": Decimal(amount),
        }
        del row["event_name"]
        return row | {"currency": "USD", "order_id": "", "refunded_order_id": "", "received_at": next(arrivals)} | more

    arrivals = (datetime(2026, 6, 1) + timedelta(hours=hour) for hour in itertools.count())
    january, february, march, april = (date(2026, month, 10) for month in (1, 2, 3, 4))
    batches: list[tuple[list[dict[str, object]], list[dict[str, object]], dict[str, int]]] = [
        (  # an order of a device, one without an id, and much else that stays, also one of a device that stays unknown
            [seen(n, january, f"u{n}", f"e{n}") for n in range(1, 30)],
            [
                paid(101, january, 100, device="d1", order_id="o1"),
                paid(102, january, 50, "eve"),
                paid(100, january, 8, device="d9", order_id="o9"),
                *(paid(110 + n, january, 1, f"u{n}", order_id=f"p{n}") for n in range(1, 20)),
            ],
            {"eve": 50},
        ),
        (  # refunds come
            [],
            [
                paid(103, january, -40, refunded_order_id="o1"),
                paid(104, january, -20, refunded_order_id=str(uuid_of(102))),
                paid(105, january, -7, device="d2", refunded_order_id=str(uuid_of(102))),
                paid(106, january, -3, refunded_order_id="o2"),
            ],
            {"eve": 23},
        ),
        (  # the device of an order is identified, another order comes late
            [seen(40, february, "ada", "d1")],
            [paid(107, march, 9, "ned", order_id="o2")],
            {"eve": 23, "ada": 60, "ned": 6},
        ),
        (  # the device of a refund is seen with two users at once, on different days; the one of the order has two now
            [seen(41, february, "fay", "d2"), seen(42, april, "gil", "d2"), seen(43, april, "bob", "d1")],
            [],
            {"eve": 23, "ned": 6},
        ),
        # the refund of an order that was ada's until then comes late
        ([], [paid(108, february, -5, refunded_order_id="o1")], {"eve": 23, "ned": 6}),
        # an earlier charge makes the order somebody else's; the one without an id changes hands; a refund is corrected
        (
            [],
            [
                paid(109, date(2026, 1, 9), 1, "cyd", order_id="o1"),
                paid(102, january, 50, "dan"),
                paid(106, january, -3, refunded_order_id="p1"),
            ],
            {"cyd": -44, "dan": 23, "ned": 9, "u1": -2},
        ),
    ]  # fmt: skip
    past = partial(company_of, etl, settings.dataset)
    for product, money, worth in batches:
        insert(etl, settings.dataset, "user_events", product)
        insert(etl, settings.dataset, "revenue_events", money)
        must_build(settings, with_tests=False, variables=ALWAYS_CHANGES, select=MONEY_OF_PEOPLE)
        found = rows(
            etl,
            f"select person_id, net_revenue from {settings.dataset.schema}.users"
            " where net_revenue != 0 and (not startsWith(person_id, 'u') or person_id = 'u1')",
        )
        assert {row["person_id"]: row["net_revenue"] for row in found} == {"u1": 1} | worth
        features = rows(etl, f"select * from {settings.dataset.schema}.user_features order by cutoff_date, user_id")
        assert differences(features, user_features(lambda day: past(as_of=day), past())) == []
    batched = contents(etl, settings)
    must_build(settings, full_refresh=True, with_tests=False, select=MONEY_OF_PEOPLE)
    assert set(differing(batched, contents(etl, settings))) <= LIVE
