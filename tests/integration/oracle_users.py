"""Oracle of the mart users, in plain Python, written from the definitions and never from the SQL.

Definitions: reference page semantics.md (identity, segments) and docs/retention.md.
"""

from collections import defaultdict
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from oracle_events import Row, Session, channel_of
from oracle_marts import Company, cents
from oracle_revenue import Book, in_time, origins, revenue_of

#: Which status speaks, where a customer has had several.
STATUSES = ("trial_ended", "cancelled", "trialing", "active")


def users(company: Company, activation: timedelta = timedelta(days=7)) -> list[dict[str, Any]]:
    """Rows of users, unordered."""
    money: dict[str, list[Row]] = defaultdict(list)
    for row in sorted(company.money, key=in_time):
        money[company.customer_of(row)].append(row)
    visits: dict[str, list[Session]] = defaultdict(list)
    for session in sorted(company.sessions, key=lambda session: in_time(session.events[0])):
        visits[session.person].append(session)
    orders: dict[str, list[Any]] = defaultdict(list)
    for customer, day, _ in company.orders().values():
        orders[customer].append(day)
    if company.last is None:
        return []
    seen, whence, book, revenue = _seen_with(company), origins(company), Book(company), revenue_of(company)
    terms, observed_until = _terms(book), book.observed_until()
    rows = []
    for person in {*company.people, *money, *revenue} - {""}:
        mine = (sorted(company.people.get(person, ()), key=in_time), visits[person], money[person])
        about = (
            _person(company, person, seen)
            | _touches(*mine[:2], revenue.get(person, []))
            | _activation(mine[0], activation, observed_until)
        )
        about |= _lifetime(company, *mine, sorted(orders[person])) | terms.get(person, terms[""])
        rows.append(about | {"first_country": whence[person][0], "as_of_date": company.last})
    return rows


def _seen_with(company: Company) -> dict[str, set[str]]:
    """The users of each anonymous id."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in company.signs:
        if row["anonymous_id"] and row["user_id"]:
            found[row["anonymous_id"]].add(row["user_id"])
    return found


def _person(company: Company, person: str, seen: dict[str, set[str]]) -> dict[str, Any]:
    known = not person.startswith("anonymous:")
    device = person.removeprefix("anonymous:")
    mine = [users for users in seen.values() if person in users] if known else [seen.get(device, {device})]
    shared = sum(len(users) > 1 for users in mine)
    return {
        "person_id": person,
        "user_id": person if known else None,
        "is_known": known,
        "devices": len(mine),
        "shared_devices": shared,
        "has_identity_conflict": shared > 0,
    }


def _touches(events: list[Row], visits: list[Session], revenue: list[Row]) -> dict[str, Any]:
    first, last = (visits[0].events[0], visits[-1].events[0]) if visits else (None, None)
    country = (last["country"] if last else "") or (revenue[-1]["country"] if revenue else "")
    placed = next((row for row in reversed(events) if row["region"] and row["country"]), None)
    return {
        "first_channel": channel_of(first) if first else "",
        "first_campaign": first["utm_campaign"] if first else "",
        "first_device_type": first["device_type"] if first else "",
        "last_channel": channel_of(last) if last else "",
        "last_campaign": last["utm_campaign"] if last else "",
        "country": country,
        "region": placed["region"] if placed and placed["country"] == country else "",
        "tax_residence": next((row["tax_residence"] for row in reversed(events) if row["tax_residence"]), ""),
        "first_touch_at": first["event_at"] if first else None,
        "last_touch_at": last["event_at"] if last else None,
        "last_event_at": events[-1]["event_at"] if events else None,
    }


def _activation(events: list[Row], window: timedelta, observed_until: datetime) -> dict[str, Any]:
    """Activated by a result from the sign-up to the end of the window; unknown while it is open."""
    signed_up = next((row["event_at"] for row in events if row["event_name"] == "sign_up"), None)
    if signed_up is None:
        return {"signed_up_at": None, "activated_at": None, "is_activated": None}
    results = [row["event_at"] for row in events if row["event_name"] == "calculator_completed"]
    result = min((at for at in results if signed_up <= at <= signed_up + window), default=None)
    activated = True if result else False if signed_up + window < observed_until else None
    return {"signed_up_at": signed_up, "activated_at": result, "is_activated": activated}


def _lifetime(
    company: Company, events: list[Row], visits: list[Session], money: list[Row], orders: list[Any]
) -> dict[str, Any]:
    days = sorted({company.day_of(row["event_at"]) for row in events})
    return {
        "active_days": len(days),
        "sessions": len(visits),
        "events": len(events),
        "orders": len(orders),
        "net_revenue": cents(sum((company.worth(row) for row in money), Fraction())),
        "first_active_date": days[0] if days else None,
        "last_active_date": days[-1] if days else None,
        "first_order_date": orders[0] if orders else None,
        "last_order_date": orders[-1] if orders else None,
    }


def _terms(book: Book) -> dict[str, dict[str, str]]:
    """Status, plan and billing period of every customer that has any; under the empty name, of those that have none."""
    found: dict[str, list[Any]] = defaultdict(list)
    for span in book.spans:
        status = "cancelled" if span.ended else "active"
        place = (span.row["event_at"], span.subscription, span.number)
        found[span.customer].append((STATUSES.index(status), place, span.row))
    for trial in book.trials():
        status = "trialing" if trial["outcome"] == "open" else "trial_ended"
        place = (trial["row"]["event_at"], trial["name"], trial["number"])
        found[book.owner[trial["name"]]].append((STATUSES.index(status), place, trial["row"]))
    terms = {"": {"subscription_status": "none", "plan": "", "billing_period": ""}}
    for customer, candidates in found.items():
        rank, _, row = max(candidates, key=lambda candidate: candidate[:2])
        current = STATUSES[rank] in ("trialing", "active")
        if customer:
            terms[customer] = {
                "subscription_status": STATUSES[rank],
                "plan": row["plan"] if current else "",
                "billing_period": row["billing_period"] if current else "",
            }
    return terms
