"""What a session's statements change about the meaning of later names: the current database, identifier parameters."""

from collections.abc import Mapping

from warehouse.server.sql.settings import settings_in
from warehouse.server.sql.statement import Kind, Statement

_PREFIX = b"param_"


def used_database(statement: Statement, parameters: Mapping[str, str]) -> str | None:
    """The database that a USE statement makes the current one; None for every other statement."""
    if statement.kind is not Kind.USE:
        return None
    found = [token for token in statement.tokens[1:] if token.word != b"DATABASE"] or list(statement.tokens[1:])
    if found and found[0].text == b"{" and len(found) > 1:
        return parameters.get(found[1].text.decode("utf-8", "replace"))
    name = found[0].identifier if found else None
    return name.decode("utf-8", "replace") if name is not None else None


def set_parameters(statement: Statement) -> dict[str, str]:
    """The query parameters that a `SET param_x = '…'` keeps for the session, without the prefix."""
    if statement.kind is not Kind.SET:
        return {}
    return {
        name[len(_PREFIX) :].decode("utf-8", "replace"): value.decode("utf-8", "surrogateescape")
        for name, value in settings_in(statement.tokens)
        if name.lower().startswith(_PREFIX)
    }
