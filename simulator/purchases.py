"""One-off purchases: when they happen and stop (BG/NBD), and what they cost (Gamma-Gamma)."""

from dataclasses import dataclass

import numpy as np

from simulator.draws import Floats, Ints, generator, pick
from simulator.horizon import DAY_MS
from simulator.people import People
from simulator.scenario import Scenario


@dataclass(frozen=True)
class Buyers:
    """One row a customer of one-off sales, with the draws that stay hidden in reality."""

    person: Ints
    first: Ints
    rate: Floats  # purchases per day while alive
    dropout: Floats  # probability to stop after a repeat purchase
    mean_usd: Floats  # expected money per order
    stopped_at: Ints  # moment of the last purchase where the customer stopped inside the range, else -1


@dataclass(frozen=True)
class Orders:
    """One row an order; money in 1/10000 of the currency."""

    person: Ints
    moment: Ints
    product: Ints
    amount: Ints
    add_on: Ints  # part of amount that the second line carries, 0 = one line


def draw_purchases(scenario: Scenario, people: People, accounts: Ints, opened: Ints) -> tuple[Buyers, Orders]:
    """Customers among `accounts` (positions of people), whose accounts were `opened` at these moments.

    Time from a customer's first purchase, in days: Fader, Hardie and Lee, "Counting Your Customers" the Easy Way
    (2005), with drop-out possible after each repeat purchase. Money: Fader and Hardie, "The Gamma-Gamma Model" (2013).
    """
    rules, random = scenario.world.one_off, generator(scenario.seed, "purchases", people.cell)
    buys = random.random(len(accounts)) < rules.buyers
    delay = DAY_MS + random.exponential(rules.first_after_mean_days, len(accounts)) * DAY_MS
    first = opened + delay.astype(np.int64)
    buys &= first < scenario.horizon.end
    person, first = accounts[buys], first[buys]
    law = rules.bgnbd
    rate = random.gamma(law.r, 1 / law.alpha, len(person))
    dropout = random.beta(law.a, law.b, len(person))
    buyer, moment, stopped = _repeat(random, first, rate, dropout, scenario.horizon.end)
    mean, amounts_usd = _money(scenario, random, len(person), buyer)
    buyers = Buyers(person, first, rate, dropout, mean, stopped)
    return buyers, _orders(scenario, people, random, person[buyer], moment, amounts_usd)


def _repeat(
    random: np.random.Generator, first: Ints, rate: Floats, dropout: Floats, end: int
) -> tuple[Ints, Ints, Ints]:
    """Owner and moment of every purchase, and when each customer stopped."""
    alive, now = np.arange(len(first), dtype=np.int64), first
    stopped = np.full(len(first), -1, dtype=np.int64)
    owners, moments = [alive], [first]
    while len(alive):
        wait = np.minimum(random.exponential(1, len(alive)) / np.maximum(rate[alive], 1e-12), 1e6)
        now = now + np.maximum((wait * DAY_MS).astype(np.int64), 1)
        alive, now = alive[now < end], now[now < end]
        owners.append(alive)
        moments.append(now)
        stops = random.random(len(alive)) < dropout[alive]
        stopped[alive[stops]] = now[stops]
        alive, now = alive[~stops], now[~stops]
    return np.concatenate(owners), np.concatenate(moments), stopped


def _money(scenario: Scenario, random: np.random.Generator, count: int, buyer: Ints) -> tuple[Floats, Floats]:
    law = scenario.world.one_off.gamma_gamma
    scale = random.gamma(law.q, 1 / law.v, count)
    return law.p / scale, random.gamma(law.p, 1 / scale[buyer])


def _orders(
    scenario: Scenario, people: People, random: np.random.Generator, person: Ints, moment: Ints, usd: Floats
) -> Orders:
    rules = scenario.world.one_off
    currency = scenario.country_currency[people.country[person]]
    coin = scenario.minor_unit[currency]
    coins = np.maximum(np.floor(usd / scenario.usd_rates[currency] * 10_000 / coin + 0.5), 1).astype(np.int64)
    second = np.where(random.random(len(person)) < rules.add_on, (coins * rules.add_on_share).astype(np.int64), 0)
    product = pick(random, [p.weight for p in rules.products], len(person))
    order = np.lexsort((moment, person))
    columns = (person, moment, product, coins * coin, second * coin)
    return Orders(*(column[order] for column in columns))
