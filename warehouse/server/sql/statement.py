"""A statement as the server needs to know it: its kind, its format, where its data are."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from warehouse.server.sql.tokens import Token


class Kind(Enum):
    """What a statement does, as far as it is treated differently."""

    SELECT = "select"  # anything that only returns rows
    INSERT = "insert"
    KILL = "kill"
    SET = "set"
    USE = "use"
    DDL = "ddl"
    SYSTEM = "system"
    OTHER = "other"


@dataclass(frozen=True)
class Tail:
    """What stands behind the query proper: byte ranges of `FORMAT x` and of the last `SETTINGS …`."""

    body_end: int
    format: str | None = None
    format_span: tuple[int, int] | None = None
    settings_span: tuple[int, int] | None = None
    settings: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Statement:
    """One statement, read but not executed; `text` is what the client sent, without inline data."""

    kind: Kind
    text: bytes
    tokens: Sequence[Token]
    tail: Tail
    returns_rows: bool = False
    inline_data: bytes | None = None
    needs_data: bool = False
    data_at: int | None = None
    input_call: tuple[int, int, bytes] | None = None

    @property
    def format(self) -> str | None:
        """The name behind FORMAT; `Values` for an insert with VALUES."""
        return self.tail.format

    @property
    def settings(self) -> dict[str, str]:
        """The settings that the statement's own last SETTINGS clause names."""
        return self.tail.settings

    @property
    def uses_input_function(self) -> bool:
        """Whether the data of this insert arrive through `input('structure')`."""
        return self.input_call is not None

    def engine_text(self) -> bytes:
        """The statement for an engine that answers by itself, without trailing semicolons and comments."""
        return self.text[: self.tokens[-1].end] if self.tokens else b""

    def to_pipe(self, fd: int, default_format: str) -> bytes:
        """The statement with its rows sent into file descriptor `fd`, in its own format or `default_format`."""
        from warehouse.server.sql.pipes import to_pipe

        return to_pipe(self, fd, default_format)

    def from_pipe(self, fd: int, compression: str | None = None, default_format: str | None = None) -> bytes:
        """The insert with its data read from file descriptor `fd`."""
        from warehouse.server.sql.pipes import from_pipe

        return from_pipe(self, fd, compression, default_format)
