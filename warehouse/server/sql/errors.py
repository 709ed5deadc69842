"""How a statement is refused: the code, name and text that a ClickHouse server would answer."""


class StatementError(Exception):
    """A statement that is answered with an error before the engine sees it."""

    def __init__(self, code: int, name: str, message: str) -> None:
        super().__init__(f"Code: {code}. DB::Exception: {message} ({name})")
        self.code = code
        self.name = name
        self.message = message


def syntax_error(message: str) -> StatementError:
    """The statement cannot be read."""
    return StatementError(62, "SYNTAX_ERROR", message)


def access_denied(message: str) -> StatementError:
    """Nobody, or not this user, may do that."""
    return StatementError(497, "ACCESS_DENIED", message)


def read_only(message: str) -> StatementError:
    """A reader tried to change something."""
    return StatementError(164, "READONLY", message)


def prohibited(message: str) -> StatementError:
    """A kind of statement that this warehouse does not run for anybody."""
    return StatementError(392, "QUERY_IS_PROHIBITED", message)
