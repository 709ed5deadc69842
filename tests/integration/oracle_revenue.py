"""Oracle of subscriptions, recurring revenue, daily revenue, cohorts and lifetime value, written from the words.

Definitions: reference page semantics.md (revenue, RFM for lifetime value), docs/events.md and docs/revenue.md.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from oracle_events import Row, channel_of, end_of_day, engine_order
from oracle_marts import Company, cents, per, share

#: Changes of one moment take effect in this order.
KINDS = ("trial_started", "subscription_started", "plan_changed", "subscription_cancelled", "subscription_reactivated")
UP, DOWN = ("new", "reactivation", "expansion"), ("contraction", "churn")
NOTHING = Fraction()


def month_of(day: date) -> date:
    return day.replace(day=1)


def next_month(month: date) -> date:
    return month_of(month + timedelta(days=31))


def months_between(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first = next_month(first)


def partial_months(company: Company) -> set[date]:
    """Months that go on after the as-of date, or after whose end nothing was received."""
    if company.first is None:
        return set()
    newest, months = max(company.received), months_between(month_of(company.first), month_of(company.last))
    ends = {month: next_month(month) - timedelta(days=1) for month in months}
    return {m for m, last in ends.items() if last > company.last or end_of_day(last, company.time_zone) > newest}


def uncovered_months(company: Company) -> set[date]:
    """Partial months, and the one inside which the data begins."""
    return partial_months(company) | ({month_of(company.first)} if company.first and company.first.day > 1 else set())


def four_decimals(money: Fraction) -> Fraction:
    """Rounded to 1/10000, half away from zero; prices are never negative."""
    return Fraction((money * 10_000 + Fraction(1, 2)).__floor__(), 10_000)


def exact(money: Fraction, decimals: int) -> Decimal:
    """Money that fits without rounding."""
    scaled = money * 10**decimals
    assert scaled.denominator == 1
    return Decimal(scaled.numerator).scaleb(-decimals)


@dataclass
class Span:
    """One plan and price of a running subscription, and what its beginning does to the subscription's MRR."""

    subscription: str
    customer: str
    row: Row
    mrr: Fraction
    movement: str
    number: int
    ended: Row | None = None

    @property
    def subscriber(self) -> str:
        """Whose MRR it is: a subscription of nobody is a customer of its own."""
        return self.customer or f"subscription:{self.subscription}"

    def pays_just_before(self, moment: datetime) -> bool:
        return self.row["event_at"] < moment and (self.ended is None or self.ended["event_at"] >= moment)

    def pays_from(self, moment: datetime) -> bool:
        return self.row["event_at"] <= moment and (self.ended is None or self.ended["event_at"] > moment)

    @property
    def terms(self) -> tuple[Any, ...]:
        return tuple(self.row[name] for name in ("plan", "billing_period", "currency", "plan_price"))


@dataclass
class Subscription:
    """Replays the changes of one subscription."""

    name: str
    customer: str
    changes: list[Row]
    spans: list[Span] = field(default_factory=list)
    running: Span | None = None

    def replay(self) -> list[Span]:
        for row in self.changes:
            if row["event_type"] == "subscription_cancelled":
                self._end(row)
            elif row["event_type"] == "plan_changed" and self.running is None:
                continue  # nothing runs that could change
            elif row["event_type"] != "trial_started":
                self._run(row)
        return self.spans

    def _end(self, row: Row) -> None:
        if self.running:
            self.running.ended = row
            self.running = None

    def _run(self, row: Row) -> None:
        price = Fraction(row["plan_price"])
        mrr = four_decimals(price / 12 if row["billing_period"] == "year" else price)
        before = self.running
        span = Span(self.name, self.customer, row, mrr, "none", len(self.spans) + 1)
        if before and before.terms == span.terms:
            return
        abroad = before is not None and before.row["currency"] != row["currency"]
        worth = before.mrr if before else NOTHING
        if mrr != worth or (abroad and mrr):
            span.movement = self._movement(row, worth, mrr, abroad)
        if before:
            before.ended = row
        self.running = span
        self.spans.append(span)

    def _movement(self, row: Row, worth: Fraction, mrr: Fraction, abroad: bool) -> str:
        if not mrr:
            return "churn"
        if not worth:
            back = row["event_type"] == "subscription_reactivated" or any(span.mrr for span in self.spans)
            return "reactivation" if back else "new"
        return "expansion" if abroad or mrr > worth else "contraction"


