"""Reads the head of an INSERT up to its data, which may be a gigabyte and are never looked at."""

from collections.abc import Iterator

from warehouse.server.sql.errors import prohibited, syntax_error
from warehouse.server.sql.statement import Kind, Statement, Tail
from warehouse.server.sql.tail import operator_expected, settings_of
from warehouse.server.sql.tokens import Token, TokenKind

_OPENING, _CLOSING = (b"(", b"[", b"{"), (b")", b"]", b"}")
_SELECT_STARTS = (b"SELECT", b"WITH", b"FROM")


class _Head:
    """The tokens of an INSERT, read one by one and only as far as its data."""

    def __init__(self, query: bytes, stream: Iterator[Token]) -> None:
        self.query = query
        self.stream = stream
        self.read: list[Token] = []
        self.ended_by: Token | None = None

    def take(self) -> Token | None:
        """The next token, or None at a semicolon or at the end."""
        token = next(self.stream, None)
        if token is None or token.kind is TokenKind.END:
            self.ended_by = token
            return None
        self.read.append(token)
        return token

    def give_back(self) -> None:
        """Forget the newest token: it does not belong to the head's plain part."""
        self.read.pop()

    def brackets(self) -> None:
        """Read on until the bracket that was just opened is closed."""
        depth = 1
        while depth:
            token = self.take()
            if token is None:
                raise syntax_error("Syntax error: unmatched parentheses in INSERT")
            depth += (token.text in _OPENING) - (token.text in _CLOSING)

    def refuse_a_second_statement(self) -> None:
        """Behind the semicolon of an INSERT without data nothing may follow."""
        for token in self.stream:
            if token.kind is not TokenKind.END:
                raise syntax_error(
                    f"Syntax error (Multi-statements are not allowed): failed at position {token.start + 1}"
                )


def read_insert(query: bytes, stream: Iterator[Token]) -> Statement:
    """An INSERT of any form, also with WITH in front of it."""
    head = _Head(query, stream)
    _read_target(head)
    settings_at: int | None = None
    plain_end = head.read[-1].end
    while (token := head.take()) is not None:
        word = token.word
        if word == b"FROM":
            following = head.take()
            if following is not None and following.word == b"INFILE":
                raise prohibited("FROM INFILE is not allowed: send the data in the request's body")
            return _read_select(head)
        if word in _SELECT_STARTS:
            return _read_select(head)
        if word in (b"VALUES", b"FORMAT"):
            return _with_data(head, word, plain_end, settings_at)
        if word == b"SETTINGS" and settings_at is None:
            settings_at = len(head.read) - 1
        elif token.text == b"(":
            following = head.take()
            if following is not None and settings_at is None and following.word in _SELECT_STARTS:
                return _read_select(head)
            if following is not None and following.text != b")":
                _close(head, following)
            plain_end = head.read[-1].end if settings_at is None else plain_end
        elif settings_at is None:
            plain_end = token.end
    raise syntax_error(
        f"Syntax error: failed at position {head.read[-1].end + 1} (end of query): . "
        "Expected one of: SETTINGS, VALUES, FORMAT, SELECT, WITH, FROM."
    )


def _close(head: _Head, opened: Token) -> None:
    """Read a bracket to its end when its first token `opened` has been read."""
    if opened.text in _OPENING:
        head.brackets()
    head.brackets()


def _read_target(head: _Head) -> None:
    """`[WITH …] INSERT INTO [TABLE] [FUNCTION f(…)] [db.]table`; names may equal keywords."""
    previous = b""
    while (token := head.take()) is not None:
        if token.text == b"(":
            head.brackets()
        elif previous == b"INSERT" and token.word == b"INTO":
            break
        previous = token.word
    token = head.take()
    if token is not None and token.word == b"TABLE":
        following = head.take()
        if following is not None and following.text != b".":
            token = following
        else:
            head.give_back() if following is not None else None
            raise syntax_error("Syntax error: a table called TABLE must be quoted in INSERT")
    if token is None:
        raise syntax_error("Syntax error: INSERT without a table")
    if token.word == b"FUNCTION":
        _read_function(head)
        return
    _read_name(head, token)


def _read_function(head: _Head) -> None:
    """The table function behind FUNCTION with its arguments."""
    head.take()
    opened = head.take()
    if opened is None or opened.text != b"(":
        raise syntax_error("Syntax error: INSERT INTO FUNCTION without arguments")
    head.brackets()


