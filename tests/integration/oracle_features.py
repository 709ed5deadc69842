"""Oracle of the mart user_features: the company as it was known at the end of each cut-off day, looked at afresh.

Features of a cut-off are plain figures of a company that has seen nothing later: not an event, not an identification.
So look-ahead cannot hide in it. Written from the definitions and never from the SQL.
"""

import calendar
from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from oracle_events import Row, channel_of, end_of_day
from oracle_marts import Company, cents
from oracle_segments import Seasons, moment_key, newest

TRIAL_DAYS = 14

#: Changes of one moment take effect in this order.
CHANGES = (
    "trial_started",
    "subscription_started",
    "plan_changed",
    "subscription_cancelled",
    "subscription_reactivated",
)


def user_features(raw: Callable[[date], Company], today: Company) -> list[Row]:
    """Rows of user_features by cut-off and user; `raw` gives the company as of a day."""
    return [row for day in cutoffs(today) for row in features_at(raw(day), day, today)]


def cutoffs(today: Company) -> list[date]:
    """The last days of months, and the as-of date."""
    if today.first is None or today.last is None:
        return []
    days = [today.first + timedelta(n) for n in range((today.last - today.first).days + 1)]
    return [day for day in days if day == today.last or day.day == calendar.monthrange(day.year, day.month)[1]]


def features_at(past: Company, day: date, today: Company) -> list[Row]:
    """Features of everybody whom the company knew on a day."""
    lines: dict[str, list[Row]] = defaultdict(list)
    for row in past.money:
        lines[past.customer_of(row)].append(row)
    subscriptions = subscriptions_at(past, day)
    flags = {
        "is_as_of": day == today.last,
        "is_partial": end_of_day(day, today.time_zone) > max(today.received),
        "cutoff_date": day,
    }
    users = {person for person in past.people if not person.startswith("anonymous:")} | (lines.keys() - {""})
    return [
        {
            "user_id": user,
            **activity(past, user, day),
            **purchases(past, user, lines.get(user, []), day),
            **subscriptions.get(user, {"plan": "", "trial_state": "none", "mrr": Decimal("0.00")}),
            "tenure_days": (
                day - min(past.day_of(row["event_at"]) for row in (*past.people.get(user, []), *lines.get(user, [])))
            ).days,
            **flags,
        }
        for user in sorted(users)
    ]


def activity(past: Company, user: str, day: date) -> Row:
    """What the user did."""
    events = sorted(past.people.get(user, []), key=moment_key)
    days = sorted({past.day_of(row["event_at"]) for row in events})
    starts = [past.day_of(visit.events[0]["event_at"]) for visit in past.sessions if visit.person == user]
    signed_up = [past.day_of(row["event_at"]) for row in events if row["event_name"] == "sign_up"]
    country = newest(events, "country")

    def within(found: list[date], length: int) -> int:
        return sum((day - one).days < length for one in found)

    def named(name: str, length: int | None = None) -> int:
        found = [past.day_of(row["event_at"]) for row in events if row["event_name"] == name]
        return len(found) if length is None else within(found, length)

    moments = [past.day_of(row["event_at"]) for row in events]
    tools = {row["properties"].get("calculator", "") for row in events if row["event_name"] == "calculator_started"}
    return {
        "first_channel": channel_of(events[0]) if events else "",
        "first_device_type": events[0]["device_type"] if events else "",
        "country": country,
        "tax_residence": newest(events, "tax_residence"),
        "days_since_sign_up": (day - signed_up[0]).days if signed_up else None,
        "days_since_last_active": (day - days[-1]).days if days else None,
        "mean_days_between_active_days": (days[-1] - days[0]).days / (len(days) - 1) if len(days) > 1 else None,
        "active_days_7d": within(days, 7),
        "active_days_30d": within(days, 30),
        "active_days_90d": within(days, 90),
        "active_days": len(days),
        "active_days_change_30d": 2 * within(days, 30) - within(days, 60),
        "sessions_30d": within(starts, 30),
        "sessions_90d": within(starts, 90),
        "sessions": len(starts),
        "events_30d": within(moments, 30),
        "events_90d": within(moments, 90),
        "events": len(events),
        "page_views_90d": named("page_view", 90),
        "calculators_started_90d": named("calculator_started", 90),
        "calculators_completed_90d": named("calculator_completed", 90),
        "calculator_errors_90d": named("calculator_error", 90),
        "calculators_started": named("calculator_started"),
        "distinct_calculators": len(tools),
        "checkouts_started_90d": named("checkout_started", 90),
        **deadlines(country, day),
    }