class Book:
    """Everything about the subscriptions of a company."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.known_months: dict[datetime, date] = {}
        changes: dict[str, list[Row]] = defaultdict(list)
        for row in company.revenue:
            if row["event_type"] in KINDS:
                changes[row["subscription_id"] or str(row["event_id"])].append(row)
        self.changes = {
            name: sorted(rows, key=lambda r: (r["event_at"], KINDS.index(r["event_type"]), engine_order(r["event_id"])))
            for name, rows in changes.items()
        }
        self.owner = {
            name: next((who for row in rows if (who := company.customer_of(row))), "")
            for name, rows in self.changes.items()
        }
        self.spans = [
            span for name, rows in self.changes.items() for span in Subscription(name, self.owner[name], rows).replay()
        ]

    def month(self, row: Row) -> date:
        if row["event_at"] not in self.known_months:
            self.known_months[row["event_at"]] = month_of(self.company.day_of(row["event_at"]))
        return self.known_months[row["event_at"]]

    def observed_until(self) -> datetime:
        return min(end_of_day(self.company.last, self.company.time_zone), max(self.company.received))

    def trials(self, days: int = 14) -> list[dict[str, Any]]:
        """A start by the end of the trial converts it; a trial whose end is not observed is open."""
        found = []
        for name, rows in self.changes.items():
            begins = [n for n, row in enumerate(rows) if row["event_type"] == "trial_started"]
            for number, (begin, stop) in enumerate(zip(begins, [*begins[1:], len(rows)], strict=False), 1):
                ends = rows[begin]["event_at"] + timedelta(days=days)
                starts = [r["event_at"] for r in rows[begin:stop] if r["event_type"] == "subscription_started"]
                paid = starts[0] if starts and starts[0] <= ends else None
                outcome = "converted" if paid else "open" if ends >= self.observed_until() else "expired"
                found.append(
                    {"name": name, "row": rows[begin], "number": number, "ends": ends, "paid": paid, "outcome": outcome}
                )
        return found


def subscriptions(company: Company) -> list[dict[str, Any]]:
    """Rows of the mart, trials included."""
    book, found = Book(company), []
    trials = book.trials()
    for trial in trials:
        closed = None if trial["outcome"] == "open" else trial["paid"] or trial["ends"]
        about = _span_row(book, trial["name"], trial["row"], "trial", trial["number"], closed)
        found.append(about | _trial(trial) | {"status": f"trial_{trial['outcome']}"})
    for span in book.spans:
        before = [t for t in trials if t["name"] == span.subscription]
        before = [t for t in before if t["row"]["event_at"] <= span.row["event_at"]]
        ended = span.ended["event_type"] if span.ended else ""
        status = "cancelled" if ended == "subscription_cancelled" else "changed" if ended else "active"
        about = _span_row(book, span.subscription, span.row, "paid", span.number, span.ended and span.ended["event_at"])
        trial = _trial(max(before, key=lambda t: (t["row"]["event_at"], t["number"])) if before else None)
        about |= {"status": status, "movement": span.movement, "mrr": exact(span.mrr, 4)}
        about |= {"ended_reason": span.ended["reason"] if span.ended else ""}
        rate = _rate(company, span.row["currency"], span.row["event_at"]) if span.mrr else Fraction()
        about |= {"reporting_mrr": exact(span.mrr * rate, 12)}
        found.append(about | trial)
    return found


def _trial(trial: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "trial_outcome": trial["outcome"] if trial else "",
        "trial_started_at": trial["row"]["event_at"] if trial else None,
        "trial_converted_at": trial["paid"] if trial else None,
    }


def _span_row(book: Book, name: str, row: Row, kind: str, number: int, until: datetime | None) -> dict[str, Any]:
    copied = {column: row[column] for column in ("plan", "billing_period", "currency", "country", "plan_price")}
    return copied | {
        "subscription_id": name,
        "customer_id": book.owner[name],
        "span_kind": kind,
        "span_number": number,
        "movement": "none",
        "ended_reason": "",
        "mrr": Decimal(0),
        "reporting_mrr": Decimal(0),
        "valid_from": row["event_at"],
        "valid_to": until,
    }


def _rate(company: Company, currency: str, at: datetime) -> Fraction:
    return company.worth({"currency": currency, "amount": 1, "event_at": at})


def _rate_on(company: Company, currency: str, day: date) -> Fraction:
    return _rate(company, currency, end_of_day(day, company.time_zone) - timedelta(milliseconds=1))


@dataclass
class Month:
    """One customer and currency in one month: balances, subscriptions, and the amount of each movement."""

    subscriber: str
    currency: str
    start: Fraction
    end: Fraction
    subscriptions_start: int
    subscriptions_end: int
    by_event: dict[str, Fraction]
    net: dict[str, Fraction] = field(default_factory=dict)


@dataclass
class Subscriber:
    """A customer's paid spans, and what each moment at which one begins or ends does to the customer's MRR."""

    name: str
    spans: list[Span]

    def changes(self) -> Iterator[tuple[Row, str, str, Fraction]]:
        """An event of the moment, the currency, the movement and its size."""
        edges = {row["event_at"]: row for span in self.spans for row in (span.row, span.ended) if row}
        for moment in sorted(edges):
            before = [span for span in self.spans if span.pays_just_before(moment)]
            after = [span for span in self.spans if span.pays_from(moment)]
            for currency in {span.row["currency"] for span in self.spans}:
                change = in_currency(after, currency) - in_currency(before, currency)
                if change:
                    yield edges[moment], currency, self._movement(moment, before, after, change), abs(change)

    def _movement(self, moment: datetime, before: list[Span], after: list[Span], change: Fraction) -> str:
        if not before:
            paid = any(s.row["event_at"] < moment and s.pays_from(s.row["event_at"]) for s in self.spans)
            returns = any(
                s.row["event_at"] == moment and s.row["event_type"] == "subscription_reactivated" for s in self.spans
            )
            return "reactivation" if paid or returns else "new"
        if not after:
            return "churn"
        return "expansion" if change > 0 else "contraction"


def in_currency(spans: Iterable[Span], currency: str) -> Fraction:
    """MRR of spans in one currency."""
    return sum((span.mrr for span in spans if span.row["currency"] == currency), NOTHING)


class Recurring:
    """MRR by month in both bookings."""

    def __init__(self, company: Company) -> None:
        self.company, self.book = company, Book(company)
        paid = [span for span in self.book.spans if span.mrr]
        self.currencies = sorted({span.row["currency"] for span in paid})
        self.months = list(months_between(month_of(company.first), month_of(company.last))) if company.first else []
        self.known: dict[date, list[Month]] = {}
        self.partial = partial_months(company)
        self.by_subscriber: dict[str, list[Span]] = defaultdict(list)
        for span in paid:
            self.by_subscriber[span.subscriber].append(span)
        self.moved: dict[tuple[date, str, str], dict[str, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
        for name, spans in self.by_subscriber.items():
            for row, currency, movement, size in Subscriber(name, spans).changes():
                self.moved[self.book.month(row), name, currency][movement] += size

    def at_the_end(self, spans: list[Span], currency: str, month: date) -> list[Span]:
        """What runs when the month is over: what the last change in it, or before it, left."""
        return [
            span
            for span in spans
            if span.row["currency"] == currency
            and self.book.month(span.row) <= month
            and (span.ended is None or self.book.month(span.ended) > month)
        ]

    def entries(self, month: date) -> list[Month]:
        """All customers in all currencies in a month."""
        if month not in self.known:
            self.known[month] = self._entries(month)
        return self.known[month]

    def _entries(self, month: date) -> list[Month]:
        earlier = month_of(month - timedelta(days=1))
        found = []
        for name, spans in self.by_subscriber.items():
            mine = []
            for currency in self.currencies:
                before, after = (self.at_the_end(spans, currency, m) for m in (earlier, month))
                mine.append(
                    Month(
                        name,
                        currency,
                        in_currency(before, currency),
                        in_currency(after, currency),
                        len({span.subscription for span in before}),
                        len({span.subscription for span in after}),
                        dict(self.moved[month, name, currency]),
                    )
                )
            self._book_net(mine)
            found += mine
        return found

    def _book_net(self, mine: list[Month]) -> None:
        """What differs between the ends of the month, without what happened in between."""
        ran, runs = any(m.start for m in mine), any(m.end for m in mine)
        new = any(m.by_event.get("new") for m in mine)
        for month in mine:
            change = month.end - month.start
            if not ran:
                name = "new" if new else "reactivation"
            elif not runs:
                name = "churn"
            else:
                name = "expansion" if change > 0 else "contraction"
            month.net = {name: abs(change)} if change else {}

    def figures(self, booking: str, month: date, entries: list[Month], rates: Callable[[Month], tuple[Any, Any]],
                decimals: int) -> dict[str, Any]:  # fmt: skip
        """One row of a mart from the entries that it covers; `rates` are those of the start and of the month."""
        opening = {m.subscriber for m in entries if m.start}
        closing = {m.subscriber for m in self.entries(month) if m.end}

        def amount(movement: str, whose: Iterable[str] | None = None) -> Fraction:
            return sum(
                (
                    (m.by_event if booking == "event" else m.net).get(movement, NOTHING) * rates(m)[1]
                    for m in entries
                    if whose is None or m.subscriber in whose
                ),
                NOTHING,
            )

        start = sum((m.start * rates(m)[0] for m in entries), NOTHING)
        revalued = sum((m.start * rates(m)[1] for m in entries), NOTHING)
        end = sum((m.end * rates(m)[1] for m in entries), NOTHING)
        lost = amount("contraction", opening) + amount("churn", opening)
        counts = {
            "customers_start": len(opening),
            "churned_customers": len(opening - closing),
            "customers_end": len({m.subscriber for m in entries if m.end}),
            "subscriptions_start": sum(m.subscriptions_start for m in entries),
            "subscriptions_end": sum(m.subscriptions_end for m in entries),
        }
        money = {"mrr_start": start, "mrr_end": end}
        money |= {f"{name}_mrr": amount(name) for name in (*UP, *DOWN)}
        money |= {f"opening_{name}_mrr": amount(name, opening) for name in ("expansion", "contraction", "churn")}
        return {
            "booking": booking,
            "month": month,
            **{name: exact(value, decimals) for name, value in money.items()},
            **counts,
            "mrr_per_subscription": per(end, counts["subscriptions_end"]),
            "nrr": ratio(revalued + amount("expansion", opening) - lost, revalued),
            "grr": ratio(revalued - lost, revalued),
            "customer_churn_rate": share(counts["churned_customers"], counts["customers_start"]),
            "is_partial": month in self.partial,
            "exchange_effect": exact(revalued - start, decimals),
        }


def ratio(part: Fraction, whole: Fraction) -> float | None:
    """Of money to four decimals."""
    above, below = ten_thousandths(part), ten_thousandths(whole)
    return (above / 10_000) / (below / 10_000) if below else None


def ten_thousandths(money: Fraction) -> int:
    """Half of one away from zero."""
    size = (abs(money) * 10_000 + Fraction(1, 2)).__floor__()
    return -size if money < 0 else size


def mrr_movements(company: Company) -> list[dict[str, Any]]:
    """One row a booking, currency and month, movements or none."""
    recurring, found = Recurring(company), []
    for month in recurring.months:
        entries = recurring.entries(month)
        for currency in recurring.currencies:
            mine = [m for m in entries if m.currency == currency]
            for booking in ("event", "month_end"):
                row = recurring.figures(booking, month, mine, lambda _: (1, 1), 4)
                del row["exchange_effect"]
                found.append(row | {"currency": currency})
    return found


def mrr_movements_total(company: Company) -> list[dict[str, Any]]:
    """One row a booking and month, in the reporting currency at the rate of the month's last day."""
    recurring, found = Recurring(company), []
    for month in recurring.months if recurring.currencies else []:
        before, last = month - timedelta(days=1), min(next_month(month) - timedelta(days=1), company.last)
        rates = {
            currency: tuple(_rate_on(company, currency, day) for day in (before, last))
            for currency in recurring.currencies
        }
        for booking in ("event", "month_end"):
            row = recurring.figures(booking, month, recurring.entries(month), lambda m, r=rates: r[m.currency], 12)
            found.append(row | {"reporting_currency": company.currency})
    return found


