"""Rows of revenue_events from subscriptions and one-off orders, with refunds."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from simulator.columns import Properties, chosen, ids, low, money, stamps, text
from simulator.draws import AnyArray, Ints, generator, hex_names, uuids
from simulator.horizon import DAY_MS
from simulator.life import Life
from simulator.people import People
from simulator.product_rows import CELL_KEYS
from simulator.scenario import Scenario
from simulator.subscriptions import KINDS

EVENT_TYPES = ("charge", "refund", "trial_started", *KINDS)
CHARGE, REFUND, TRIAL_STARTED, FIRST_CHANGE = range(4)
PERIODS = ("month", "year")


class Lines(NamedTuple):
    """One row a line of an order or a change; -1 where something does not apply, money in 1/10000."""

    type: Ints
    moment: Ints
    person: Ints
    order: Ints
    refunded: Ints
    subscription: Ints
    plan: Ints
    previous: Ints
    period: Ints
    price: Ints
    product: Ints
    amount: Ints
    reason: Ints


def _lines(count: int, **columns: AnyArray | int) -> Lines:
    defaults: Mapping[str, int] = dict.fromkeys(Lines._fields, -1) | {"price": 0, "amount": 0}
    chosen_columns: dict[str, AnyArray | int] = {**defaults, **columns}
    return Lines(
        *(np.broadcast_to(np.asarray(chosen_columns[name], dtype=np.int64), (count,)) for name in Lines._fields)
    )


class RevenueRows:
    """Builds revenue_events for one cell. Orders are numbered: charges of subscriptions first, one-off orders after."""

    def __init__(self, scenario: Scenario, life: Life) -> None:
        self.scenario, self.life = scenario, life
        self.charges = len(life.charges.get("moment", ()))
        self.orders = self.charges + len(life.orders.person)
        rules = scenario.world.one_off
        self.products = [
            *((p.id, p.name) for p in rules.products),
            (rules.add_on_product.id, rules.add_on_product.name),
        ]
        self.products += [(f"plan_{name}", f"Plan {name}") for name in scenario.world.plans]
        self.reasons = [*life.reasons, "refund_full", "refund_partial"]
        self.lines = self._all_lines()

    def _all_lines(self) -> Lines:
        parts = [self._trials(), self._changes(), self._charges(), self._one_off()]
        parts += [self._charge_refunds(), self._one_off_refunds(parts[3])]
        joined = Lines(*(np.concatenate(column) for column in zip(*parts, strict=True)))
        order = np.lexsort((joined.amount == 0, joined.moment))
        return Lines(*(column[order] for column in joined))

    def _trials(self) -> Lines:
        trials, people = self.life.trials, self.life.people
        currency = self.scenario.country_currency[people.country[trials.person]]
        price = self.scenario.price_at(trials.moment, trials.plan, trials.period, currency)
        return _lines(
            len(trials.person), type=TRIAL_STARTED, moment=trials.moment, person=trials.person,
            subscription=trials.person, plan=trials.plan, period=trials.period, price=price,
        )  # fmt: skip

    def _changes(self) -> Lines:
        rows = self.life.changes
        if not rows:
            return _lines(0)
        person = self.life.starts.person[rows["subscription"]]
        return _lines(
            len(person), type=FIRST_CHANGE + rows["kind"], moment=rows["moment"], person=person, subscription=person,
            plan=rows["plan"], previous=rows["previous"], period=rows["period"], price=rows["price"],
            reason=rows["reason"],
        )  # fmt: skip

    def _charges(self) -> Lines:
        rows = self.life.charges
        if not rows:
            return _lines(0)
        person = self.life.starts.person[rows["subscription"]]
        product = len(self.scenario.world.one_off.products) + 1 + rows["plan"]
        return _lines(
            len(person), type=CHARGE, moment=rows["moment"], person=person, order=np.arange(len(person)),
            product=product, subscription=person, plan=rows["plan"], period=rows["period"], price=rows["price"],
            amount=rows["amount"],
        )  # fmt: skip

    def _one_off(self) -> Lines:
        orders = self.life.orders
        number = self.charges + np.arange(len(orders.person))
        first = _lines(
            len(number), type=CHARGE, moment=orders.moment, person=orders.person, order=number, product=orders.product,
            amount=orders.amount - orders.add_on,
        )  # fmt: skip
        two = orders.add_on > 0
        second = _lines(
            int(two.sum()), type=CHARGE, moment=orders.moment[two], person=orders.person[two], order=number[two],
            product=len(self.scenario.world.one_off.products), amount=orders.add_on[two],
        )  # fmt: skip
        return Lines(*(np.concatenate(pair) for pair in zip(first, second, strict=True)))

    def _refunded(self, purpose: str, rate: float, moment: Ints) -> tuple[Ints, Ints, AnyArray]:
        """Which orders are given back inside the range, when, and whether in part."""
        rules = self.scenario.world.subscriptions
        random = generator(self.scenario.seed, f"refunds/{purpose}", self.life.people.cell)
        when = moment + (random.uniform(0.2, rules.refund_within_days, len(moment)) * DAY_MS).astype(np.int64)
        partial = random.random(len(moment)) < rules.partial_refund
        rows = np.flatnonzero((random.random(len(moment)) < rate) & (when < self.scenario.horizon.end))
        return rows, when[rows], partial[rows]

    def _given_back(self, amount: Ints, partial: AnyArray, person: Ints) -> Ints:
        """The whole amount or half of it, in whole coins."""
        coin = self.scenario.minor_unit[self.scenario.country_currency[self.life.people.country[person]]]
        return np.where(partial, np.maximum(amount // coin // 2, 1) * coin, amount)

    def _charge_refunds(self) -> Lines:
        charges = self._charges()
        rows, when, partial = self._refunded("subscriptions", self.scenario.world.subscriptions.refund, charges.moment)
        back = Lines(*(column[rows] for column in charges))
        amount = self._given_back(back.amount, partial, back.person)
        refund = self.orders + np.arange(len(rows))
        return back._replace(
            type=np.full(len(rows), REFUND), moment=when, order=refund, refunded=rows, amount=-amount,
            reason=np.where(partial, len(self.reasons) - 1, len(self.reasons) - 2),
        )  # fmt: skip

    def _one_off_refunds(self, lines: Lines) -> Lines:
        """Each line of the order is given back, or half of each."""
        orders = self.life.orders
        rows, when, partial = self._refunded("one_off", self.scenario.world.one_off.refund, orders.moment)
        place = np.full(self.orders, -1, dtype=np.int64)
        place[self.charges + rows] = np.arange(len(rows))
        back = Lines(*(column[place[lines.order] >= 0] for column in lines))
        which = place[back.order]
        amount = self._given_back(back.amount, partial[which], back.person)
        refund = self.orders + self.charges + which
        return back._replace(
            type=np.full(len(which), REFUND), moment=when[which], order=refund, refunded=back.order, amount=-amount,
            reason=np.where(partial[which], len(self.reasons) - 1, len(self.reasons) - 2),
        )  # fmt: skip

    def order_names(self, orders: Ints) -> pa.Array:
        """Names of orders and refunds; -1 is the empty text."""
        keys = self.life.people.cell * CELL_KEYS + np.maximum(orders, 0)
        names = text(hex_names("o", self.scenario.seed, "order", keys))
        return chosen(names, np.where(orders < 0, -1, np.arange(len(orders))))

    def table(self) -> pa.Table:
        """Rows of revenue_events in the order of time."""
        lines, scenario, people = self.lines, self.scenario, self.life.people
        country = people.country[lines.person]
        currency = scenario.country_currency[country]
        tax = np.sign(lines.amount) * scenario.contained_tax(np.abs(lines.amount), country, currency)
        keys = people.cell * CELL_KEYS + np.arange(len(lines.person))
        users = text(people.user_ids())
        plans = list(scenario.world.plans)
        return pa.table(
            {
                "event_id": ids(uuids(scenario.seed, "revenue_events", keys)),
                "event_type": low(EVENT_TYPES, lines.type),
                "event_at": stamps(lines.moment),
                "user_id": chosen(users, lines.person),
                "anonymous_id": chosen(users, np.full(len(keys), -1)),
                "order_id": self.order_names(lines.order),
                "refunded_order_id": self.order_names(lines.refunded),
                "subscription_id": chosen(self._subscriptions(people), lines.subscription),
                "plan": low(plans, lines.plan),
                "previous_plan": low(plans, np.where(lines.type == FIRST_CHANGE, -1, lines.previous)),
                "billing_period": low(PERIODS, lines.period),
                "plan_price": money(lines.price),
                "product_id": chosen(pa.array([code for code, _ in self.products]), lines.product),
                "product_name": chosen(pa.array([name for _, name in self.products]), lines.product),
                "quantity": pa.array(np.where(lines.type == REFUND, -1, 1)),
                "unit_price": money(np.abs(lines.amount)),
                "amount": money(lines.amount),
                "tax_amount": money(tax),
                "currency": low(scenario.currencies, currency),
                "country": low(scenario.countries, country),
                "reason": low(self.reasons, lines.reason),
                "properties": Properties(len(keys)).build(),
            }
        )

    def _subscriptions(self, people: People) -> pa.Array:
        return text(np.char.add(b"sub", np.char.zfill(people.person.astype("S9"), 9)))
