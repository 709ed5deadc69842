"""Rows that do not belong to one person: cost of campaigns, readings of machines, the market."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from simulator.columns import ids, low, money, stamps
from simulator.draws import Floats, Ints, generator, repeat_ranges, uuids
from simulator.horizon import DAY_MS, HOUR_MS, MINUTE_MS
from simulator.scenario import Scenario

#: Machines report in pieces of this many days, so that memory stays bounded.
_PIECE_DAYS = 30


def spend_table(scenario: Scenario, clicks: Ints) -> pa.Table:
    """Cost of campaigns from the paid clicks that arrived: `clicks` by country, day and source.

    One line a day, campaign and country with at least one click, in US dollars, cents exact.
    """
    rules, random = scenario.world.spend, generator(scenario.seed, "spend")
    cpc = np.array([source.cpc_usd for _, source in scenario.sources])
    country, day, source = np.nonzero(clicks * (cpc > 0))
    billed = 1 + np.floor(clicks[country, day, source] * rules.unseen_clicks).astype(np.int64) - 1
    billed = np.maximum(billed, clicks[country, day, source])
    price = cpc[source] * np.exp(rules.price_spread * random.standard_normal(len(source)))
    cents = np.floor(billed * price * 100 + 0.5).astype(np.int64)
    seen = billed + np.floor(billed * (1 / rules.click_rate - 1) * random.uniform(0.8, 1.2, len(source))).astype(
        np.int64
    )
    dates = np.datetime64(scenario.horizon.first) + day
    return pa.table(
        {
            "event_id": ids(uuids(scenario.seed, "marketing_spend", np.arange(len(source)))),
            "spend_date": pa.array(dates, pa.date32()),
            "received_at": stamps(scenario.horizon.start + (day + 1) * DAY_MS + 6 * HOUR_MS),
            "channel": low([channel for channel, _ in scenario.sources], source),
            "campaign": low([s.utm_campaign for _, s in scenario.sources], source),
            "country": low(scenario.countries, country),
            "currency": low(["USD"], np.zeros(len(source), dtype=np.int64)),
            "spend": money(cents * 100),
            "impressions": pa.array(seen.astype(np.uint64)),
            "clicks": pa.array(billed.astype(np.uint64)),
        }
    )


METRICS = ("cpu_percent", "memory_percent", "disk_percent", "up")


def machine_tables(scenario: Scenario) -> Iterator[pa.Table]:
    """Readings of all machines, in pieces of some days."""
    horizon, every = scenario.horizon, scenario.world.machines.every_minutes * MINUTE_MS
    for piece, begin in enumerate(range(horizon.start, horizon.end, _PIECE_DAYS * DAY_MS)):
        moments = np.arange(begin, min(begin + _PIECE_DAYS * DAY_MS, horizon.end), every)
        yield _machine_table(scenario, piece, moments)


def _machine_table(scenario: Scenario, piece: int, moments: Ints) -> pa.Table:
    hosts = scenario.world.machines.hosts
    random = generator(scenario.seed, "machines", piece)
    moment, host, metric = (
        grid.ravel() for grid in np.meshgrid(moments, np.arange(len(hosts)), np.arange(len(METRICS)), indexing="ij")
    )
    value = _readings(scenario, random, moment, host, metric)
    keys = (moment // MINUTE_MS * len(hosts) + host) * len(METRICS) + metric
    return pa.table(
        {
            "event_id": ids(uuids(scenario.seed, "system_metrics", keys)),
            "event_at": stamps(moment),
            "received_at": stamps(moment + 500),
            "host": low(hosts, host),
            "service": low([], np.full(len(host), -1)),
            "metric": low(METRICS, metric),
            "unit": low(["percent", "boolean"], np.where(metric == METRICS.index("up"), 1, 0)),
            "value": pa.array(value),
        }
    )


def _readings(scenario: Scenario, random: np.random.Generator, moment: Ints, host: Ints, metric: Ints) -> Floats:
    rules, horizon = scenario.world.machines, scenario.horizon
    weights = np.array([country.weight for country in scenario.world.countries.values()])
    load = (scenario.arrivals * weights[:, None]).sum(axis=0)[horizon.day_of(moment)] / weights.sum()
    noise = random.standard_normal(len(moment))
    passed = (moment - horizon.start) / (horizon.end - horizon.start)
    cpu, memory, disk = rules.cpu_percent, rules.memory_percent, rules.disk_percent
    value = np.select(
        [metric == 0, metric == 1, metric == 2],
        [
            cpu.idle + cpu.per_load * load + cpu.noise * noise,
            memory.idle + memory.per_load * load + memory.noise * noise,
            disk.first + (disk.last - disk.first) * passed + disk.noise * noise,
        ],
        1.0,
    )
    for stretch, incident in scenario.incidents:
        now = stretch.holds(moment) & ((host == rules.hosts.index(incident.host)) if incident.host else True)
        for number, name in enumerate(("cpu_percent", "disk_percent")):
            reading = getattr(incident, name)
            if reading is not None:
                value = np.where(now & (metric == 2 * number), reading + 0.5 * noise, value)
        if incident.kind == "outage":
            value = np.where(now & (metric == 3) & (host == 0), 0.0, value)
    readings: Floats = np.round(np.clip(value, 0, 100), 2)
    return readings


def market_tables(scenario: Scenario) -> dict[str, pa.Table]:
    """What scrapers saw: prices, features and search facts of competitors, and the market's demand."""
    return {
        "competitor_pricing": _prices(scenario),
        "competitor_features": _features(scenario),
        "competitor_seo": _search_positions(scenario),
        "market_trends": _trends(scenario),
    }