#: The way from one balance to the next: the steps, with what they add to it.
STEPS = (
    ("opening", "mrr_start", 1), ("exchange_effect", "exchange_effect", 1), ("new", "new_mrr", 1),
    ("reactivation", "reactivation_mrr", 1), ("expansion", "expansion_mrr", 1), ("contraction", "contraction_mrr", -1),
    ("churn", "churn_mrr", -1),
)  # fmt: skip


def mrr_waterfall(company: Company) -> list[dict[str, Any]]:
    """One row a booking, month and step; the steps of a month add up to its closing balance."""
    found = []
    for row in mrr_movements_total(company):
        shared = {name: row[name] for name in ("booking", "month", "reporting_currency", "is_partial")}
        found += [
            shared | {"step": step, "step_number": number, "mrr_change": sign * row[column]}
            for number, (step, column, sign) in enumerate(STEPS, start=1)
        ]
    return found


def worth_of(company: Company, lines: Iterable[Row], column: str = "amount") -> Fraction:
    """Money in the reporting currency: what has the same rate, since of one day and currency, is added up first."""
    sums: dict[tuple[date, str], Decimal] = defaultdict(Decimal)
    moments: dict[tuple[date, str], datetime] = {}
    for row in lines:
        key = (company.day_of(row["event_at"]), row["currency"])
        sums[key] += row[column]
        moments[key] = row["event_at"]
    converted = (
        company.worth({"currency": key[1], "amount": total, "event_at": moments[key]}) for key, total in sums.items()
    )
    return sum(converted, NOTHING)


