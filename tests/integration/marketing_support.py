"""What tests of the marketing marts share: their keys, and how they are compared with the oracle."""

from collections.abc import Callable
from typing import Any

from marts_support import Row, differences
from oracle_marketing import (
    attribution_disagreement,
    attribution_paths,
    bookings,
    marketing_attribution,
    marketing_performance,
    marketing_spend_daily,
    touchpoints,
)
from oracle_marts import Company

#: Marts by their key.
KEYS = {
    "marketing_attribution": "conversion_kind, attribution_model, conversion_date, channel, campaign, country",
    "marketing_spend_daily": "spend_date, channel, campaign, country",
    "marketing_performance": "period_type, attribution_model, period_start, channel",
    "attribution_disagreement": "conversion_kind, month, channel",
    "attribution_paths": "conversion_kind, month, path",
}

SPEND_COLUMNS = "event_id, spend_date, received_at, channel, campaign, country, currency, spend, impressions, clicks"
TOUCHPOINTS = "select person_id, touch_position, session_id, touched_at, channel from marts.touchpoints order by 1, 2"


def faults(read: Callable[[str], list[Row]], company: Company, spend: list[Row]) -> list[str]:
    """Where the marts differ from the oracle; `read` answers a query in which `marts.` stands for their schema."""
    booked = bookings(company)
    attribution = marketing_attribution(company, booked)
    expected: dict[str, list[dict[str, Any]]] = {
        "marketing_attribution": attribution,
        "marketing_spend_daily": marketing_spend_daily(company, spend),
        "marketing_performance": marketing_performance(company, attribution, spend),
        "attribution_disagreement": attribution_disagreement(company, attribution),
        "attribution_paths": attribution_paths(company, booked),
    }
    found = [
        f"{name}: {fault}"
        for name, key in KEYS.items()
        for fault in differences(read(f"select * from marts.{name} order by {key}"), expected[name])
    ]
    touches = [tuple(row.values()) for row in read(TOUCHPOINTS)]
    wanted = touchpoints(company)
    return found if touches == wanted else [*found, f"touchpoints: {touches[:5]}, expected {wanted[:5]}"]
