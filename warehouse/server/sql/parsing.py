"""Reads one statement: kind, trailing FORMAT and SETTINGS, where an insert's data begin."""

from collections.abc import Iterator, Sequence
from itertools import chain, pairwise

from warehouse.server.sql.errors import prohibited, syntax_error
from warehouse.server.sql.insert import read_insert
from warehouse.server.sql.statement import Kind, Statement, Tail
from warehouse.server.sql.tail import read_tail
from warehouse.server.sql.tokens import Token, TokenKind, tokens

_ROWS = b"SELECT WITH FROM SHOW DESCRIBE DESC EXISTS EXPLAIN CHECK".split()
_DDL = (
    b"CREATE ALTER DROP UNDROP RENAME EXCHANGE ATTACH DETACH TRUNCATE OPTIMIZE DELETE UPDATE BACKUP RESTORE"
    b" GRANT REVOKE REPLACE MOVE COPY"
).split()
_KINDS = {
    **dict.fromkeys(_ROWS, Kind.SELECT),
    **dict.fromkeys(_DDL, Kind.DDL),
    b"INSERT": Kind.INSERT,
    b"KILL": Kind.KILL,
    b"SET": Kind.SET,
    b"USE": Kind.USE,
    b"SYSTEM": Kind.SYSTEM,
}
_ROWS_FROM_DDL = {b"BACKUP", b"RESTORE"}


def parse(query: bytes) -> Statement:
    """Read the one statement in `query`; raises StatementError when it is none, several, or uses server-side files."""
    stream = tokens(query)
    head = next(stream, None)
    if head is None or head.kind is TokenKind.END:
        raise syntax_error("Empty query.")
    if head.word == b"INSERT":
        return read_insert(query, chain((head,), stream))
    found = [head, *_until_end(query, stream)]
    kind = _kind(found)
    _refuse_files(found)
    if kind is Kind.INSERT:
        return read_insert(query, iter(found))
    whole = kind in (Kind.SET, Kind.USE) or _explains_syntax_tree(found)
    tail = Tail(found[-1].end) if whole else read_tail(found)
    rows = kind in (Kind.SELECT, Kind.KILL) or head.word in _ROWS_FROM_DDL
    return Statement(kind, query, found, tail, returns_rows=rows)


def _explains_syntax_tree(found: Sequence[Token]) -> bool:
    """`EXPLAIN AST query FORMAT x`: FORMAT and SETTINGS are shown as parts of the tree, as on a server."""
    return len(found) > 1 and found[0].word == b"EXPLAIN" and found[1].word == b"AST"


def _kind(found: Sequence[Token]) -> Kind:
    """The kind by the first word; `WITH … INSERT INTO` is an insert, an opening bracket starts a SELECT."""
    first = found[0]
    if first.text == b"(":
        return Kind.SELECT
    if first.word == b"WITH" and any(
        depth == 0 and word.word == b"INSERT" and after.word == b"INTO" for depth, word, after in _with_depth(found)
    ):
        return Kind.INSERT
    return _KINDS.get(first.word, Kind.OTHER)


def _with_depth(found: Sequence[Token]) -> Iterator[tuple[int, Token, Token]]:
    """Each pair of neighbours with the number of brackets open around the first."""
    depth = 0
    for token, after in pairwise(found):
        if token.text in (b"(", b"[", b"{"):
            depth += 1
        elif token.text in (b")", b"]", b"}"):
            depth -= 1
        yield depth, token, after


def _until_end(query: bytes, stream: Iterator[Token]) -> Iterator[Token]:
    """The tokens up to the semicolon; nothing but semicolons and comments may follow it."""
    for token in stream:
        if token.kind is TokenKind.END:
            break
        yield token
    for token in stream:
        if token.kind is not TokenKind.END:
            shown = query[token.start : token.start + 40].decode("utf-8", "replace")
            raise syntax_error(
                f"Syntax error (Multi-statements are not allowed): failed at position {token.start + 1} ({shown})"
            )


def _refuse_files(found: Sequence[Token]) -> None:
    """INTO OUTFILE and FROM INFILE would touch files of this machine, for any user."""
    if not any(token.word in (b"OUTFILE", b"INFILE") for token in found):
        return
    for token, after in pairwise(found):
        if after.word == b"OUTFILE" and token.word == b"INTO":
            raise prohibited("INTO OUTFILE is not allowed: take the answer's body instead")
        if after.word == b"INFILE" and token.word == b"FROM":
            raise prohibited("FROM INFILE is not allowed: send the data in the request's body")