def revenue_daily(company: Company) -> list[dict[str, Any]]:
    """One row a day, currency, country, plan and kind of product."""
    cells: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    first: dict[str, Row] = {}
    for row in company.money:
        kind = "subscription" if row["subscription_id"] else "one_off"
        day = company.day_of(row["event_at"])
        cells[day, row["currency"], row["country"], row["plan"], kind].append(row)
        if row["event_type"] == "charge":
            order = row["order_id"] or str(row["event_id"])
            first[order] = min(first.get(order, row), row, key=lambda r: (r["event_at"], engine_order(r["event_id"])))
    firsts, newest = {row["event_id"] for row in first.values()}, max(company.received, default=datetime.min)
    found = []
    for (day, currency, country, plan, kind), rows in cells.items():
        of = {name: [r for r in rows if r["event_type"] == name] for name in ("charge", "refund", "adjustment")}
        own = {name: sum((r["amount"] for r in lines), Decimal()) for name, lines in of.items()}
        worth = {name: worth_of(company, lines) for name, lines in of.items()}
        tax = worth_of(company, rows, "tax_amount")
        found.append(
            {
                "revenue_date": day,
                "currency": currency,
                "country": country,
                "plan": plan,
                "kind": kind,
                "gross_amount": own["charge"],
                "refunded_amount": -own["refund"],
                "adjusted_amount": own["adjustment"],
                "net_amount": sum(own.values(), Decimal()),
                "tax_amount": sum((r["tax_amount"] for r in rows), Decimal()),
                "gross_revenue": cents(worth["charge"]),
                "refunds": cents(-worth["refund"]),
                "adjustments": cents(worth["adjustment"]),
                "net_revenue": cents(sum(worth.values(), NOTHING)),
                "tax_revenue": cents(tax),
                "orders": sum(r["event_id"] in firsts for r in rows),
                "paying_customers": len({company.customer_of(r) for r in of["charge"]} - {""}),
                "is_partial": end_of_day(day, company.time_zone) > newest,
            }
        )
    return found


