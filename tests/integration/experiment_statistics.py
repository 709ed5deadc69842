"""Tests of a difference that must be computable from rows of experiment_metrics alone, in plain Python.

Formulas: reference page semantics.md, experiments, where the published values in the tests come from too.
"""

import math

from oracle_events import Row


def difference_of_means(control: Row, arm: Row) -> tuple[float, float]:
    """Relative lift and its delta-method variance, from rows of experiment_metrics."""
    (n_a, m_a, v_a), (n_b, m_b, v_b) = (_moments(row) for row in (control, arm))
    return (m_b - m_a) / abs(m_a), v_b / (n_b * m_a**2) + v_a * m_b**2 / (n_a * m_a**4)


def _moments(row: Row) -> tuple[int, float, float]:
    n = row["people"]
    if row["kind"] == "proportion":
        return n, row["outcome_mean"], row["outcome_mean"] * (1 - row["outcome_mean"])
    return n, row["outcome_mean"], row["outcome_centred_squares"] / (n - 1)


def welch_relative(control: Row, arm: Row) -> tuple[float, float, float, float]:
    """Lift, 95 % interval and p-value of Welch's test."""
    lift, variance = difference_of_means(control, arm)
    (n_a, _, v_a), (n_b, _, v_b) = (_moments(row) for row in (control, arm))
    degrees = (v_b / n_b + v_a / n_a) ** 2 / ((v_b / n_b) ** 2 / (n_b - 1) + (v_a / n_a) ** 2 / (n_a - 1))
    half = student_quantile(0.975, degrees) * math.sqrt(variance)
    return lift, lift - half, lift + half, 2 * (1 - student_cdf(abs(lift) / math.sqrt(variance), degrees))


def sequential_relative(control: Row, arm: Row, tuning: int = 5000, alpha: float = 0.05) -> tuple[float, float, float]:
    """Lift and interval of the asymptotic confidence sequence (Waudby-Smith et al. 2021), N* = `tuning`."""
    lift, variance = difference_of_means(control, arm)
    n = control["people"] + arm["people"]
    rho = math.sqrt((-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / tuning)
    inner = n * rho**2 + 1
    half = math.sqrt(variance * n) * math.sqrt(2 * inner * math.log(math.sqrt(inner) / alpha)) / (n * rho)
    return lift, lift - half, lift + half


def cuped(control: Row, arm: Row) -> tuple[float, float, float]:
    """θ over both arms together and the adjusted means, from rows of experiment_metrics."""
    n_a, n_b = control["people"], arm["people"]
    gap_pre, gap = arm["pre_mean"] - control["pre_mean"], arm["outcome_mean"] - control["outcome_mean"]
    between = n_a * n_b / (n_a + n_b)
    squares = control["pre_centred_squares"] + arm["pre_centred_squares"] + between * gap_pre**2
    products = control["pre_outcome_centred_products"] + arm["pre_outcome_centred_products"] + between * gap_pre * gap
    theta = products / squares
    middle = (n_a * control["pre_mean"] + n_b * arm["pre_mean"]) / (n_a + n_b)
    first, second = (row["outcome_mean"] - theta * (row["pre_mean"] - middle) for row in (control, arm))
    return theta, first, second


def cuped_of_ratio(control: Row, arm: Row) -> tuple[float, float, float]:
    """θ of a ratio over both arms together, and the adjusted ratios, from rows of experiment_metrics.

    Deng et al., Improving the Sensitivity of Online Controlled Experiments by Utilizing Pre-Experiment Data (2013),
    with ratio and pre-period each linearised by the delta method: z = (y - R d) / mean d, x = (p - S q) / mean q.
    """
    n = control["people"] + arm["people"]
    means = {
        name: (control["people"] * control[f"{name}_mean"] + arm["people"] * arm[f"{name}_mean"]) / n
        for name in ("outcome", "denominator", "pre", "pre_denominator")
    }
    ratio, ratio_before = means["outcome"] / means["denominator"], means["pre"] / means["pre_denominator"]

    def pooled(column: str, left: str, right: str) -> float:
        between = control["people"] * arm["people"] / n
        gaps = [arm[f"{name}_mean"] - control[f"{name}_mean"] for name in (left, right)]
        return float(control[column] + arm[column] + between * gaps[0] * gaps[1])

    before = "pre_denominator"
    spread = (
        pooled("pre_centred_squares", "pre", "pre")
        - 2 * ratio_before * pooled("pre_pre_denominator_centred_products", "pre", before)
        + ratio_before**2 * pooled("pre_denominator_centred_squares", before, before)
    ) / means[before] ** 2
    together = (
        pooled("pre_outcome_centred_products", "pre", "outcome")
        - ratio * pooled("denominator_pre_centred_products", "denominator", "pre")
        - ratio_before * pooled("outcome_pre_denominator_centred_products", "outcome", before)
        + ratio * ratio_before * pooled("denominator_pre_denominator_centred_products", "denominator", before)
    ) / (means["denominator"] * means[before])
    theta = together / spread
    first, second = (
        row["outcome_mean"] / row["denominator_mean"]
        - theta * (row["pre_mean"] / row["pre_denominator_mean"] - ratio_before)
        for row in (control, arm)
    )
    return theta, first, second


def student_cdf(t: float, degrees: float, steps: int = 20_000) -> float:
    """By Simpson's rule."""
    front = math.exp(math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2)) / math.sqrt(degrees * math.pi)

    def density(x: float) -> float:
        return front * (1 + x * x / degrees) ** (-(degrees + 1) / 2)

    width = t / steps
    inner = sum((4 if n % 2 else 2) * density(n * width) for n in range(1, steps))
    return 0.5 + (density(0) + inner + density(t)) * width / 3


def student_quantile(p: float, degrees: float) -> float:
    """By bisection."""
    low, high = 0.0, 50.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if student_cdf(middle, degrees, 2_000) < p else (low, middle)
    return low
