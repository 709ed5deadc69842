"""A data set is one raw database, one `ml` database and one dbt target schema inside a warehouse."""

import re
from dataclasses import dataclass

#: The simulated company: the data set whose databases carry the design's plain names.
MAIN_DATASET = "globaltaxcalc"

_NAME = re.compile(r"[a-z][a-z0-9_]{0,47}")


class InvalidDatasetNameError(ValueError):
    """The name cannot be used as the prefix of a database."""


@dataclass(frozen=True)
class Dataset:
    """Where one data set lives. Only the name is chosen; the databases follow from it.

    `globaltaxcalc` owns `raw`, `ml` and `analytics`; any other name `x` owns `x_raw`, `x_ml` and `x_analytics`.
    The same rule stands in `profiles.yml` and in the macro `raw_database()`; a test compares them.
    """

    name: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise InvalidDatasetNameError(
                f"invalid data set name: {self.name!r} (lower-case letters, digits and `_`, starting with a letter)"
            )

    @property
    def raw_database(self) -> str:
        """Append-only tables of what came from outside."""
        return self._database("raw")

    @property
    def ml_database(self) -> str:
        """Tables that Python computed."""
        return self._database("ml")

    @property
    def schema(self) -> str:
        """The dbt target schema, prefix of `_staging` and `_intermediate`; the marts stand in it."""
        return self._database("analytics")

    def _database(self, room: str) -> str:
        return room if self.name == MAIN_DATASET else f"{self.name}_{room}"