def _read_name(head: _Head, first: Token) -> None:
    """`table`, `db.table` or `{t:Identifier}` in either place."""
    if first.text == b"{":
        head.brackets()
    saved = next(head.stream, None)
    while saved is not None and saved.text == b".":
        head.read.append(saved)
        part = head.take()
        if part is not None and part.text == b"{":
            head.brackets()
        saved = next(head.stream, None)
    head.stream = _chain(saved, head.stream)


def _chain(first: Token | None, rest: Iterator[Token]) -> Iterator[Token]:
    if first is not None:
        yield first
    yield from rest


def _with_data(head: _Head, word: bytes, plain_end: int, settings_at: int | None) -> Statement:
    """The data begin behind VALUES, or behind FORMAT and its name."""
    keyword = head.read[-1]
    span, settings = _settings(head, settings_at)
    if word == b"VALUES":
        return _statement(head, Tail(plain_end, "Values", None, span, settings), keyword.end)
    name = head.take()
    written = name.identifier if name is not None else None
    if name is None or written is None:
        raise syntax_error("Syntax error: FORMAT without a name in INSERT")
    tail = Tail(plain_end, written.decode("utf-8", "replace"), (keyword.start, name.end), span, settings)
    return _statement(head, tail, _data_behind(head.query, name.end))


def _settings(head: _Head, at: int | None) -> tuple[tuple[int, int] | None, dict[str, str]]:
    if at is None:
        return None, {}
    clause = head.read[at:-1]
    return (clause[0].start, clause[-1].end), settings_of(clause[1:])


def _data_behind(query: bytes, position: int) -> int:
    """Blanks on the line are skipped, then at most one line end; the rest is data, as the engine reads it."""
    size = len(query)
    while position < size and query[position] in b" \t\f":
        position += 1
    if query[position : position + 1] == b";":
        if query[position + 1 :].strip():
            raise syntax_error("You have excessive ';' symbol before data for INSERT.")
        return size
    position += query[position : position + 1] == b"\r"
    return position + (query[position : position + 1] == b"\n")


def _statement(head: _Head, tail: Tail, data_at: int) -> Statement:
    data = head.query[data_at:]
    return Statement(
        Kind.INSERT,
        head.query[: head.read[-1].end],
        tuple(head.read),
        tail,
        inline_data=data or None,
        needs_data=not data,
        data_at=data_at,
    )


def _read_select(head: _Head) -> Statement:
    """INSERT … SELECT; only with `input()` does FORMAT announce data behind it."""
    depth, call = 0, None
    while (token := head.take()) is not None:
        if token.text == b"(" and call is None and len(head.read) > 1 and _is_input(head.read[-2]):
            call = len(head.read) - 2
        depth += (token.text in _OPENING) - (token.text in _CLOSING)
        if depth <= 0 and token.word == b"FORMAT" and operator_expected(head.read, len(head.read) - 1):
            name = head.take()
            if name is not None and name.identifier is not None and call is not None:
                return _select_with_data(head, call, token, name)
    head.refuse_a_second_statement()
    end = head.read[-1].end
    return Statement(Kind.INSERT, head.query[:end], tuple(head.read), Tail(end), input_call=_input_call(head, call))


def _is_input(token: Token) -> bool:
    return token.identifier is not None and token.identifier.lower() == b"input"


def _input_call(head: _Head, at: int | None) -> tuple[int, int, bytes] | None:
    """Start and end of `input('structure')` and the literal between its brackets."""
    if at is None or len(head.read) < at + 4 or head.read[at + 3].text != b")":
        return None
    structure = head.read[at + 2]
    if structure.kind is not TokenKind.STRING:
        return None
    return head.read[at].start, head.read[at + 3].end, structure.text


def _select_with_data(head: _Head, call: int, keyword: Token, name: Token) -> Statement:
    written = (name.identifier or b"").decode("utf-8", "replace")
    data_at = _data_behind(head.query, name.end)
    data = head.query[data_at:]
    tail = Tail(keyword.start, written, (keyword.start, name.end))
    return Statement(
        Kind.INSERT,
        head.query[: name.end],
        tuple(head.read),
        tail,
        inline_data=data or None,
        needs_data=not data,
        data_at=data_at,
        input_call=_input_call(head, call),
    )
