"""The SQL text layer of the embedded warehouse: what a statement is, who may run it, how its data are piped."""

from warehouse.server.sql.access import Access, authorise
from warehouse.server.sql.control import rewrite_for_control
from warehouse.server.sql.errors import StatementError
from warehouse.server.sql.parsing import parse
from warehouse.server.sql.reach import refuse_setting
from warehouse.server.sql.session_names import set_parameters, used_database
from warehouse.server.sql.statement import Kind, Statement

__all__ = [
    "Access",
    "Kind",
    "Statement",
    "StatementError",
    "authorise",
    "parse",
    "refuse_setting",
    "rewrite_for_control",
    "set_parameters",
    "used_database",
]
