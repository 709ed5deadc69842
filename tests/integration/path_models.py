"""A Markov chain over paths, exact, as a check that a table of paths holds everything that one needs. Tests only."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

START, CONVERSION, NULL = "(start)", "(conversion)", "(null)"
Moves = dict[str, dict[str, Fraction]]


@dataclass(frozen=True)
class Markov:
    """P(conversion), the removal effect of each channel, and the conversions credited to it."""

    probability: Fraction
    removal_effects: dict[str, Fraction]
    credits: dict[str, Fraction]


def markov(paths: Iterable[tuple[list[str], int, int]]) -> Markov:
    """Fit to paths, each with how often it converted and how often it did not (semantics.md, attribution)."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    conversions = 0
    for channels, converted, lost in paths:
        conversions += converted
        states = [START, *channels]
        for here, there in pairwise(states):
            counts[here][there] += converted + lost
        counts[states[-1]][CONVERSION] += converted
        counts[states[-1]][NULL] += lost
    moves = {
        here: {there: Fraction(n, sum(to.values())) for there, n in to.items() if n} for here, to in counts.items()
    }
    whole = probability(moves)
    channels = sorted(moves.keys() - {START})
    effects = {channel: 1 - probability(without(moves, channel)) / whole for channel in channels}
    total = sum(effects.values())
    return Markov(whole, effects, {channel: conversions * effects[channel] / total for channel in channels})


def without(moves: Moves, channel: str) -> Moves:
    """Every move into the channel is sent to null."""
    return {
        here: {(NULL if there == channel else there): Fraction() for there in to}
        | {there: share for there, share in to.items() if there not in (channel, NULL)}
        | {NULL: to.get(channel, Fraction()) + to.get(NULL, Fraction())}
        for here, to in moves.items()
        if here != channel
    }


def probability(moves: Moves) -> Fraction:
    """The start's entry of (I - Q)^-1 r, by elimination in fractions."""
    states = list(moves)
    rows = [
        [Fraction(int(here == there)) - moves[here].get(there, Fraction()) for there in states]
        + [moves[here].get(CONVERSION, Fraction())]
        for here in states
    ]
    for k in range(len(rows)):
        pivot = next(n for n in range(k, len(rows)) if rows[n][k])
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [value / rows[k][k] for value in rows[k]]
        for n, row in enumerate(rows):
            if n != k and row[k]:
                rows[n] = [value - row[k] * other for value, other in zip(row, rows[k], strict=True)]
    return rows[states.index(START)][-1]
