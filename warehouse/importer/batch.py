"""What readers hand to the loader: batches of rows with their line numbers, and rows that cannot be read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

#: Characters of a rejected row that are kept; a row longer than this is cut and says so.
KEPT_CHARACTERS = 65_536


@dataclass(frozen=True)
class Reject:
    """A row that does not fit. `line` is the line of the file on which the row begins (row number for Parquet)."""

    line: int
    column: str
    reason: str
    raw: str


@dataclass
class Batch:
    """Some rows of the file. `raw(i)` gives the text of row i as it came; `consumed` counts bytes of content read."""

    lines: Sequence[int]
    columns: list[pa.Array]
    raw: Callable[[int], str]
    rejects: list[Reject] = field(default_factory=list)
    consumed: int = 0


def shown(text: str) -> str:
    """The text with undecodable bytes and NUL as visible escapes, cut when very long."""
    visible = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace").replace("\0", "\\x00")
    cut = len(visible) - KEPT_CHARACTERS
    return visible if cut <= 0 else f"{visible[:KEPT_CHARACTERS]}… ({cut} more characters)"
