"""Oracle of the marketing marts, in plain Python, written from the definitions and never from the SQL.

Definitions: reference page semantics.md (attribution) and docs/marketing.md.
"""

import calendar
import csv
import itertools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

from oracle_events import Row, channel_of, each_once, end_of_day, engine_order, person_of
from oracle_marts import Company, cents

LOOK_BACK = timedelta(days=30)
HALF_LIFE = timedelta(days=7)
MODELS = ("first", "last", "last_non_direct", "linear", "position", "time_decay")
SEEDS = Path(__file__).parents[2] / "dbt_project" / "seeds"


@dataclass(frozen=True)
class Touch:
    """A session, as marketing sees it."""

    at: datetime
    channel: str
    campaign: str
    country: str


@dataclass(frozen=True)
class Booking:
    """A conversion, or money that follows from it on another day."""

    kind: str
    id: str
    person: str
    country: str
    conversions: int
    revenue: Fraction
    day: date
    at: datetime


def decimal(exact: Fraction) -> Decimal:
    """A fraction that has an end, without loss."""
    with localcontext(prec=80):
        return Decimal(exact.numerator) / Decimal(exact.denominator)


def rounded(exact: Fraction, digits: int) -> Decimal:
    """Rounded to so many decimals, half away from zero."""
    size = (abs(exact) * 10**digits + Fraction(1, 2)).__floor__()
    return Decimal(-size if exact < 0 else size).scaleb(-digits)


def quotient(above: Fraction, below: Fraction | int, digits: int) -> Decimal | None:
    """A rounded ratio, None of nothing."""
    return rounded(above / below, digits) if below else None


def month_of(day: date) -> date:
    return day.replace(day=1)


def conversion_kinds() -> list[dict[str, str]]:
    """The seed, which is configuration and not a definition."""
    with (SEEDS / "conversion_kinds.csv").open() as file:
        return list(csv.DictReader(file))


def touches_of(company: Company) -> dict[str, list[Touch]]:
    """Touches of every person in order of time."""
    found: dict[str, list[Touch]] = defaultdict(list)
    for session in company.sessions:
        entry = session.events[0]
        touch = Touch(entry["event_at"], channel_of(entry), entry["utm_campaign"], entry["country"])
        found[session.person].append(touch)
    return {person: sorted(touches, key=lambda touch: touch.at) for person, touches in found.items()}


def touchpoints(company: Company) -> list[tuple[Any, ...]]:
    """Person, number, session, moment and channel of every touch."""
    people = itertools.groupby(
        sorted(company.sessions, key=lambda s: (s.person, s.events[0]["event_at"])), key=lambda s: s.person
    )
    return [
        (person, number, session.events[0]["event_id"], session.events[0]["event_at"], channel_of(session.events[0]))
        for person, sessions in people
        for number, session in enumerate(sessions, 1)
    ]


def in_order(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row["event_at"], engine_order(row["event_id"])))


def bookings(company: Company) -> list[Booking]:
    """Everything that the seed calls a conversion, and all money."""
    found = []
    every_order, firsts = _orders(company), _first_orders(company)
    for kind in conversion_kinds():
        name, once = kind["conversion_kind"], kind["is_repeatable"] == "false"
        if kind["source"] == "order":
            found += [replace(order, kind=name) for order in every_order if not once or order.id in firsts]
        else:
            found += _events(company, kind, once)
    return found


def _events(company: Company, kind: dict[str, str], once: bool) -> list[Booking]:
    found = []
    for person, rows in company.people.items():
        mine = in_order(row for row in rows if row["event_name"] == kind["event_name"])
        for row in mine[: 1 if once else None]:
            day, at = company.day_of(row["event_at"]), row["event_at"]
            name = kind["conversion_kind"]
            found.append(Booking(name, str(row["event_id"]), person, row["country"], 1, Fraction(), day, at))
    return found


