"""`SHOW CREATE TABLE system.x`: a server shows how its own tables look, the engine in the wheel does not."""

from warehouse.server.sql.statement import Statement

_COLUMN = (
    "concat('    `', name, '` ', type, if(default_kind = 'ALIAS', concat(' ALIAS ', default_expression), ''),"
    " if(comment = '', '', concat(' COMMENT \\'', replaceAll(comment, '\\'', '\\\\\\''), '\\'')))"
)


def system_table_shown(statement: Statement) -> bytes | None:
    """A query that gives the statement of a system table as a server would; None for every other statement."""
    words = [token.identifier for token in statement.tokens[:6]]
    plain = [word.upper() if word else b"" for word in words]
    if plain[:2] != [b"SHOW", b"CREATE"]:
        return None
    at = 3 if plain[2:3] == [b"TABLE"] else 2
    if len(words) < at + 3 or words[at] != b"system" or statement.tokens[at + 1].text != b"." or words[at + 2] is None:
        return None
    behind = statement.text[statement.tokens[at + 2].end :]
    return _query((words[at + 2] or b"").decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape") + behind


def _query(name: str) -> str:
    quoted = "'" + name.replace("\\", "\\\\").replace("'", "\\'") + "'"
    here = f"database = 'system' AND table = {quoted}"
    return (
        f"SELECT concat('CREATE TABLE system.', {quoted}, '\\n(\\n', lines, '\\n)\\nENGINE = ', engine) AS statement "
        "FROM "
        f"(SELECT arrayStringConcat(groupArray(line), ',\\n') AS lines, "
        f"throwIf(count() = 0, 'There is no table in the database `system` by this name') AS missing, "
        f"(SELECT any(engine) FROM system.tables WHERE database = 'system' AND name = {quoted}) AS engine "
        f"FROM (SELECT {_COLUMN} AS line FROM system.columns WHERE {here} ORDER BY position)) WHERE missing = 0"
    )