def revenue_cohorts(company: Company) -> list[dict[str, Any]]:
    """One row a breakdown, segment, cohort and month since the first order."""
    months: dict[str, set[date]] = defaultdict(set)
    for customer, day, _ in company.orders().values():
        if customer:
            months[customer].add(month_of(day))
    lines: dict[tuple[str, date], list[Row]] = defaultdict(list)
    for row in company.money:
        lines[company.customer_of(row), month_of(company.day_of(row["event_at"]))].append(row)
    earned = {key: worth_of(company, rows) for key, rows in lines.items()}
    people, uncovered = origins(company), uncovered_months(company)
    members: dict[tuple[str, str, date], list[str]] = defaultdict(list)
    for customer, ordered in months.items():
        country, channel = people[customer]
        for part in (("overall", ""), ("country", country), ("channel", channel)):
            members[*part, min(ordered)].append(customer)
    found = []
    for (breakdown, segment, cohort), customers in members.items():
        total = NOTHING
        for since, month in enumerate(months_between(cohort, month_of(company.last))):
            revenue = sum((earned.get((customer, month), NOTHING) for customer in customers), NOTHING)
            total += revenue
            about = {"breakdown": breakdown, "segment": segment, "cohort_month": cohort, "months_since": since}
            about |= {"customers": len(customers), "is_cohort_partial": cohort in uncovered}
            figures = {
                "active_customers": sum(month in months[customer] for customer in customers),
                "net_revenue": cents(revenue),
                "cumulative_revenue": cents(total),
                "revenue_per_customer": per(total, len(customers)),
            }
            is_mature = month not in uncovered
            found.append(about | (figures if is_mature else dict.fromkeys(figures)) | {"is_mature": is_mature})
    return found


