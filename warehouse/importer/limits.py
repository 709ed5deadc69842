"""How many rejected rows a load may have."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class RejectLimit:
    """A number of rows, or a share of the rows read."""

    rows: int | None = None
    percent: float | None = None

    @classmethod
    def parse(cls, text: str) -> "RejectLimit":
        """Read `100` or `0.5%`. Raises ValueError."""
        found = re.fullmatch(r"(\d+)|(\d+(?:\.\d+)?) ?%", text.strip())
        if found is None or (found[2] and float(found[2]) > 100):
            raise ValueError(f"write a number of rows or a percentage, such as 100 or 0.5%: {text!r}")
        return cls(percent=float(found[2])) if found[2] else cls(rows=int(found[1]))

    def is_passed_early(self, rejected: int) -> bool:
        """Whether reading on cannot help."""
        return self.rows is not None and rejected > self.rows

    def is_passed(self, rejected: int, read: int) -> bool:
        """Whether the load failed, all rows being read."""
        return self.is_passed_early(rejected) or (self.percent is not None and rejected * 100 > self.percent * read)

    def __str__(self) -> str:
        return f"{self.percent:g}%" if self.rows is None else str(self.rows)