def _sightings(scenario: Scenario, purpose: str, things: int, every_days: int) -> tuple[Ints, Ints]:
    """Which thing was seen when: once in so many days, shortly after two o'clock UTC, some days missed."""
    random = generator(scenario.seed, f"sightings/{purpose}")
    days = np.arange(0, scenario.horizon.days, every_days)
    thing, number = repeat_ranges(np.full(things, len(days), dtype=np.int64))
    moment = scenario.horizon.start + days[number] * DAY_MS + 2 * HOUR_MS + random.integers(0, HOUR_MS, len(thing))
    seen = random.random(len(thing)) >= scenario.world.sightings.missed
    return thing[seen], moment[seen]


def _sighting_columns(
    scenario: Scenario, table: str, moment: Ints, competitor: list[str], thing: Ints
) -> dict[str, pa.Array]:
    urls = {name: c.url for name, c in scenario.world.competitors.items()}
    return {
        "event_id": ids(uuids(scenario.seed, table, np.arange(len(moment)))),
        "event_at": stamps(moment),
        "received_at": stamps(moment + 900),
        "competitor": low(competitor, thing),
        "source_url": low([urls[name] for name in competitor], thing),
    }


def price_steps(scenario: Scenario) -> list[tuple[str, str, str, int, int]]:
    """All prices of competitors: competitor, plan, period, moment from which it holds, 1/10000 of the currency."""
    steps = []
    for name, competitor in scenario.world.competitors.items():
        for plan, periods in competitor.prices.items():
            for period, amount in periods.items():
                steps.append((name, plan, str(period), 0, int(amount * 10_000)))
                steps += [
                    (name, plan, str(period), scenario.horizon.moment(change.at), int(change.amount * 10_000))
                    for change in competitor.changes
                    if (change.plan, change.billing_period) == (plan, period)
                ]
    return steps