def revenue_of(company: Company) -> dict[str, list[Row]]:
    """Lines of money and changes of subscriptions of every customer, in time; who owns a subscription has all of it."""
    book, found = Book(company), defaultdict(list)
    for row in company.money:
        found[company.customer_of(row)].append(row)
    for name, changes in book.changes.items():
        found[book.owner[name]] += changes
    return {customer: sorted(rows, key=in_time) for customer, rows in found.items() if customer}


def in_time(row: Row) -> Any:
    """The order of events: by time, then by id."""
    return (row["event_at"], engine_order(row["event_id"]))


def origins(company: Company) -> dict[str, tuple[str, str]]:
    """Country and channel of everybody's first event; the country of the first revenue where that names none."""
    visits = {person: min(rows, key=in_time) for person, rows in company.people.items()}
    revenue = revenue_of(company)
    return {
        person: (
            (visits[person]["country"] if person in visits else "")
            or (revenue[person][0]["country"] if person in revenue else ""),
            channel_of(visits[person]) if person in visits else "",
        )
        for person in {*visits, *revenue} - {""}
    }


def ltv_summary(company: Company) -> list[dict[str, Any]]:
    """One row a customer with an order."""
    everything: dict[str, list[tuple[date, datetime, Fraction]]] = defaultdict(list)
    one_off: dict[str, list[tuple[date, datetime, Fraction]]] = defaultdict(list)
    charges: dict[str, list[Row]] = defaultdict(list)
    for row in company.money:
        if row["event_type"] == "charge":
            charges[row["order_id"] or str(row["event_id"])].append(row)
    for order, (customer, _, _) in company.orders().items():
        for lines, target in (
            (charges[order], everything),
            ([r for r in charges[order] if not r["subscription_id"]], one_off),
        ):
            if customer and lines:
                at = min(r["event_at"] for r in lines)
                target[customer].append((company.day_of(at), at, worth_of(company, lines)))
    return [
        {"customer_id": customer, "first_order_date": min(days)[0], "as_of_date": company.last}
        | _summary(company, days, "")
        | _summary(company, one_off.get(customer, []), "one_off_")
        | _exact(company, one_off.get(customer, []))
        for customer, days in everything.items()
    ]


def _summary(company: Company, orders: list[tuple[date, datetime, Fraction]], prefix: str) -> dict[str, Any]:
    money: dict[date, Fraction] = defaultdict(Fraction)
    for day, _, amount in orders:
        money[day] += amount
    first, *repeats = sorted(money) or [None]
    last = repeats[-1] if repeats else first
    return {
        f"{prefix}x": len(repeats) if first else None,
        f"{prefix}t_x": (last - first).days if first and last else None,
        f"{prefix}T": (company.last - first).days if first else None,
        f"{prefix}monetary_mean": per(sum((money[day] for day in repeats), NOTHING), len(repeats)),
    }


def _exact(company: Company, orders: list[tuple[date, datetime, Fraction]]) -> dict[str, Any]:
    moments = sorted(at for _, at, _ in orders)
    end = end_of_day(company.last, company.time_zone)
    return {
        "one_off_repeat_orders": len(moments) - 1 if moments else None,
        "one_off_exact_t_x": in_days(moments[-1] - moments[0]) if moments else None,
        "one_off_exact_T": in_days(end - moments[0]) if moments else None,
    }


def in_days(time: timedelta) -> float:
    """Days to the millisecond."""
    return (time // timedelta(milliseconds=1)) / 86_400_000
