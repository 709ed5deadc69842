"""The truth about each person of a cell, as tables: what a mart would have to find."""

import numpy as np
import pyarrow as pa

from simulator import vocabulary as words
from simulator.cells import CellRows
from simulator.columns import TIMESTAMP, chosen, low, money, text
from simulator.draws import Ints, hex_names
from simulator.horizon import DAY_MS
from simulator.product_rows import CELL_KEYS
from simulator.revenue_rows import CHARGE, PERIODS, REFUND
from simulator.scenario import Scenario
from simulator.subscriptions import CANCELLED
from simulator.truth_facts import (
    MOVEMENTS,
    Changes,
    assignments,
    first_moments,
    identity_pairs,
    is_at_a_start,
    outcomes,
    resolved,
)


def maybe(moments: Ints) -> pa.Array:
    """Time stamps, null where the moment is -1."""
    return pa.array(moments.astype(np.int64), mask=moments < 0).cast(TIMESTAMP)


class CellTruth:
    """Tables of one cell; `names` gives their order and the names of their files."""

    names = ("people", "touches", "identities", "trials", "subscriptions", "orders", "buyers", "assignments")

    def __init__(self, scenario: Scenario, rows: CellRows) -> None:
        self.scenario, self.rows, self.life, self.stream = scenario, rows, rows.life, rows.stream
        self.user_names = text(self.life.people.user_ids())
        self.device_names = text(self.life.people.anonymous_ids(scenario.seed))
        self.pairs = identity_pairs(rows)
        self.visitor = resolved(rows, self.pairs)
        self.states = Changes(scenario, rows)

    def table(self, name: str) -> pa.Table:
        """One of `names`."""
        built: pa.Table = getattr(self, name)()
        return built

    def users(self, person: Ints) -> pa.Array:
        """User names, empty for people without an account."""
        return chosen(self.user_names, np.where(self.life.opened_at[person] >= 0, person, -1))

    def people(self) -> pa.Table:
        """One row a person."""
        people, life, stream = self.life.people, self.life, self.stream
        everyone = np.arange(people.count, dtype=np.int64)
        first = {
            f"first_{name}_at": maybe(first_moments(self.rows, number, stream.person, people.count))
            for number, name in enumerate(words.EVENT_NAMES)
        }
        leaves, rate = np.full(people.count, -1, dtype=np.int64), np.zeros(people.count)
        leaves[life.accounts.person], rate[life.accounts.person] = life.accounts.leaves, life.accounts.rate
        return pa.table(
            {
                "person": pa.array(people.person),
                "user_id": self.users(everyone),
                "anonymous_id": self.device_names.slice(0, people.count),
                "second_anonymous_id": chosen(self.device_names, self._second_devices(stream.device)),
                "country": low(self.scenario.countries, people.country),
                "region": low([code for _, code, *_ in self.scenario.regions], people.region),
                "tax_residence": low(self.scenario.countries, people.residence),
                "signed_up_at": maybe(life.opened_at),
                "sign_up_probability": pa.array(life.journeys.chance),
                "leaves_at": maybe(leaves),
                "sessions_per_day": pa.array(rate),
                "events": pa.array(np.bincount(stream.person, minlength=people.count)),
                "path_to_sign_up": self._paths(),
                **first,
            }
        )

    def _second_devices(self, used: Ints) -> Ints:
        """Position of the second device where it was used, else -1."""
        count = self.life.people.count
        second = np.full(count, -1, dtype=np.int64)
        used = np.unique(used[used >= count])
        second[used - count] = used
        return second

    def _paths(self) -> pa.Array:
        """True channels of the visits up to the decision, joined by ` > `."""
        names = [channel for channel, _ in self.scenario.sources]
        journeys = self.life.journeys
        paths: list[list[str]] = [[] for _ in range(self.life.people.count)]
        for person, source in zip(journeys.person.tolist(), journeys.source.tolist(), strict=True):
            paths[person].append(names[source])
        return pa.array([" > ".join(path) for path in paths], pa.string())

    def touches(self) -> pa.Table:
        """One row a session whose landing page was reported: its true channel and line of traffic.

        Now and then two reasons bring somebody within half an hour; the times of events show one session then, and only
        the first has `after_quiet`.
        """
        stream = self.stream
        rows = np.flatnonzero(stream.source >= 0)
        keys = self.life.people.cell * CELL_KEYS + stream.session[rows]
        source = stream.source[rows]
        return pa.table(
            {
                "user_id": self.users(stream.person[rows]),
                "anonymous_id": chosen(self.device_names, stream.device[rows]),
                "session_id": text(hex_names("s", self.scenario.seed, "session", keys)),
                "touched_at": maybe(stream.moment[rows]),
                "channel": low([channel for channel, _ in self.scenario.sources], source),
                "source_name": low([source.name for _, source in self.scenario.sources], source),
                "campaign": low([source.utm_campaign for _, source in self.scenario.sources], source),
                "country": low(self.scenario.countries, self.life.people.country[stream.person[rows]]),
                "before_sign_up": pa.array(stream.session[rows] < self.life.visits.sessions.count),
                "after_quiet": pa.array(is_at_a_start(self.visitor, stream.moment)[rows]),
            }
        )

    def identities(self) -> pa.Table:
        """One row a device and user seen together; `users` counts the users of the device."""
        device, person, first, events = self.pairs
        return pa.table(
            {
                "anonymous_id": chosen(self.device_names, device),
                "user_id": chosen(self.user_names, person),
                "first_seen_together_at": maybe(first),
                "events_together": pa.array(events),
                "users": pa.array(np.bincount(device, minlength=1)[device] if len(device) else device),
            }
        )

    def trials(self) -> pa.Table:
        """One row a trial; `pays_at` may lie beyond the range."""
        trials, scenario = self.life.trials, self.scenario
        return pa.table(
            {
                "user_id": self.users(trials.person),
                "started_at": maybe(trials.moment),
                "plan": low(list(scenario.world.plans), trials.plan),
                "billing_period": low(PERIODS, trials.period),
                "pays_at": maybe(trials.pays_at),
                "paid_inside_range": pa.array((trials.pays_at >= 0) & (trials.pays_at < scenario.horizon.end)),
            }
        )

    def subscriptions(self) -> pa.Table:
        """One row a span of one plan and price; spans without an end are open at the end of the range."""
        states = self.states
        rows = np.flatnonzero(states.kind != CANCELLED)
        person = states.person[rows]
        currency = self.scenario.country_currency[self.life.people.country[person]]
        return pa.table(
            {
                "user_id": self.users(person),
                "valid_from": maybe(states.moment[rows]),
                "valid_to": maybe(states.until[rows]),
                "plan": low(list(self.scenario.world.plans), states.plan[rows]),
                "billing_period": low(PERIODS, states.period[rows]),
                "plan_price": money(states.price[rows]),
                "mrr": money(states.mrr[rows]),
                "currency": low(self.scenario.currencies, currency),
                "movement": low(MOVEMENTS, states.movement[rows]),
            }
        )

    def orders(self) -> pa.Table:
        """One row an order or refund: its lines together."""
        lines = self.rows.revenue.lines
        rows = np.flatnonzero((lines.type == CHARGE) | (lines.type == REFUND))
        order, first, inverse = np.unique(lines.order[rows], return_index=True, return_inverse=True)
        amount = np.zeros(len(order), dtype=np.int64)
        np.add.at(amount, inverse, lines.amount[rows])
        first = rows[first]
        currency = self.scenario.country_currency[self.life.people.country[lines.person[first]]]
        return pa.table(
            {
                "order_id": self.rows.revenue.order_names(order),
                "refunded_order_id": self.rows.revenue.order_names(lines.refunded[first]),
                "user_id": self.users(lines.person[first]),
                "ordered_at": maybe(lines.moment[first]),
                "kind": low(["one_off", "subscription"], (lines.subscription[first] >= 0).astype(np.int64)),
                "amount": money(amount),
                "currency": low(self.scenario.currencies, currency),
            }
        )

    def buyers(self) -> pa.Table:
        """One row a customer of one-off sales: hidden draws, and x, t_x, T in days at the end of the range."""
        buyers, orders, end = self.life.buyers, self.life.orders, self.scenario.horizon.end
        count = self.life.people.count
        last = np.zeros(count, dtype=np.int64)
        np.maximum.at(last, orders.person, orders.moment)
        repeats = np.bincount(orders.person, minlength=count)[buyers.person] - 1
        return pa.table(
            {
                "user_id": self.users(buyers.person),
                "first_purchase_at": maybe(buyers.first),
                "purchase_rate_per_day": pa.array(buyers.rate),
                "dropout_probability": pa.array(buyers.dropout),
                "mean_order_usd": pa.array(buyers.mean_usd),
                "stopped_at": maybe(buyers.stopped_at),
                "x": pa.array(repeats),
                "t_x_days": pa.array((last[buyers.person] - buyers.first) / DAY_MS),
                "t_days": pa.array((end - buyers.first) / DAY_MS),
            }
        )

    def assignments(self) -> pa.Table:
        """One row a person and experiment: first arm, other arms seen, outcome after the first exposure."""
        found = assignments(self.rows, len(self.scenario.experiments))
        arms = [arm for _, e in self.scenario.experiments for arm in e.weights]
        sizes = np.array([len(e.weights) for _, e in self.scenario.experiments], dtype=np.int64)
        outcome = outcomes(self.scenario, self.rows, found)
        return pa.table(
            {
                "experiment_id": low(list(self.scenario.world.experiments), found["experiment"]),
                "user_id": self.users(found["person"]),
                "anonymous_id": chosen(self.device_names, found["person"]),
                "arm": low(arms, (np.cumsum(sizes) - sizes)[found["experiment"]] + found["arm"])
                if arms
                else low([], found["arm"]),
                "first_exposed_at": maybe(found["moment"]),
                "crossed_over": pa.array(found["crossed"].astype(bool)),
                "converted_at": maybe(outcome),
            }
        )
