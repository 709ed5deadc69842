"""Recomputes the simulator's truth from raw rows alone, in plain Python and without a line of the simulator."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

Row = dict[str, Any]

QUIET = timedelta(minutes=30)
JOURNEY = ("page_view", "calculator_started", "calculator_completed", "sign_up", "trial_started", "purchase")


def each_once(rows: list[Row]) -> list[Row]:
    """The delivery of each event that arrived last."""
    newest: dict[Any, Row] = {}
    for row in rows:
        kept = newest.get(row["event_id"])
        if kept is None or row["received_at"] > kept["received_at"]:
            newest[row["event_id"]] = row
    return list(newest.values())


def deliveries(rows: list[Row]) -> dict[str, int]:
    first: dict[Any, Row] = {}
    for row in rows:
        kept = first.get(row["event_id"])
        if kept is None or row["received_at"] < kept["received_at"]:
            first[row["event_id"]] = row
    late = sum(row["received_at"] - row["event_at"] >= timedelta(hours=1) for row in first.values())
    return {"planted": len(first), "deliveries": len(rows), "repeats": len(rows) - len(first), "late": late}


def resolve(events: list[Row]) -> dict[Any, str]:
    """Whose each event is: the user, else the only user of the device, else the device."""
    users = defaultdict(set)
    for event in events:
        if event["user_id"]:
            users[event["anonymous_id"]].add(event["user_id"])
    return {
        event["event_id"]: event["user_id"]
        or (
            next(iter(users[event["anonymous_id"]]))
            if len(users[event["anonymous_id"]]) == 1
            else event["anonymous_id"]
        )
        for event in events
    }


def identities(events: list[Row]) -> Counter[tuple[str, str]]:
    return Counter((event["anonymous_id"], event["user_id"]) for event in events if event["user_id"])


def days(events: list[Row], revenue: list[Row]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = defaultdict(lambda: defaultdict(int))
    sets: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    owner, first_of_session, moments = resolve(events), {}, defaultdict(list)
    for event in events:
        day, who = str(event["event_at"].date()), owner[event["event_id"]]
        found[day]["events"] += 1
        found[day]["sign_ups"] += event["event_name"] == "sign_up"
        sets[day]["visitors"].add(who)
        if event["user_id"]:
            sets[day]["known_users"].add(event["user_id"])
        session = event["session_id"]
        first_of_session[session] = min(first_of_session.get(session, event["event_at"]), event["event_at"])
        moments[who].append(event["event_at"])
    for moment in first_of_session.values():
        found[str(moment.date())]["sessions"] += 1
    for times in moments.values():
        times.sort()
        for before, now in zip([None, *times], times, strict=False):
            if before is None or now - before > QUIET:
                found[str(now.date())]["sessions_by_inactivity"] += 1
    for day, columns in sets.items():
        found[day] |= {name: len(members) for name, members in columns.items()}
    _add_money(found, revenue)
    return found


def _add_money(found: dict[str, dict[str, Any]], revenue: list[Row]) -> None:
    orders: dict[str, datetime] = {}
    for line in revenue:
        if line["event_type"] not in ("charge", "refund"):
            continue
        kind = "gross" if line["event_type"] == "charge" else "refunds"
        money = found[str(line["event_at"].date())].setdefault(kind, defaultdict(Decimal))
        money[line["currency"]] += line["amount"]
        if kind == "gross":
            orders[line["order_id"]] = min(orders.get(line["order_id"], line["event_at"]), line["event_at"])
    for moment in orders.values():
        found[str(moment.date())]["orders"] += 1


def funnel(events: list[Row]) -> tuple[dict[str, int], dict[str, int]]:
    owner = resolve(events)
    first: dict[str, dict[str, datetime]] = defaultdict(dict)
    for event in events:
        times, name = first[owner[event["event_id"]]], event["event_name"]
        times[name] = min(times.get(name, event["event_at"]), event["event_at"])
    did = {name: sum(name in times for times in first.values()) for name in JOURNEY}
    in_order = dict.fromkeys(JOURNEY, 0)
    for times in first.values():
        before = datetime.min.replace(tzinfo=UTC)
        for name in JOURNEY:
            if name not in times or times[name] < before:
                break
            before = times[name]
            in_order[name] += 1
    return did, in_order


def calculators(usage: list[Row]) -> dict[str, Counter[str]]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    names = {"start": "started", "complete": "completed"}
    for row in usage:
        if row["action"] != "abandon":
            step = f"_{row['step_number']}" if row["action"] in ("step", "error") else ""
            counts[row["calculator"]][names.get(row["action"], row["action"]) + step] += 1
    return counts


MOVES = ("new", "expansion", "contraction", "churn", "reactivation")


def mrr(revenue: list[Row], end: datetime) -> dict[tuple[str, str], dict[str, Any]]:
    """Balances and movements by month and currency, from the changes of subscriptions alone."""
    changes = defaultdict(list)
    for line in sorted(revenue, key=lambda line: line["event_at"]):
        if line["event_type"] in (
            "subscription_started",
            "plan_changed",
            "subscription_cancelled",
            "subscription_reactivated",
        ):
            changes[line["subscription_id"]].append(line)
    first = min((line["event_at"] for line in revenue), default=end)
    months = [
        f"{n // 12}-{n % 12 + 1:02}" for n in range(first.year * 12 + first.month - 1, (end.year * 12 + end.month))
    ]
    found: dict[tuple[str, str], dict[str, Any]] = defaultdict(
        lambda: {
            "end": Decimal(0),
            "active": 0,
            "event": dict.fromkeys(MOVES, Decimal(0)),
            "month": dict.fromkeys(MOVES, Decimal(0)),
        }
    )
    for lines in changes.values():
        _add_subscription(found, lines, months)
    return found


def _add_subscription(found: dict[tuple[str, str], dict[str, Any]], lines: list[Row], months: list[str]) -> None:
    currency, level, at_end, started = lines[0]["currency"], Decimal(0), {}, ""
    for line in lines:
        month = line["event_at"].strftime("%Y-%m")
        after = Decimal(0) if line["event_type"] == "subscription_cancelled" else line["plan_price"]
        after = after / 12 if line["billing_period"] == "year" else after
        kind = {
            "subscription_started": "new",
            "subscription_cancelled": "churn",
            "subscription_reactivated": "reactivation",
        }
        name = kind.get(line["event_type"]) or ("expansion" if after >= level else "contraction")
        started = month if name == "new" else started
        found[month, currency]["event"][name] += after - level
        level = at_end[month] = after
    before = Decimal(0)
    for month in months:
        now = at_end.get(month, before)
        if not before:
            name = "new" if month == started else "reactivation"
        else:
            name = "churn" if not now else "expansion" if now >= before else "contraction"
        found[month, currency]["month"][name] += now - before
        found[month, currency]["end"] += now
        found[month, currency]["active"] += now > 0
        before = now


def experiments(
    exposures: list[Row], events: list[Row], revenue: list[Row], units: dict[str, tuple[str, str]]
) -> dict[tuple[str, str], Counter[str]]:
    """People, crossovers and outcomes by experiment and arm; `units` gives unit and metric of each experiment."""
    trial = {e["user_id"]: e["event_at"] for e in events if e["event_name"] == "trial_started"}
    paid = {
        r["user_id"]: r["event_at"]
        for r in revenue
        if r["event_type"] == "subscription_started" and r["user_id"] in trial
    }
    signed = {e["anonymous_id"]: e["event_at"] for e in events if e["event_name"] == "sign_up"}
    outcome = {"sign_up": signed, "trial": trial, "paid_after_trial": paid}
    seen: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in sorted(exposures, key=lambda row: row["event_at"]):
        key = "anonymous_id" if units[row["experiment_id"]][0] == "visitor" else "user_id"
        seen[row["experiment_id"], row[key]].append(row)
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for (name, who), rows in seen.items():
        count = counts[name, rows[0]["arm"]]
        if len({row["arm"] for row in rows}) > 1:
            count["crossovers"] += 1
            continue
        count["people"] += 1
        happened = outcome[units[name][1]].get(who)
        count["converted"] += happened is not None and happened > rows[0]["event_at"]
    return counts
