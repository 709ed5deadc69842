"""The ground of the world files: the base of all parts, and the kinds of numbers in them."""

import re
from datetime import date
from decimal import Decimal
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class Part(BaseModel):
    """A piece of the world: immutable, and a key that nobody reads is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _window(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] >= value[1]:
        raise ValueError("the first moment must lie before the second")
    return value


def _some_weight(value: dict[str, float]) -> dict[str, float]:
    if not sum(value.values()) > 0:
        raise ValueError("at least one weight must be above 0")
    return value


def _known_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"unknown time zone: {value}") from None
    return value


def _month_day(value: str) -> str:
    if not re.fullmatch(r"\d{2}-\d{2}", value):
        raise ValueError("write month and day as MM-DD")
    date.fromisoformat(f"2023-{value}")
    return value


Share = Annotated[float, Field(ge=0, le=1)]
Moment = Annotated[float, Field(ge=0, le=1, description="part of the simulated range that has passed")]
Weight = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Window = Annotated[tuple[Moment, Moment], AfterValidator(_window)]
Weights = Annotated[dict[str, Weight], AfterValidator(_some_weight)]
MonthDay = Annotated[str, AfterValidator(_month_day)]
TimeZone = Annotated[str, AfterValidator(_known_zone)]
Prices = Annotated[dict[str, Annotated[Decimal, Field(gt=0)]], Field(min_length=1)]