def _first_orders(company: Company) -> set[str]:
    """The first order of each customer."""
    firsts: dict[str, str] = {}
    for order, (customer, _, _) in sorted(company.orders().items(), key=lambda item: (item[1][2], item[0])):
        if customer:
            firsts.setdefault(customer, order)
    return set(firsts.values())


def _orders(company: Company) -> list[Booking]:
    """Money by order and day."""
    orders = company.orders()
    first_charge: dict[str, Row] = {}
    lines: dict[tuple[str, date], list[Row]] = defaultdict(list)
    for row in in_order(company.money):
        order = row["order_id"] or str(row["event_id"])
        if row["event_type"] == "charge":
            first_charge.setdefault(order, row)
        if row["event_type"] == "refund" and row["refunded_order_id"]:
            order = row["refunded_order_id"]
        lines[order, company.day_of(row["event_at"])].append(row)
    found = []
    for (order, day), rows in lines.items():
        _, order_day, at = orders.get(order, ("", None, rows[0]["event_at"]))
        person = person_of(first_charge[order], company.known) if order in first_charge else None
        revenue = sum((company.worth(row) for row in rows), Fraction())
        found.append(Booking("", order, person or "", rows[0]["country"], int(day == order_day), revenue, day, at))
    return found


def path_of(booking: Booking, touches: dict[str, list[Touch]]) -> list[Touch]:
    """Touches at or before the conversion and not longer than the look-back before it."""
    return [t for t in touches.get(booking.person, []) if timedelta() <= booking.at - t.at <= LOOK_BACK]


def shares(model: str, path: list[Touch]) -> list[Fraction]:
    """Share of each touch by the rule of the model."""
    n = len(path)
    if model in ("first", "last"):
        chosen = 0 if model == "first" else n - 1
        return [Fraction(int(k == chosen)) for k in range(n)]
    if model == "last_non_direct":
        chosen = max((k for k, touch in enumerate(path) if touch.channel != "direct"), default=n - 1)
        return [Fraction(int(k == chosen)) for k in range(n)]
    if model == "linear":
        return [Fraction(1, n)] * n
    if model == "position":
        if n < 3:
            return [Fraction(1, n)] * n
        return [Fraction(40, 100), *[Fraction(20, 100) / (n - 2)] * (n - 2), Fraction(40, 100)]
    # 2^(-days/7). Only ratios count once they are normalised, so days before the newest touch do as well as days before
    # the conversion; 30 binary digits of each count.
    newest = max(touch.at for touch in path)
    parts = [round(2.0 ** -((newest - touch.at) / HALF_LIFE) * 2**30) for touch in path]
    return [Fraction(part, sum(parts)) for part in parts]


def in_millionths(exact: list[Fraction]) -> list[int]:
    """Whole millionths that add up to one: what lies between the rounded-down sums before and after each share."""
    edges = [0, *(int(1_000_000 * so_far) for so_far in itertools.accumulate(exact))]
    return [after - before for before, after in itertools.pairwise(edges)]


def marketing_attribution(company: Company, booked: list[Booking]) -> list[dict[str, Any]]:
    """Rows of the mart by its key, from the bookings of the company."""
    touches = touches_of(company)
    cells: dict[tuple[Any, ...], list[Fraction]] = defaultdict(lambda: [Fraction(), Fraction()])
    for booking in booked:
        path = path_of(booking, touches) or [Touch(booking.at, "unattributed", "", booking.country)]
        for model in MODELS:
            for touch, part in zip(path, in_millionths(shares(model, path)), strict=True):
                if part:
                    key = (booking.kind, model, booking.day, touch.channel, touch.campaign, touch.country)
                    cells[key][0] += Fraction(part * booking.conversions, 1_000_000)
                    cells[key][1] += booking.revenue * part / 1_000_000
    names = ("conversion_kind", "attribution_model", "conversion_date", "channel", "campaign", "country")
    finished = _finished_days(company)
    return [
        {
            **dict(zip(names, key, strict=True)),
            "credited_conversions": decimal(credited),
            "credited_revenue": decimal(revenue),
            "is_partial": key[2] not in finished,
        }
        for key, (credited, revenue) in sorted(cells.items())
    ]


