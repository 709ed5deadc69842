"""The company that the tests of marts simulate, and how another one is asked for."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import TypeAdapter

from simulator.order import Order
from simulator.world_file import read_world

#: Environment variable with another company as JSON; unset, the usual one is simulated.
SETTING = "GTC_TEST_COMPANY"


@dataclass(frozen=True)
class SimulatedCompany:
    """How many people come between which days, with which seed, and how the data set looks at them."""

    people: int = 1200
    first: date = date(2026, 1, 1)
    last: date = date(2026, 6, 30)
    seed: int = 5
    time_zone: str = "UTC"
    currency: str = "USD"

    @classmethod
    def read(cls, text: str) -> "SimulatedCompany":
        """The company that a JSON object describes; what it leaves out is as usual."""
        return TypeAdapter(cls).validate_json(text or "{}")

    def order(self) -> Order:
        """What the simulator is asked for."""
        return Order(read_world(None), self.people, self.first, self.last, self.seed)

    def build_options(self) -> dict[str, Any]:
        """How it is built. dbt's own unit tests state days in UTC or London, so elsewhere only models are built."""
        usual = SimulatedCompany()
        if (self.time_zone, self.currency) == (usual.time_zone, usual.currency):
            return {}
        entry = {"time_zone": self.time_zone, "reporting_currency": self.currency}
        return {"variables": {"datasets": {"default": entry}}, "with_tests": False}

    def as_json(self) -> str:
        """The text that `read` reads."""
        return TypeAdapter(SimulatedCompany).dump_json(self).decode()