def deadlines(country: str, day: date) -> dict[str, Any]:
    """Where the day lies between deadlines of the country's main form."""
    seasons = Seasons()
    due = sorted(due for _, is_main, due in seasons.of_country.get(country, []) if is_main)
    passed, coming = [d for d in due if d <= day], [d for d in due if d >= day]
    return {
        "days_since_last_deadline": (day - passed[-1]).days if passed else None,
        "days_to_next_deadline": (coming[0] - day).days if coming else None,
        "is_in_season": any(opens <= day <= closes for opens, closes in map(seasons.span, due)),
    }


def purchases(past: Company, user: str, lines: list[Row], day: date) -> Row:
    """What the user bought and got back."""
    ordered = sorted(bought for customer, bought, _ in past.orders().values() if customer == user)
    recent = [row for row in lines if (day - past.day_of(row["event_at"])).days < 90]
    back = [row for row in lines if row["event_type"] == "refund"]
    return {
        "orders_90d": sum((day - one).days < 90 for one in ordered),
        "orders": len(ordered),
        "days_since_last_order": (day - ordered[-1]).days if ordered else None,
        "net_revenue_90d": cents(sum((past.worth(row) for row in recent), Fraction())),
        "net_revenue": cents(sum((past.worth(row) for row in lines), Fraction())),
        "refunds": cents(-sum((past.worth(row) for row in back), Fraction())),
    }


def subscriptions_at(past: Company, day: date) -> dict[str, Row]:
    """Plan, revenue a month and trial of each user at the end of a day."""
    by_id: dict[str, list[Row]] = defaultdict(list)
    for row in past.revenue:
        if row["event_type"] in CHANGES:
            by_id[row["subscription_id"] or str(row["event_id"])].append(row)
    plans: dict[str, list[Any]] = defaultdict(list)
    trials: dict[str, list[Any]] = defaultdict(list)
    for name, rows in by_id.items():
        changes = sorted(rows, key=lambda r: (r["event_at"], CHANGES.index(r["event_type"]), *moment_key(r)[1]))
        owner = next((user for row in changes if (user := past.customer_of(row))), None)
        if owner is None:
            continue
        if terms := terms_after(changes):
            began, plan, monthly = terms
            currency = monthly[1]
            price = {"amount": Decimal(bool(monthly[0])), "currency": currency, "event_at": noon_of(past, day)}
            plans[owner].append(((began, name), plan, monthly[0] * past.worth(price)))
        trials[owner] += [(began, name, number, state) for began, number, state in trials_of(past, changes, day)]
    return {
        user: {
            "plan": max(plans[user])[1] if plans[user] else "",
            "mrr": cents(sum((worth for _, _, worth in plans[user]), Fraction())),
            "trial_state": max(trials[user])[3] if trials[user] else "none",
        }
        for user in plans.keys() | trials.keys()
    }


def noon_of(past: Company, day: date) -> Any:
    """A moment that belongs to the day in the company's time zone."""
    return end_of_day(day, past.time_zone) - timedelta(hours=12)


def terms_after(changes: list[Row]) -> tuple[Any, str, tuple[Fraction, str]] | None:
    """Since when the newest terms hold, the plan, and its price a month; None while nothing runs."""
    runs, held, began = False, None, None
    for row in changes:
        if row["event_type"] == "trial_started":
            continue
        ran = runs
        if row["event_type"] != "plan_changed":
            runs = row["event_type"] != "subscription_cancelled"
        terms = (row["plan"], row["billing_period"], row["currency"], row["plan_price"])
        if runs and (not ran or terms != held):
            began = row["event_at"]
        held = terms if runs else None
    if not runs or held is None:
        return None
    plan, period, currency, price = held
    monthly = Fraction(price) / 12 if period == "year" else Fraction(price)
    return began, plan, (Fraction((monthly * 10000 + Fraction(1, 2)).__floor__(), 10000), currency)


def trials_of(past: Company, changes: list[Row], day: date) -> list[tuple[Any, int, str]]:
    """Begin, number and state of each trial; a start of the subscription up to the very end of it converts it."""
    found: list[tuple[Any, int, list[Any]]] = []
    for row in changes:
        if row["event_type"] == "trial_started":
            found.append((row["event_at"], len(found) + 1, []))
        elif row["event_type"] == "subscription_started" and found:
            found[-1][2].append(row["event_at"])
    states = []
    for began, number, paid in found:
        ends = began + timedelta(TRIAL_DAYS)
        open_or_not = "expired" if past.day_of(ends) <= day else "running"
        states.append((began, number, "converted" if paid and min(paid) <= ends else open_or_not))
    return states
