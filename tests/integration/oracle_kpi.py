"""Oracle of the key figures by day and dimension, in plain Python, written from docs/kpis.md and never from the SQL.

`Figures` counts people and rows themselves, day by day and window by window, so that running totals and differences of
the SQL are checked against counting.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache, cached_property
from typing import Any

from oracle_events import Row, each_once, end_of_day, engine_order

DIMENSIONS = ("all", "country", "channel", "plan", "device_type")
ACTIVATION, TRIAL, MONTH = timedelta(days=7), timedelta(days=14), timedelta(days=30)

#: Changes of a subscription in the order in which those of one moment take effect.
CHANGES = (
    "trial_started",
    "subscription_started",
    "plan_changed",
    "subscription_cancelled",
    "subscription_reactivated",
)

#: Values of (country, channel, plan, device).
Values = tuple[str, str, str, str]

#: Days of a dimension and value: dimension, value, first day, last day.
Part = tuple[str, str, date, date]

#: Dimensions in which requests count: they bear a country and nothing else.
DIMENSIONS_OF_REQUESTS = ("all", "country")


@dataclass(frozen=True)
class Span:
    """A stretch in which a subscription ran under the same terms; `last` is the day before the one that saw it end."""

    subscription: str
    owner: str
    customer: str
    plan: str
    currency: str
    country: str
    mrr: Fraction
    since: datetime
    first: date
    until: date | None

    def runs_at_end_of(self, day: date) -> bool:
        return self.first <= day and (self.until is None or day < self.until)


def monthly(price: Decimal, period: str) -> Fraction:
    """A twelfth of a yearly price, to four decimals, half away from zero."""
    if period != "year":
        return Fraction(price)
    size = math.floor(abs(Fraction(price)) / 12 * 10000 + Fraction(1, 2))
    return Fraction(-size if price < 0 else size, 10000)


class Figures:
    """Everything that the key figures of a company are counted from; `Figures.of` counts each company once."""

    @classmethod
    def of(cls, company: Any) -> "Figures":
        if not hasattr(company, "key_figures"):
            company.key_figures = cls(company)
        return company.key_figures  # type: ignore[no-any-return]

    def __init__(self, company: Any) -> None:
        self.company, self.day_of = company, company.day_of
        self.observed = (
            min(end_of_day(company.last, company.time_zone), max(company.received)) if company.last else None
        )
        self.visits: dict[str, list[Any]] = defaultdict(list)
        for session in company.sessions:
            self.visits[session.person].append(session)
        for sessions in self.visits.values():
            sessions.sort(key=lambda one: one.events[0]["event_at"])

    @cached_property
    def days(self) -> list[date]:
        first, last = self.company.first, self.company.last
        return [first + timedelta(days=n) for n in range((last - first).days + 1)] if first else []

    @cached_property
    def finished(self) -> set[date]:
        return {d for d in self.days if end_of_day(d, self.company.time_zone) <= max(self.company.received)}

    def is_mature(self, day: date, window: timedelta) -> bool:
        """Whether a window that opens on the day has closed for everybody, within what was observed."""
        return end_of_day(day, self.company.time_zone) + window <= self.observed

    # subscriptions

    @cached_property
    def changes(self) -> dict[str, list[Row]]:
        """Changes of each subscription, in the order in which they take effect."""
        found: dict[str, list[Row]] = defaultdict(list)
        for row in self.company.revenue:
            if row["event_type"] in CHANGES:
                found[row["subscription_id"] or str(row["event_id"])].append(row)
        for rows in found.values():
            rows.sort(key=lambda r: (r["event_at"], CHANGES.index(r["event_type"]), engine_order(r["event_id"])))
        return found

    @cached_property
    def spans(self) -> list[Span]:
        found = []
        for name, rows in self.changes.items():
            owner = next((who for row in rows if (who := self.company.customer_of(row))), "")
            running, opened = False, None
            for row in rows:
                if row["event_type"] == "trial_started":
                    continue
                ran = running
                if row["event_type"] != "plan_changed":
                    running = row["event_type"] != "subscription_cancelled"
                if not (running or ran):
                    continue
                if opened:
                    found.append(self._span(name, owner, opened, row))
                opened = row if running else None
            if opened:
                found.append(self._span(name, owner, opened, None))
        return found

    def _span(self, name: str, owner: str, row: Row, end: Row | None) -> Span:
        until = self.day_of(end["event_at"]) if end else None
        mrr = monthly(row["plan_price"], row["billing_period"])
        plan = row["plan"] or "none"
        since = row["event_at"]
        return Span(
            name,
            owner,
            owner or f"subscription:{name}",
            plan,
            row["currency"],
            row["country"],
            mrr,
            since,
            self.day_of(since),
            until,
        )

    @cached_property
    def spans_of(self) -> dict[str, list[Span]]:
        found: dict[str, list[Span]] = defaultdict(list)
        for span in self.spans:
            found[span.customer].append(span)
        return found

    def plan_of(self, person: str, day: date) -> str:
        """The newest terms that ran at the end of the day."""
        running = [span for span in self.spans_of.get(person, ()) if span.runs_at_end_of(day)]
        return max(running, key=lambda s: (s.since, s.subscription)).plan if running else "none"

    def trials(self) -> Iterable[tuple[Row, str, bool]]:
        """Each trial with its customer and whether it was paid in time."""
        for rows in self.changes.values():
            owner = next((who for row in rows if (who := self.company.customer_of(row))), "")
            for place, row in enumerate(rows):
                if row["event_type"] == "trial_started":
                    paid = None
                    for later in rows[place + 1 :]:
                        if later["event_type"] == "trial_started":
                            break
                        if later["event_type"] == "subscription_started":
                            paid = later["event_at"]
                            break
                    yield row, owner, paid is not None and paid <= row["event_at"] + TRIAL

    @cache  # noqa: B019
    def rate(self, currency: str, day: date) -> Fraction:
        """Rate of the day into the reporting currency."""
        return self.company.rate_of(currency, day)

    # values

    def newest_visit(self, person: str, day: date) -> Any:
        """The newest session that the person had begun by the end of the day."""
        return [s for s in self.visits[person] if self.day_of(s.events[0]["event_at"]) <= day][-1]

    @cached_property
    def active(self) -> dict[str, dict[date, Values]]:
        """Values of each person's active days."""
        found: dict[str, dict[date, Values]] = {}
        for person, rows in self.company.people.items():
            found[person] = {}
            for day in {self.day_of(row["event_at"]) for row in rows}:
                _, _, _, _, _, _, _, country, device, channel = self.newest_visit(person, day).row
                found[person][day] = (country, channel, self.plan_of(person, day), device)
        return found

    def came_by(self, customer: str) -> tuple[str, str]:
        """Channel and device of the customer's first session."""
        if not self.visits.get(customer):
            return "", ""
        *_, device, channel = self.visits[customer][0].row
        return channel, device

    def of_money(self, row: Row, customer: str) -> Values:
        channel, device = self.came_by(customer)
        return row["country"], channel, row["plan"] or "none", device

    @cached_property
    def paying(self) -> dict[str, dict[date, Values]]:
        """Values of the newest charge of each customer's paying days."""
        charges = [row for row in self.company.money if row["event_type"] == "charge" and self.company.customer_of(row)]
        found: dict[str, dict[date, Values]] = defaultdict(dict)
        for row in sorted(charges, key=lambda r: (r["event_at"], engine_order(r["event_id"]))):
            customer = self.company.customer_of(row)
            found[customer][self.day_of(row["event_at"])] = self.of_money(row, customer)
        return found

    # what adds up

    @cached_property
    def sums(self) -> dict[tuple[str, date], list[tuple[Values, Fraction]]]:
        """By measure and day: values and amounts."""
        found: dict[tuple[str, date], list[tuple[Values, Fraction]]] = defaultdict(list)

        def add(measure: str, day: date, values: Values, amount: Any = 1) -> None:
            found[measure, day].append((values, Fraction(amount)))

        company = self.company
        for person, days in self.active.items():
            for day, values in days.items():
                add("dau", day, values)
            add("new_users", min(days), days[min(days)])
            rows = company.people[person]
            signed_up = min((r["event_at"] for r in rows if r["event_name"] == "sign_up"), default=None)
            if signed_up is not None:
                day = self.day_of(signed_up)
                add("sign_ups", day, days[day])
                done = [r["event_at"] for r in rows if r["event_name"] == "calculator_completed"]
                add("activated_sign_ups", day, days[day], any(signed_up <= at <= signed_up + ACTIVATION for at in done))
        for session in company.sessions:
            _, person, started, _, events, _, _, country, device, channel = session.row
            day = self.day_of(started)
            values = (country, channel, self.plan_of(person, day), device)
            add("sessions", day, values)
            add("bounced_sessions", day, values, events == 1)
        first: dict[str, tuple[datetime, str, Row]] = {}
        for order, row in self.first_charges().items():
            customer = company.customer_of(row)
            add("orders", self.day_of(row["event_at"]), self.of_money(row, customer))
            if customer and (customer not in first or (row["event_at"], order) < first[customer][:2]):
                first[customer] = (row["event_at"], order, row)
        for customer, (moment, _, row) in first.items():
            day = self.day_of(moment)
            add("conversions", day, self.of_money(row, customer))
            if day in self.active.get(customer, {}):
                add("active_conversions", day, self.active[customer][day])
        kinds = {"charge": "gross_revenue", "adjustment": "adjustments", "refund": "refunds"}
        for row in company.money:
            day, values = self.day_of(row["event_at"]), self.of_money(row, company.customer_of(row))
            worth = company.worth(row)
            add(kinds[row["event_type"]], day, values, -worth if row["event_type"] == "refund" else worth)
            add("net_revenue", day, values, worth)
        for row, owner, converted in self.trials():
            channel, device = self.came_by(owner)
            values = (row["country"], channel, row["plan"] or "none", device)
            add("trials_started", self.day_of(row["event_at"]), values)
            add("trials_converted", self.day_of(row["event_at"]), values, converted)
        for row, day in self.requests:
            add("requests", day, (row["country"], "", "", ""))
            add("failed_requests", day, (row["country"], "", "", ""), row["status_code"] >= 500)
        return found

    def first_charges(self) -> dict[str, Row]:
        """The first charge of every order."""
        found: dict[str, Row] = {}
        charges = [row for row in self.company.money if row["event_type"] == "charge"]
        for row in sorted(charges, key=lambda r: (r["event_at"], engine_order(r["event_id"]))):
            found.setdefault(row["order_id"] or str(row["event_id"]), row)
        return found

    # balances at the end of a day

    @cached_property
    def subscribers(self) -> dict[str, list[Span]]:
        """Spans with recurring revenue by customer."""
        found: dict[str, list[Span]] = defaultdict(list)
        for span in self.spans:
            if span.mrr > 0:
                found[span.customer].append(span)
        return found

    @cache  # noqa: B019
    def balances_by_values(self, day: date) -> dict[Values, dict[str, Fraction]]:
        """Recurring revenue, subscriptions and what became of those who were customers thirty days before."""
        found: dict[Values, dict[str, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
        for spans in self.subscribers.values():
            now = [span for span in spans if span.runs_at_end_of(day)]
            before = [span for span in spans if span.runs_at_end_of(day - MONTH)]
            for span in now:
                cell = found[self._of_span(span)]
                cell["mrr"] += span.mrr * self.rate(span.currency, day)
                cell["active_subscriptions"] += 1
            if before:
                cell = found[self._of_span(max(before, key=lambda s: (s.since, s.subscription)))]
                cell["opening_customers"] += 1
                cell["churned_customers"] += not now
                for currency in {span.currency for span in now + before}:
                    rate = self.rate(currency, day)
                    opening = sum((span.mrr for span in before if span.currency == currency), Fraction())
                    closing = sum((span.mrr for span in now if span.currency == currency), Fraction())
                    cell["opening_mrr"] += opening * rate
                    cell["retained_mrr"] += closing * rate
                    cell["kept_mrr"] += min(opening, closing) * rate
        return found

    def balance(self, measure: str, day: date, dimension: str = "all", value: str = "") -> Fraction:
        cells = self.balances_by_values(day).items()
        return sum((cell[measure] for values, cell in cells if self.fits(values, dimension, value)), Fraction())

    def _of_span(self, span: Span) -> Values:
        channel, device = self.came_by(span.owner)
        return span.country, channel, span.plan, device

    @staticmethod
    def fits(values: Values, dimension: str, value: str) -> bool:
        return dimension == "all" or values[DIMENSIONS.index(dimension) - 1] == value

    # windows

    @cache  # noqa: B019
    def distinct_by_values(self, measure: str, start: date, end: date) -> Counter[Values]:
        """People seen in the window, each once, under the values of the newest day in it."""
        seen = self.active if measure == "dau" else self.paying
        newest: dict[str, Values] = {}
        for day in (start + timedelta(days=n) for n in range((end - start).days + 1)):
            for person in self._seen_on[measure].get(day, ()):
                newest[person] = seen[person][day]
        return Counter(newest.values())

    @cached_property
    def _seen_on(self) -> dict[str, dict[date, list[str]]]:
        found: dict[str, dict[date, list[str]]] = {"dau": defaultdict(list), "paying_users": defaultdict(list)}
        for measure, seen in (("dau", self.active), ("paying_users", self.paying)):
            for person, days in seen.items():
                for day in days:
                    found[measure][day].append(person)
        return found

    def distinct(self, measure: str, start: date, end: date, dimension: str = "all", value: str = "") -> int:
        found = self.distinct_by_values(measure, start, end).items()
        return sum(count for values, count in found if self.fits(values, dimension, value))

    @cache  # noqa: B019
    def total_by_values(self, measure: str, start: date, end: date) -> dict[Values, Fraction]:
        found: dict[Values, Fraction] = defaultdict(Fraction)
        for day in (start + timedelta(days=n) for n in range((end - start).days + 1)):
            if measure == "mau":
                for values, count in self.distinct_by_values("dau", day - timedelta(days=29), day).items():
                    found[values] += count
            for values, amount in self.sums.get((measure, day), ()):
                found[values] += amount
        return found

    def total(self, measure: str, start: date, end: date, dimension: str = "all", value: str = "") -> Fraction:
        """Sum over the days of a window."""
        cells = self.total_by_values(measure, start, end).items()
        return sum((amount for values, amount in cells if self.fits(values, dimension, value)), Fraction())

    def quantile(self, percent: int, *parts: Part) -> int | None:
        """The smallest whole millisecond within which so many percent of the requests of all parts were answered."""
        durations = sorted(
            duration
            for dimension, value, start, end in parts
            for country, days in self.durations.items()
            if dimension == "all" or country == value
            for n in range((end - start).days + 1)
            for duration in days.get(start + timedelta(days=n), ())
        )
        return durations[-(-percent * len(durations) // 100) - 1] if durations else None

    @cached_property
    def durations(self) -> dict[str, dict[date, list[int]]]:
        """Whole milliseconds of each country's and day's requests, rounded up."""
        found: dict[str, dict[date, list[int]]] = defaultdict(lambda: defaultdict(list))
        for row, day in self.requests:
            found[row["country"]][day].append(math.ceil(row["duration_ms"]))
        return found

    @cached_property
    def requests(self) -> list[tuple[Row, date]]:
        """Requests of the days of the data, each once, with its day."""
        dated = [(row, self.day_of(row["event_at"])) for row in each_once(self.company.performance_metrics)]
        return [(row, day) for row, day in dated if self.days and self.days[0] <= day <= self.days[-1]]

    @cache  # noqa: B019
    def values_of(self, dimension: str) -> list[str]:
        """All values that anything counts under."""
        if dimension == "all":
            return [""]
        place = DIMENSIONS.index(dimension) - 1
        found = {values[place] for (measure, day), rows in self.sums.items()
                 if dimension in DIMENSIONS_OF_REQUESTS or "requests" not in measure for values, _ in rows}  # fmt: skip
        found |= {values[place] for days in self.paying.values() for values in days.values()}
        spans = [s for s in self.spans if s.mrr > 0 and (s.until is None or s.first < s.until)]
        return sorted(found | {self._of_span(span)[place] for span in spans})


def money_ratio(above: Fraction, below: Fraction) -> float | None:
    """A ratio of two sums of money, each rounded to four decimals, half away from zero."""
    parts = [math.copysign(math.floor(abs(part) * 10**4 + Fraction(1, 2)) / 10**4, part) for part in (above, below)]
    return parts[0] / parts[1] if parts[1] else None


SUMS = ("new_users", "sign_ups", "sessions", "bounced_sessions", "orders", "conversions", "active_conversions",
        "trials_started")  # fmt: skip
MONEY = ("gross_revenue", "adjustments", "refunds", "net_revenue")
BALANCES = ("active_subscriptions", "opening_customers", "churned_customers")
BALANCES_OF_MONEY = ("mrr", "opening_mrr", "retained_mrr", "kept_mrr")


def kpi_breakdown_daily(company: Any, cents: Callable[[Fraction], Decimal]) -> list[Row]:
    """Rows of kpi_breakdown_daily by dimension, value and day."""
    figures = Figures.of(company)
    found = []
    for dimension in sorted(DIMENSIONS):
        for value in figures.values_of(dimension):
            for day in figures.days:
                found.append(_cell(figures, cents, dimension, value, day))
    return found


def _cell(figures: Figures, cents: Callable[[Fraction], Decimal], dimension: str, value: str, day: date) -> Row:
    here = (dimension, value)
    late = {"activated_sign_ups": ACTIVATION, "trials_converted": TRIAL}
    return {
        "dimension": dimension,
        "dimension_value": value,
        "kpi_date": day,
        "reporting_currency": figures.company.currency,
        "dau": figures.distinct("dau", day, day, *here),
        "wau": figures.distinct("dau", day - timedelta(days=6), day, *here),
        "mau": figures.distinct("dau", day - timedelta(days=29), day, *here),
        "paying_users": figures.distinct("paying_users", day, day, *here),
        **{name: int(figures.total(name, day, day, *here)) for name in SUMS},
        **{
            name: int(figures.total(name, day, day, *here)) if figures.is_mature(day, window) else None
            for name, window in late.items()
        },
        **{name: cents(figures.total(name, day, day, *here)) for name in MONEY},
        **{name: int(figures.balance(name, day, *here)) for name in BALANCES},
        **{name: cents(figures.balance(name, day, *here)) for name in BALANCES_OF_MONEY},
        **_requests(figures, dimension, value, day),
        "is_partial": day not in figures.finished,
    }


def _requests(figures: Figures, dimension: str, value: str, day: date) -> Row:
    """Requests of one day, where the dimension says anything about them."""
    if dimension not in DIMENSIONS_OF_REQUESTS:
        return dict.fromkeys(("requests", "failed_requests", "latency_p50_ms", "latency_p95_ms"))
    return {
        "requests": int(figures.total("requests", day, day, dimension, value)),
        "failed_requests": int(figures.total("failed_requests", day, day, dimension, value)),
        "latency_p50_ms": figures.quantile(50, (dimension, value, day, day)),
        "latency_p95_ms": figures.quantile(95, (dimension, value, day, day)),
    }


def kpi_daily_figures(company: Any, cents: Callable[[Fraction], Decimal]) -> dict[date, Row]:
    """The columns of kpi_daily about activation, subscriptions and requests, by day."""
    figures = Figures.of(company)
    return {day: _day(figures, cents, day) for day in figures.days}


def _day(figures: Figures, cents: Callable[[Fraction], Decimal], day: date) -> Row:
    balances = {name: figures.balance(name, day) for name in (*BALANCES, *BALANCES_OF_MONEY)}
    sign_ups, activated, trials, converted = (
        int(figures.total(name, day, day))
        for name in ("sign_ups", "activated_sign_ups", "trials_started", "trials_converted")
    )
    requests = _requests(figures, "all", "", day)
    activated_known, converted_known = figures.is_mature(day, ACTIVATION), figures.is_mature(day, TRIAL)
    opening, churned = int(balances["opening_customers"]), int(balances["churned_customers"])
    return {
        "activated_sign_ups": activated if activated_known else None,
        "activation_rate": activated / sign_ups if activated_known and sign_ups else None,
        "trials_started": trials,
        "trials_converted": converted if converted_known else None,
        "trial_conversion_rate": converted / trials if converted_known and trials else None,
        **{name: int(balances[name]) for name in BALANCES},
        **{name: cents(balances[name]) for name in BALANCES_OF_MONEY},
        "churn_rate": churned / opening if opening else None,
        "nrr": money_ratio(balances["retained_mrr"], balances["opening_mrr"]),
        "grr": money_ratio(balances["kept_mrr"], balances["opening_mrr"]),
        **requests,
        "error_rate": requests["failed_requests"] / requests["requests"] if requests["requests"] else None,
    }
