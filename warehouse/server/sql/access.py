"""Who may run what: decides on the statement's tokens, so that quoting, case and comments hide nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from warehouse.server.sql.errors import StatementError, access_denied
from warehouse.server.sql.names import LOCAL, SYSTEM_DATABASES
from warehouse.server.sql.parsing import parse
from warehouse.server.sql.reach import query_in_a_dictionary, refuse_kept_settings, refuse_reaching_out
from warehouse.server.sql.readers import refuse_foreign_tables, refuse_writing
from warehouse.server.sql.statement import Kind, Statement
from warehouse.server.sql.targets import changes_system


@dataclass(frozen=True)
class Access:
    """Who asks, and in which database and with which query parameters names are to be understood.

    `parameters` are the values of `param_*` of the request and of its session, without the prefix;
    `locked_settings` the settings that the user's own limits fix.
    """

    user: str
    read_only: bool
    database: str = "default"
    parameters: Mapping[str, str] = field(default_factory=dict)
    locked_settings: frozenset[str] = frozenset()


def authorise(statement: Statement, access: Access) -> None:
    """Raise StatementError when `access` does not allow `statement`."""
    if access.read_only:
        refuse_writing(statement)
    values = _identifier_parameters(statement, access)
    refuse_reaching_out(statement)
    refuse_kept_settings(statement, access.locked_settings)
    if statement.kind in (Kind.DDL, Kind.INSERT):
        _refuse_changing_system(statement, access, values)
    if access.read_only:
        refuse_foreign_tables(statement, access.database, list(values.values()))
    for query in query_in_a_dictionary(statement):
        authorise(parse(query), access)


def _identifier_parameters(statement: Statement, access: Access) -> dict[bytes, bytes]:
    """The value of each `{name:Identifier}`; it may stand for a function where the engine expects one."""
    found, values = statement.tokens, {}
    if b"{" not in statement.text:
        return {}
    for at in range(len(found) - 4):
        is_parameter = found[at].text == b"{" and found[at + 2].text == b":" and found[at + 4].text == b"}"
        if not is_parameter or found[at + 3].text.lower() != b"identifier":
            continue
        name = found[at + 1].text
        value = access.parameters.get(name.decode("utf-8", "replace"))
        if value is None:
            text = f"Substitution `{name.decode('utf-8', 'replace')}` is not set"
            raise StatementError(456, "UNKNOWN_QUERY_PARAMETER", text)
        values[name] = value.encode("utf-8", "surrogateescape")
        if values[name].lower() in LOCAL:
            raise access_denied(f"Not enough privileges: `{value}` cannot be the value of an identifier parameter")
    return values


def _refuse_changing_system(statement: Statement, access: Access, values: dict[bytes, bytes]) -> None:
    inside = access.database.lower().encode() in SYSTEM_DATABASES and statement.tokens[0].word != b"BACKUP"
    if inside or changes_system(statement, values):
        raise access_denied(
            "Not enough privileges: the databases `system` and INFORMATION_SCHEMA belong to the engine; "
            "choose another database"
        )
