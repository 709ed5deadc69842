"""Subscriptions of one cell, paid period by paid period: renewals, changes, ends, returns."""

from dataclasses import dataclass, field

import numpy as np

from simulator.draws import AnyArray, Floats, Ints, generator, pick
from simulator.horizon import DAY_MS, add_months
from simulator.people import People
from simulator.scenario import Scenario

MONTH, YEAR = 0, 1


@dataclass(frozen=True)
class Starts:
    """Who begins a subscription: person, moment of the first charge, and whether a trial came before."""

    person: Ints
    moment: Ints
    plan: Ints
    period: Ints


@dataclass
class Book:
    """What happens to subscriptions, as columns that grow: `changes` of state and `charges` of money.

    Money is in 1/10000 of the currency; `subscription` is the position in Starts.
    """

    changes: dict[str, list[AnyArray]] = field(default_factory=dict)
    charges: dict[str, list[AnyArray]] = field(default_factory=dict)

    def change(self, **columns: AnyArray) -> None:
        """Add changes: subscription, moment, kind, plan, previous, period, price, reason, by_user."""
        _append(self.changes, columns)

    def charge(self, **columns: AnyArray) -> None:
        """Add charges: subscription, moment, plan, period, price, amount."""
        _append(self.charges, columns)


KINDS = ("subscription_started", "plan_changed", "subscription_cancelled", "subscription_reactivated")
STARTED, CHANGED, CANCELLED, REACTIVATED = range(4)


def _append(columns: dict[str, list[AnyArray]], more: dict[str, AnyArray]) -> None:
    size = len(more["subscription"])
    if size:
        for name, values in more.items():
            columns.setdefault(name, []).append(np.broadcast_to(np.asarray(values), (size,)))


@dataclass
class _State:
    """Subscriptions that run, as arrays over Starts."""

    anchor: Ints
    passed: Ints
    plan: Ints
    period: Ints
    price: Ints