def _prices(scenario: Scenario) -> pa.Table:
    steps = price_steps(scenario)
    offers = list(dict.fromkeys(step[:3] for step in steps))
    thing, moment = _sightings(scenario, "prices", len(offers), scenario.world.sightings.every_days)
    amount = np.zeros(len(thing), dtype=np.int64)
    for name, plan, period, begin, price in steps:
        amount = np.where((thing == offers.index((name, plan, period))) & (moment >= begin), price, amount)
    names = [name for name, *_ in offers]
    rivals = [scenario.world.competitors[name] for name in names]
    evidence = [f"{rivals[number].currency} {price / 10_000:.2f}" for number, price in zip(thing, amount, strict=True)]
    columns = _sighting_columns(scenario, "competitor_pricing", moment, names, thing)
    return pa.table(
        {
            **columns,
            "country": low([rival.country for rival in rivals], thing),
            "plan": low([plan for _, plan, _ in offers], thing),
            "billing_period": low([period for *_, period in offers], thing),
            "currency": low([rival.currency for rival in rivals], thing),
            "amount": money(amount),
            "tax_flag": low(["included"], np.zeros(len(thing), dtype=np.int64)),
            "evidence": pa.array(evidence, pa.string()),
        }
    )


def _features(scenario: Scenario) -> pa.Table:
    offers = [(name, feature) for name, c in scenario.world.competitors.items() for feature in c.features]
    thing, moment = _sightings(scenario, "features", len(offers), scenario.world.sightings.features_every_days)
    values = np.array([scenario.world.competitors[name].features[feature] for name, feature in offers], dtype=object)[
        thing
    ]
    for name, competitor in scenario.world.competitors.items():
        for change in competitor.feature_changes:
            now = (thing == offers.index((name, change.feature))) & (moment >= scenario.horizon.moment(change.at))
            values[now] = change.value
    columns = _sighting_columns(scenario, "competitor_features", moment, [name for name, _ in offers], thing)
    return pa.table(
        {
            **columns,
            "feature": low([feature for _, feature in offers], thing),
            "value": pa.array(values, pa.string()),
            "evidence": pa.array([f"{offers[t][1]}: {v}" for t, v in zip(thing, values, strict=True)], pa.string()),
        }
    )


def _search_positions(scenario: Scenario) -> pa.Table:
    offers = [(name, keyword) for name in scenario.world.competitors for keyword in scenario.world.keywords]
    thing, moment = _sightings(scenario, "positions", len(offers), scenario.world.sightings.features_every_days)
    random = generator(scenario.seed, "positions")
    mean = np.array([scenario.world.competitors[name].position for name, _ in offers])[thing]
    columns = _sighting_columns(scenario, "competitor_seo", moment, [name for name, _ in offers], thing)
    rivals = [scenario.world.competitors[name] for name, _ in offers]
    return pa.table(
        {
            **columns,
            "country": low([rival.country for rival in rivals], thing),
            "metric": low(["position"], np.zeros(len(thing), dtype=np.int64)),
            "keyword": low([keyword for _, keyword in offers], thing),
            "numeric_value": pa.array(np.maximum(np.round(mean + random.standard_normal(len(thing))), 1.0)),
        }
    )


def _trends(scenario: Scenario) -> pa.Table:
    """Weekly search interest by topic and country, following the country's season."""
    rules, random = scenario.world.trends, generator(scenario.seed, "trends")
    weeks = max(1, scenario.horizon.days // 7)
    topic, country, week = (
        grid.ravel()
        for grid in np.meshgrid(
            np.arange(len(rules.topics)), np.arange(len(scenario.countries)), np.arange(weeks), indexing="ij"
        )
    )
    days = min(7, scenario.horizon.days)
    level = np.stack([scenario.intensity[:, w * 7 : w * 7 + days].mean(axis=1) for w in range(weeks)], axis=1)
    value = np.clip(
        rules.interest_at_mean * level[country, week] + rules.noise * random.standard_normal(len(week)), 0, 100
    )
    return pa.table(
        {
            "event_id": ids(uuids(scenario.seed, "market_trends", np.arange(len(week)))),
            "period_start": pa.array(np.datetime64(scenario.horizon.first) + week * 7, pa.date32()),
            "received_at": stamps(scenario.horizon.start + week * 7 * DAY_MS + days * DAY_MS),
            "topic": low(rules.topics, topic),
            "country": low(scenario.countries, country),
            "metric": low(["search_interest"], np.zeros(len(week), dtype=np.int64)),
            "value": pa.array(np.round(value)),
            "source_url": low(["https://trends.example/"], np.zeros(len(week), dtype=np.int64)),
        }
    )
