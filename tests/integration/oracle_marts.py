"""Oracle of the marts kpi_daily and rfm, in plain Python, written from the definitions and never from the SQL."""

import csv
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from oracle_events import Row, cut_sessions, day_cutter, each_once, end_of_day, identities, person_of
from oracle_kpi import kpi_daily_figures

Money = Fraction
SEEDS = Path(__file__).parents[2] / "dbt_project" / "seeds"


def cents(money: Money) -> Decimal:
    """Rounded to the cent, half a cent away from zero."""
    size = (abs(money) * 100 + Fraction(1, 2)).__floor__()
    return Decimal(-size if money < 0 else size).scaleb(-2)


def per(money: Money, pieces: int) -> Decimal | None:
    """Money per piece, None without pieces."""
    return cents(money / pieces) if pieces else None


def share(part: int, whole: int) -> float | None:
    """A ratio, None of nothing."""
    return part / whole if whole else None


def exchange_rates() -> list[tuple[str, str, date, Fraction]]:
    """The seed: reporting currency, currency, first day, rate."""
    with (SEEDS / "exchange_rates.csv").open() as file:
        return [
            (r["reporting_currency"], r["currency"], date.fromisoformat(r["valid_from"]), Fraction(r["rate"]))
            for r in csv.DictReader(file)
        ]


@dataclass
class Company:
    """All raw rows of one data set, and the choices under which it is looked at."""

    user_events: list[Row]
    revenue_events: list[Row]
    calculator_usage: list[Row] = field(default_factory=list)
    experiment_exposures: list[Row] = field(default_factory=list)
    performance_metrics: list[Row] = field(default_factory=list)
    time_zone: str = "UTC"
    currency: str = "USD"
    as_of: date | None = None
    gap: timedelta = timedelta(minutes=30)

    def __post_init__(self) -> None:
        self.day_of = cache(day_cutter(self.time_zone))
        self.received = [row["received_at"] for row in each_once([*self.user_events])]
        self.received += [row["received_at"] for row in each_once([*self.revenue_events])]
        events, revenue = each_once(self.user_events), each_once(self.revenue_events)
        usage, exposures = each_once(self.calculator_usage), each_once(self.experiment_exposures)
        days = [self.day_of(row["event_at"]) for row in (*events, *revenue)]
        self.first = min(days, default=None)
        self.last = (self.as_of or max(days)) if days else None
        self.events, self.revenue = self._seen(events), self._seen(revenue)
        #: Every event that may say whose a device is.
        self.signs = [*self.events, *self.revenue, *self._seen(usage), *self._seen(exposures)]
        self.known = identities(self.signs)
        self.people: dict[str, list[Row]] = defaultdict(list)
        for row in self.events:
            if person := person_of(row, self.known):
                self.people[person].append(row)
        self.sessions = cut_sessions(self.people, self.gap)
        self.money = [row for row in self.revenue if row["event_type"] in ("charge", "refund", "adjustment")]
        self.first_charges = self._first_charges()
        self.rates = exchange_rates()

    def _seen(self, rows: list[Row]) -> list[Row]:
        return [row for row in rows if self.last and self.day_of(row["event_at"]) <= self.last]

    def worth(self, row: Row) -> Money:
        """Money of a line in the reporting currency at the rate of the day; nothing is nothing in every currency."""
        if not row["amount"]:
            return Fraction()
        return Fraction(row["amount"]) * self.rate_of(row["currency"], self.day_of(row["event_at"]))

    def rate_of(self, currency: str, day: date) -> Fraction:
        """Rate of the day into the reporting currency: of the seed, or through a third currency, to eight decimals."""
        if any(rate[:2] == (self.currency, currency) for rate in self.rates):
            return self._in_force(self.currency, currency, day)
        if currency == self.currency:
            return Fraction(1)
        third = min(rate[0] for rate in self.rates if rate[1] == self.currency)
        crossed = self._in_force(third, currency, day) / self._in_force(third, self.currency, day)
        return Fraction(int(crossed * 10**8 + Fraction(1, 2)), 10**8)

    def _in_force(self, into: str, currency: str, day: date) -> Fraction:
        known = [rate for rate in self.rates if rate[:2] == (into, currency) and rate[2] <= day]
        return max(known, key=lambda rate: rate[2])[3] if into != currency else Fraction(1)

    def customer_of(self, row: Row) -> str:
        """The known user, or the one that the device identifies as, or nobody.

        A refund that names neither belongs to the customer of the order that it gives back.
        """
        own = str(row["user_id"] or self.known.get(row["anonymous_id"], ""))
        if own or row["event_type"] != "refund" or row["refunded_order_id"] not in self.first_charges:
            return own
        return self.customer_of(self.first_charges[row["refunded_order_id"]])

    def orders(self) -> dict[str, tuple[str, date, datetime]]:
        """Customer, day and moment of every order: the charges that share an id, taken at the first of them."""
        first = self._first_charges()
        return {o: (self.customer_of(r), self.day_of(r["event_at"]), r["event_at"]) for o, r in first.items()}

    def _first_charges(self) -> dict[str, Row]:
        """The first of the charges that share the id of an order."""
        charges: dict[str, list[Row]] = defaultdict(list)
        for row in self.money:
            if row["event_type"] == "charge":
                charges[row["order_id"] or str(row["event_id"])].append(row)
        return {
            order: min(rows, key=lambda r: (r["event_at"], r["event_id"].int & (2**64 - 1), r["event_id"].int >> 64))
            for order, rows in charges.items()
        }


