"""One figure as the demo shows it."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True)
class Headline:
    """One figure of one data set. `value` is None where the data set has nothing to compute it from.

    `change` is against the period before: a difference for ratios, a share of the earlier value for the rest, None
    where the two cannot be compared.
    """

    dataset: str
    kpi: str
    value: int | float | Decimal | str | date | None
    unit: str
    period: str
    change: float | None = None
