"""ClickHouse's errors: code, name, text, and the HTTP status that a server answers with."""

import re
from itertools import pairwise

#: Name of each code that this layer raises itself.
NAMES = {
    36: "BAD_ARGUMENTS",
    62: "SYNTAX_ERROR",
    81: "UNKNOWN_DATABASE",
    73: "UNKNOWN_FORMAT",
    115: "UNKNOWN_SETTING",
    159: "TIMEOUT_EXCEEDED",
    164: "READONLY",
    192: "UNKNOWN_USER",
    202: "TOO_MANY_SIMULTANEOUS_QUERIES",
    210: "NETWORK_ERROR",
    216: "QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING",
    271: "CANNOT_DECOMPRESS",
    354: "ZLIB_INFLATE_FAILED",
    372: "SESSION_NOT_FOUND",
    373: "SESSION_IS_LOCKED",
    374: "INVALID_SESSION_TIMEOUT",
    394: "QUERY_WAS_CANCELLED",
    40: "CHECKSUM_DOESNT_MATCH",
    432: "UNKNOWN_CODEC",
    452: "SETTING_CONSTRAINT_VIOLATION",
    497: "ACCESS_DENIED",
    511: "UNKNOWN_ROLE",
    512: "SET_NON_GRANTED_ROLE",
    516: "AUTHENTICATION_FAILED",
    999: "KEEPER_EXCEPTION",
    1002: "UNKNOWN_EXCEPTION",
}

#: Where ClickHouse answers something else than 500 (src/Server/HTTP/exceptionCodeToHTTPStatus.cpp, codes from
#: src/Common/ErrorCodes.cpp).
_STATUS_OF_NAMES = {
    401: "REQUIRED_PASSWORD",
    403: "UNKNOWN_USER WRONG_PASSWORD AUTHENTICATION_FAILED SET_NON_GRANTED_ROLE ACCESS_DENIED",
    400: "BAD_ARGUMENTS CANNOT_COMPILE_REGEXP CANNOT_PARSE_TEXT CANNOT_PARSE_ESCAPE_SEQUENCE"
    " CANNOT_PARSE_QUOTED_STRING CANNOT_PARSE_DATE CANNOT_PARSE_DATETIME CANNOT_PARSE_NUMBER"
    " CANNOT_PARSE_DOMAIN_VALUE_FROM_STRING CANNOT_PARSE_IPV4 CANNOT_PARSE_IPV6"
    " CANNOT_PARSE_INPUT_ASSERTION_FAILED CANNOT_PARSE_UUID DUPLICATE_COLUMN ILLEGAL_COLUMN"
    " UNKNOWN_ELEMENT_IN_AST UNKNOWN_TYPE_OF_AST_NODE THERE_IS_NO_COLUMN TOO_DEEP_AST TOO_BIG_AST"
    " UNEXPECTED_AST_STRUCTURE SYNTAX_ERROR INCORRECT_DATA TYPE_MISMATCH VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE",
    404: "UNKNOWN_TABLE UNKNOWN_FUNCTION UNKNOWN_IDENTIFIER UNKNOWN_TYPE UNKNOWN_STORAGE UNKNOWN_DATABASE"
    " UNKNOWN_SETTING UNKNOWN_DIRECTION_OF_SORTING UNKNOWN_AGGREGATE_FUNCTION UNKNOWN_FORMAT"
    " UNKNOWN_DATABASE_ENGINE UNKNOWN_TYPE_OF_QUERY UNKNOWN_ROLE",
    413: "QUERY_IS_TOO_LARGE",
    501: "NOT_IMPLEMENTED",
    503: "SOCKET_TIMEOUT CANNOT_OPEN_FILE CANNOT_SCHEDULE_TASK",
    411: "HTTP_LENGTH_REQUIRED",
    408: "TIMEOUT_EXCEEDED",
    415: "UNSUPPORTED_MEDIA_TYPE",
}
_STATUS = {name: status for status, names in _STATUS_OF_NAMES.items() for name in names.split()}

_ENGINE_TEXT = re.compile(r"Code: (\d+)\. DB::(?:Exception|NetException|ErrnoException): ", re.DOTALL)
_ENGINE_NAME = re.compile(r"\(([A-Z][A-Z0-9_]+)\)\s*(?:\(version [^()]*(?:\([^()]*\))?\))?\.?\s*\Z")

#: What this layer adds to a statement before the engine sees it, and how the engine then speaks of its data; a client
#: never wrote it and a server would not say it.
_ADDED = [
    (re.compile(r" ?INTO OUTFILE '/proc/self/fd/\d+' TRUNCATE(?: FORMAT [A-Za-z0-9]+)?"), ""),
    (re.compile(r" ?FROM INFILE '/proc/self/fd/\d+'(?: COMPRESSION '[a-z0-9]*')?"), ""),
    (re.compile(r"(?:: )?\(in file/uri /proc/self/fd/\d+\)"), ""),
    (
        re.compile(r": While executing File: data for INSERT was parsed from file"),
        ": data for INSERT was parsed from query",
    ),
    (re.compile(r": While executing File\b"), ""),
]


class ClickHouseError(Exception):
    """An error as ClickHouse reports it to a client; `message` ends without the name of the code."""

    def __init__(self, code: int, message: str, name: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message = code, message
        self.name = name or NAMES.get(code, "UNKNOWN_EXCEPTION")

    @property
    def http_status(self) -> int:
        """The status that ClickHouse's HTTP interface maps this code to."""
        return _STATUS.get(self.name, 500)

    def text(self, version: str) -> str:
        """The whole text of the answer, with the version as a server gives it."""
        return f"Code: {self.code}. DB::Exception: {self.message} ({self.name}) (version {version} (official build))\n"

    @classmethod
    def from_engine(cls, text: str) -> "ClickHouseError":
        """Read the engine's own text; of nested errors the outermost code counts once, with the rest as message."""
        heads = list(_ENGINE_TEXT.finditer(text))
        if not heads:
            return cls(1002, _as_written(text.strip()))
        message = text[heads[-1].end() :] if _doubled(text, heads) else text[heads[0].end() :]
        name = None
        while (found := _ENGINE_NAME.search(message)) and name in (None, found[1]):
            name, message = found[1], message[: found.start()].rstrip()
        message = message.strip()
        code = int(heads[-1][1] if _doubled(text, heads) else heads[0][1])
        return cls(code, _as_written(message), name)


def _as_written(text: str) -> str:
    """The text without what this layer added."""
    for pattern, replacement in _ADDED:
        text = pattern.sub(replacement, text)
    return text


def _doubled(text: str, heads: list["re.Match[str]"]) -> bool:
    """True for `Code: 1. DB::Exception: Code: 1. DB::Exception: …`, which the engine's streams write."""
    return all(first.end() == second.start() for first, second in pairwise(heads))