class Subscriptions:
    """Runs all subscriptions of a cell to the end of the range."""

    def __init__(self, scenario: Scenario, people: People, starts: Starts) -> None:
        self.scenario, self.starts = scenario, starts
        self.rules = scenario.world.subscriptions
        self.random = generator(scenario.seed, "subscriptions", people.cell)
        self.currency = scenario.country_currency[people.country[starts.person]]
        self.reasons = ["", "price_change", "payment_failed", *self.rules.cancel_reasons]
        self.book = Book()
        price = scenario.price_at(starts.moment, starts.plan, starts.period, self.currency)
        self.state = _State(
            starts.moment.copy(), np.zeros_like(starts.plan), starts.plan.copy(), starts.period.copy(), price
        )

    def run(self) -> Book:
        """All changes and charges, unordered."""
        running = np.arange(len(self.starts.person), dtype=np.int64)
        self._note(running, self.starts.moment, STARTED, previous=np.zeros_like(running))
        self._pay(running, self.starts.moment, self.state.price[running])
        while len(running):
            running = self._one_period(running)
        return self.book

    def _one_period(self, running: Ints) -> Ints:
        """Take each running subscription to its next period; return those that still run."""
        end = self.scenario.horizon.end
        begin, renewal = self._bounds(running)
        moment = begin + ((renewal - begin) * self.random.uniform(0.05, 0.95, len(running))).astype(np.int64)
        action = self._actions(running)
        action[moment >= end] = -1
        stays = [running[action == -1], self._change_plan(running[action == 1], moment[action == 1], up=True)]
        stays.append(self._change_plan(running[action == 2], moment[action == 2], up=False))
        restarted = [self._go_annual(running[action == 3], moment[action == 3])]
        restarted.append(self._cancel(running[action == 0], moment[action == 0], by_user=True))
        restarted.append(self._renew(np.sort(np.concatenate(stays))))
        return np.sort(np.concatenate(restarted))

    def _bounds(self, which: Ints) -> tuple[Ints, Ints]:
        state = self.state
        months = np.where(state.period[which] == YEAR, 12, 1)
        passed = state.passed[which]
        return add_months(state.anchor[which], passed * months), add_months(state.anchor[which], (passed + 1) * months)

    def _actions(self, which: Ints) -> Ints:
        """0 cancel, 1 upgrade, 2 downgrade, 3 from months to a year, -1 nothing: one draw a period."""
        rules, state = self.rules, self.state
        yearly = state.period[which] == YEAR
        top = len(self.scenario.world.plans) - 1
        cancel = np.where(yearly, rules.year_cancel, rules.month_cancel)
        up = np.where(state.plan[which] < top, np.where(yearly, rules.year_upgrade, rules.month_upgrade), 0)
        down = np.where(state.plan[which] > 1, np.where(yearly, rules.year_downgrade, rules.month_downgrade), 0)
        annual = np.where(yearly, 0, rules.month_to_year)
        edges = np.cumsum(np.stack([cancel, up, down, annual], axis=1), axis=1)
        action = (edges <= self.random.random(len(which))[:, None]).sum(axis=1)
        return np.where(action == 4, -1, action)

    def _note(
        self, which: Ints, moment: Ints, kind: int, previous: Ints, reason: Ints | int = 0, by_user: bool = True
    ) -> None:
        state = self.state
        self.book.change(
            subscription=which, moment=moment, kind=np.asarray(kind), plan=state.plan[which], previous=previous,
            period=state.period[which], price=state.price[which], reason=np.asarray(reason, dtype=np.int64),
            by_user=np.asarray(by_user),
        )  # fmt: skip

    def _pay(self, which: Ints, moment: Ints, amount: Ints) -> None:
        due = amount > 0
        state, which = self.state, which[due]
        self.book.charge(
            subscription=which, moment=moment[due], plan=state.plan[which], period=state.period[which],
            price=state.price[which], amount=amount[due],
        )  # fmt: skip

    def _list_price(self, which: Ints, moment: Ints) -> Ints:
        return self.scenario.price_at(moment, self.state.plan[which], self.state.period[which], self.currency[which])

    def _change_plan(self, which: Ints, moment: Ints, up: bool) -> Ints:
        """Move one plan up or down at once; an upgrade pays the difference for the rest of the period."""
        begin, renewal = self._bounds(which)
        previous, old_price = self.state.plan[which], self.state.price[which]
        self.state.plan[which] = previous + (1 if up else -1)
        self.state.price[which] = self._list_price(which, moment)
        self._note(which, moment, CHANGED, previous)
        if up:
            left: Floats = (renewal - moment) / (renewal - begin)
            coin = self.scenario.minor_unit[self.currency[which]]
            rest = np.floor((self.state.price[which] - old_price) * left / coin + 0.5).astype(np.int64) * coin
            self._pay(which, moment, rest)
        return which

    def _go_annual(self, which: Ints, moment: Ints) -> Ints:
        """Switch to yearly payment: the year begins, and is paid, at once."""
        self.state.period[which] = YEAR
        self._restart(which, moment)
        self._note(which, moment, CHANGED, self.state.plan[which])
        self._pay(which, moment, self.state.price[which])
        return which

    def _restart(self, which: Ints, moment: Ints) -> None:
        self.state.anchor[which], self.state.passed[which] = moment, 0
        self.state.price[which] = self._list_price(which, moment)

    def _renew(self, which: Ints) -> Ints:
        """Charge the next period at the list price of the day, or lose the subscription to a failed payment."""
        _, renewal = self._bounds(which)
        due = renewal < self.scenario.horizon.end
        which, renewal = which[due], renewal[due]
        fails = self.random.random(len(which)) < self.rules.payment_failure
        returned = self._cancel(which[fails], renewal[fails], by_user=False)
        which, renewal = which[~fails], renewal[~fails]
        self.state.passed[which] += 1
        price = self._list_price(which, renewal)
        new = price != self.state.price[which]
        self.state.price[which] = price
        changed = which[new]
        self._note(
            changed, renewal[new], CHANGED, self.state.plan[changed], self.reasons.index("price_change"), by_user=False
        )
        self._pay(which, renewal, price)
        return np.concatenate([which, returned])

    def _cancel(self, which: Ints, moment: Ints, by_user: bool) -> Ints:
        """End subscriptions at once; return those that come back inside the range, which run again."""
        reason = np.full(len(which), self.reasons.index("payment_failed"))
        if by_user:
            reason = 3 + pick(self.random, list(self.rules.cancel_reasons.values()), len(which))
        self._note(which, moment, CANCELLED, self.state.plan[which], reason, by_user)
        away = 1 + self.random.exponential(self.rules.reactivation_mean_days, len(which))
        back = moment + (away * DAY_MS).astype(np.int64)
        returns = (self.random.random(len(which)) < self.rules.reactivation) & (back < self.scenario.horizon.end)
        which, back = which[returns], back[returns]
        self._restart(which, back)
        self._note(which, back, REACTIVATED, self.state.plan[which])
        self._pay(which, back, self.state.price[which])
        return which