def kpi_daily(company: Company) -> list[dict[str, Any]]:
    """Rows of kpi_daily by day."""
    if company.first is None or company.last is None:
        return []
    facts, more = _Facts(company), kpi_daily_figures(company, cents)
    days = [company.first + timedelta(days=n) for n in range((company.last - company.first).days + 1)]
    return [facts.row(day) | more[day] for day in days]


class _Facts:
    """Everything that a day's row is counted from, in dictionaries by day."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.active: dict[date, set[str]] = defaultdict(set)
        self.days_of: dict[str, set[date]] = defaultdict(set)
        self.signed_up: dict[str, date] = {}
        for person, rows in company.people.items():
            for row in rows:
                day = company.day_of(row["event_at"])
                self.active[day].add(person)
                self.days_of[person].add(day)
                if row["event_name"] == "sign_up":
                    self.signed_up[person] = min(day, self.signed_up.get(person, day))
        self.orders = company.orders()
        self.lines: dict[date, list[Row]] = defaultdict(list)
        for row in company.money:
            self.lines[company.day_of(row["event_at"])].append(row)
        self.visits: dict[date, list[int]] = defaultdict(list)
        for session in company.sessions:
            self.visits[company.day_of(session.events[0]["event_at"])].append(len(session.events))
        self.first_order: dict[str, date] = {}
        for customer, day, _ in self.orders.values():
            if customer:
                self.first_order[customer] = min(day, self.first_order.get(customer, day))
        self.orders_on: dict[date, int] = defaultdict(int)
        for _, day, _ in self.orders.values():
            self.orders_on[day] += 1

    def window(self, day: date, length: int) -> set[str]:
        """People active on one of the `length` days that end on `day`."""
        return set().union(*(self.active.get(day - timedelta(days=n), set()) for n in range(length)))

    def row(self, day: date) -> dict[str, Any]:
        """One row of the mart."""
        company, dau, week = self.company, len(self.active.get(day, ())), self.window(day, 7)
        mau = len(self.window(day, 30))
        recent = {day - timedelta(days=n) for n in range(7)}
        lines, visits, orders = self.lines.get(day, []), self.visits.get(day, []), self.orders_on.get(day, 0)
        sums = {kind: sum((company.worth(r) for r in lines if r["event_type"] == kind), Fraction()) for kind in
                ("charge", "adjustment", "refund")}  # fmt: skip
        net = sum(sums.values(), Fraction())
        payers = {company.customer_of(r) for r in lines if r["event_type"] == "charge"} - {""}
        new = {customer for customer, first in self.first_order.items() if first == day}
        return {
            "kpi_date": day,
            "reporting_currency": company.currency,
            "dau": dau,
            "wau": len(week),
            "mau": mau,
            "dau_mau_ratio": share(dau, mau),
            "sticky_users": sum(len(self.days_of[person] & recent) >= 3 for person in week),
            "new_users": sum(min(self.days_of[person]) == day for person in self.active.get(day, ())),
            "sign_ups": sum(first == day for first in self.signed_up.values()),
            "sessions": len(visits),
            "bounced_sessions": visits.count(1),
            "bounce_rate": share(visits.count(1), len(visits)),
            "orders": orders,
            "paying_users": len(payers),
            "conversions": len(new),
            "active_conversions": len(new & self.active.get(day, set())),
            "conversion_rate": share(len(new & self.active.get(day, set())), dau),
            "gross_revenue": cents(sums["charge"]),
            "adjustments": cents(sums["adjustment"]),
            "refunds": cents(-sums["refund"]),
            "net_revenue": cents(net),
            "aov": per(sums["charge"], orders),
            "arpu": per(net, dau),
            "arppu": per(net, len(payers)),
            "is_partial": end_of_day(day, company.time_zone) > max(company.received),
            "is_monthly_window_partial": (day - company.first).days < 29,
        }


def quantile_bins(values: dict[str, Any], bins: int) -> dict[str, int]:
    """Bin of each value between the quantiles k/bins of Hyndman and Fan's definition 1, closed on the right.

    The quantile p is the smallest value such that at least a share p of all values is not larger; a value falls into
    the first bin whose upper edge is not below it.
    """
    ordered = sorted(values.values())
    edges = [ordered[-(-k * len(ordered) // bins) - 1] for k in range(1, bins + 1)] if ordered else []
    return {name: next(k for k, edge in enumerate(edges, 1) if value <= edge) for name, value in values.items()}


def rfm(company: Company, bins: int = 5) -> list[dict[str, Any]]:
    """Rows of rfm by customer."""
    bought: dict[str, list[date]] = defaultdict(list)
    for customer, day, _ in company.orders().values():
        if customer:
            bought[customer].append(day)
    spent: dict[str, Money] = defaultdict(Fraction)
    for row in company.money:
        spent[company.customer_of(row)] += company.worth(row)
    recency = {customer: (company.last - max(days)).days for customer, days in bought.items()}
    frequency = {customer: len(days) for customer, days in bought.items()}
    monetary = {customer: cents(spent[customer]) for customer in bought}
    r, f, m = (quantile_bins(values, bins) for values in (recency, frequency, monetary))
    with (SEEDS / "rfm_segments.csv").open() as file:
        names = {(int(s["recency_score"]), int(s["frequency_score"])): s["segment"] for s in csv.DictReader(file)}
    return [
        {
            "customer_id": customer,
            "segment": names[bins + 1 - r[customer], f[customer]],
            "recency_days": recency[customer],
            "frequency": frequency[customer],
            "monetary": monetary[customer],
            "monetary_per_order": per(spent[customer], frequency[customer]),
            "recency_score": bins + 1 - r[customer],
            "frequency_score": f[customer],
            "monetary_score": m[customer],
            "first_order_date": min(days),
            "last_order_date": max(days),
            "as_of_date": company.last,
        }
        for customer, days in sorted(bought.items())
    ]
