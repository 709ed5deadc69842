"""Dictionaries over tables of this warehouse: the engine knows none of the server's users, so their names are replaced.

dbt-clickhouse writes the user and password of its profile into `SOURCE(CLICKHOUSE(USER … PASSWORD … QUERY …))`.
Whoever may create a dictionary may read every table, so the engine's own user stands in, and no password is kept in a
definition.
"""

from itertools import pairwise

from warehouse.server.sql.parsing import parse
from warehouse.server.sql.statement import Kind, Statement
from warehouse.server.sql.tokens import TokenKind

_REPLACED = {b"USER": b"'default'", b"PASSWORD": b"''"}


def with_engines_user(statement: Statement) -> Statement:
    """The statement with the engine's user in the sources that name no other host."""
    found = statement.tokens
    words = {token.word for token in found}
    defines = statement.kind is Kind.DDL and {b"DICTIONARY", b"SOURCE", b"CLICKHOUSE"} <= words
    if not defines or b"HOST" in words or not words & _REPLACED.keys():
        return statement
    text, position, source = b"", 0, False
    for token, after in pairwise(found):
        source = source or token.word == b"SOURCE"
        if source and token.word in _REPLACED and after.kind is TokenKind.STRING:
            text += statement.text[position : after.start] + _REPLACED[token.word]
            position = after.end
    return parse(text + statement.text[position:])
