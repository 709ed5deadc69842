"""The shape of world/plans.yml."""

from pydantic import Field

from simulator.world_types import Part, Positive, Prices, Share, Weight, Weights


class Plan(Part):
    """A plan with its prices per currency; the free plan has none."""

    weight: Weight = 0
    month: Prices | None = None
    year: Prices | None = None


class Subscriptions(Part):
    """How trials and subscriptions run; probabilities unless the name says days."""

    trial_days: int = Field(ge=1)
    trial: Share
    direct_purchase: Share
    trial_to_paid: Share
    annual: Share
    month_cancel: Share
    year_cancel: Share
    payment_failure: Share
    month_upgrade: Share
    month_downgrade: Share
    year_upgrade: Share
    year_downgrade: Share
    month_to_year: Share
    reactivation: Share
    reactivation_mean_days: Positive
    refund: Share
    partial_refund: Share
    refund_within_days: int = Field(ge=1)
    cancel_reasons: Weights


class BgNbd(Part):
    """Parameters of the BG/NBD law, time in days."""

    r: Positive
    alpha: Positive
    a: Positive
    b: Positive


class GammaGamma(Part):
    """Parameters of the Gamma-Gamma law, money in USD."""

    p: Positive
    q: Positive
    v: Positive


class Product(Part):
    """An article sold once."""

    id: str
    name: str
    weight: Weight = 1


class OneOff(Part):
    """One-off sales."""

    buyers: Share
    first_after_mean_days: Positive
    bgnbd: BgNbd
    gamma_gamma: GammaGamma
    refund: Share
    add_on: Share
    add_on_share: float = Field(gt=0, lt=1)
    products: list[Product] = Field(min_length=1)
    add_on_product: Product