def marketing_spend_daily(company: Company, spend: list[Row]) -> list[dict[str, Any]]:
    """Rows of the mart by its key; `spend` holds raw deliveries."""
    cells: dict[tuple[Any, ...], list[Fraction]] = defaultdict(lambda: [Fraction(), Fraction(), Fraction()])
    for row in each_once(spend):
        if company.last is None or row["spend_date"] > company.last:
            continue
        cell = cells[row["spend_date"], row["channel"], row["campaign"], row["country"]]
        cell[0] += Fraction(row["spend"]) * company.rate_of(row["currency"], row["spend_date"])
        cell[1] += row["impressions"]
        cell[2] += row["clicks"]
    return [
        {
            "spend_date": day,
            "channel": channel,
            "campaign": campaign,
            "country": country,
            "reporting_currency": company.currency,
            "spend": decimal(spent),
            "impressions": int(impressions),
            "clicks": int(clicks),
        }
        for (day, channel, campaign, country), (spent, impressions, clicks) in sorted(cells.items())
    ]


def marketing_performance(
    company: Company, attribution: list[dict[str, Any]], spend: list[Row]
) -> list[dict[str, Any]]:
    """Rows of the mart by its key, from those of marketing_attribution."""
    sums: dict[tuple[Any, ...], dict[str, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
    for row in attribution:
        for period in _periods(row["conversion_date"]):
            cell = sums[(period[0], row["attribution_model"], period[1], row["channel"])]
            cell[row["conversion_kind"]] += Fraction(row["credited_conversions"])
            if row["conversion_kind"] == "order":
                cell["revenue"] += Fraction(row["credited_revenue"])
    for row in marketing_spend_daily(company, spend):
        for period, model in itertools.product(_periods(row["spend_date"]), MODELS):
            cell = sums[(period[0], model, period[1], row["channel"])]
            for name in ("spend", "impressions", "clicks"):
                cell[name] += Fraction(row[name])
    finished = _finished_days(company)
    return [_performance(company, finished, *key, cell) for key, cell in sorted(sums.items())]


def _periods(day: date) -> list[tuple[str, date]]:
    return [("day", day), ("month", month_of(day))]


def _finished_days(company: Company) -> set[date]:
    """Days of the data after whose end something was received."""
    if company.first is None or company.last is None:
        return set()
    newest = max(company.received)
    days = [company.first + timedelta(days=n) for n in range((company.last - company.first).days + 1)]
    return {day for day in days if end_of_day(day, company.time_zone) <= newest}


def _performance(
    company: Company,
    finished: set[date],
    kind: str,
    model: str,
    start: date,
    channel: str,
    cell: dict[str, Fraction],
) -> dict[str, Any]:
    return {
        "period_type": kind,
        "attribution_model": model,
        "period_start": start,
        "channel": channel,
        "reporting_currency": company.currency,
        "credited_sign_ups": decimal(cell["sign_up"]),
        "credited_trials": decimal(cell["trial_started"]),
        "new_customers": decimal(cell["first_purchase"]),
        "credited_orders": decimal(cell["order"]),
        "attributed_revenue": cents(cell["revenue"]),
        "marketing_spend": cents(cell["spend"]),
        "impressions": int(cell["impressions"]),
        "clicks": int(cell["clicks"]),
        "cac": quotient(cell["spend"], cell["first_purchase"], 2),
        "roas": quotient(cell["revenue"], cell["spend"], 4),
        "cpc": quotient(cell["spend"], cell["clicks"], 4),
        "ctr": quotient(cell["clicks"], cell["impressions"], 6),
        "is_partial": not finished.issuperset(_days_of_month(start) if kind == "month" else [start]),
    }


def _days_of_month(month: date) -> list[date]:
    return [month.replace(day=number + 1) for number in range(calendar.monthrange(month.year, month.month)[1])]


def attribution_disagreement(company: Company, attribution: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of the mart by its key, from those of marketing_attribution."""
    finished = _finished_days(company)
    credit: dict[tuple[str, date, str], dict[str, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
    total: dict[tuple[str, date], Fraction] = defaultdict(Fraction)
    for row in attribution:
        kind, month = row["conversion_kind"], month_of(row["conversion_date"])
        credit[kind, month, row["channel"]][row["attribution_model"]] += Fraction(row["credited_conversions"])
        if row["attribution_model"] == "linear":
            total[kind, month] += Fraction(row["credited_conversions"])
    found = []
    for (kind, month, channel), by_model in sorted(credit.items()):
        if total[kind, month]:
            share = {model: rounded(by_model[model] / total[kind, month], 6) for model in MODELS}
            low, high = min(MODELS, key=share.__getitem__), max(MODELS, key=share.__getitem__)
            found.append(
                {
                    "conversion_kind": kind,
                    "month": month,
                    "channel": channel,
                    "lowest_model": low,
                    "highest_model": high,
                    "conversions": decimal(total[kind, month]),
                    **{f"share_{model}": value for model, value in share.items()},
                    "min_share": share[low],
                    "max_share": share[high],
                    "share_spread": share[high] - share[low],
                    "is_partial": not finished.issuperset(_days_of_month(month)),
                }
            )
    return found


def unconverted(company: Company, booked: list[Booking]) -> list[tuple[str, str, list[Touch]]]:
    """Kind, person and touches of every path that did not convert."""
    moments: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for booking in booked:
        if booking.conversions:
            moments[booking.kind, booking.person].append(booking.at)
    found = []
    for kind, (person, touches) in itertools.product(conversion_kinds(), touches_of(company).items()):
        converted = moments[kind["conversion_kind"], person]
        path: list[Touch] = []
        previous = None
        for touch in touches:
            if kind["is_repeatable"] == "false" and converted and touch.at > min(converted):
                break
            converts = any(timedelta() <= at - touch.at <= LOOK_BACK for at in converted)
            if path and (converts or touch.at - previous.at > LOOK_BACK):
                found.append((kind["conversion_kind"], person, path))
                path = []
            if not converts:
                path.append(touch)
            previous = touch
        if path:
            found.append((kind["conversion_kind"], person, path))
    return found


def attribution_paths(company: Company, booked: list[Booking]) -> list[dict[str, Any]]:
    """Rows of the mart by its key, from the bookings of the company."""
    touches = touches_of(company)
    cells: dict[tuple[str, date, tuple[str, ...]], list[Fraction]] = defaultdict(lambda: [Fraction()] * 4)
    finished = _finished_days(company)
    for booking in booked:
        path = tuple(touch.channel for touch in path_of(booking, touches))
        cell = cells[booking.kind, month_of(booking.day), path]
        cells[booking.kind, month_of(booking.day), path] = [
            cell[0] + booking.conversions, cell[1], cell[2], cell[3] + booking.revenue
        ]  # fmt: skip
    if company.last:
        known_until = min(max(company.received), end_of_day(company.last, company.time_zone))
    for kind, _, path in unconverted(company, booked):
        key = (kind, month_of(company.day_of(path[-1].at)), tuple(touch.channel for touch in path))
        cell = cells[key]
        is_open = path[-1].at + LOOK_BACK >= known_until
        cells[key] = [cell[0], cell[1] + (not is_open), cell[2] + is_open, cell[3]]
    return [
        {
            "conversion_kind": kind,
            "month": month,
            "path": " > ".join(path),
            "channel_set": " + ".join(sorted(set(path))),
            "touches": len(path),
            "paths": int(sum(cell[:3])),
            "conversions": int(cell[0]),
            "null_paths": int(cell[1]),
            "open_paths": int(cell[2]),
            "conversion_value": decimal(cell[3]),
            "is_partial": not finished.issuperset(_days_of_month(month)),
        }
        for (kind, month, path), cell in sorted(cells.items(), key=lambda i: (i[0][0], i[0][1], " > ".join(i[0][2])))
    ]
