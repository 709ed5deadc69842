"""Our reading of statements against the engine's own parser; the engine is always the judge."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sql_oracle import Oracle, running_oracle

from warehouse.server.sql import StatementError, parse
from warehouse.server.sql.tokens import tokens

SPACES = [*map(chr, (32, 10, 9, 13, 12, 11, 0xA0, 0x2003, 0x3000, 0x200B, 0xFEFF, 0x85, 0x2060, 0, 0x1C))]
MARKS = [*"+-*/%;;,(){}@!|?$~'`\"\\\u2212\u2018\u2019", "[1]", "!=", "::", "->", "||", "--", "/*", "*/"]
WORDS = [
    *("1", "a", "0x1F", "1e5", "1.5", ".5", "5.", "1abc", "1_0", "AS", "format", "FORMAT", "settings", "é"),
    *("x'41'", "b'01'", "x'", "`q`", '"q"', "`a``b`", "\u201cq\u201d"),
]
FRAGMENTS = [
    *MARKS,
    *WORDS,
    *("'x'", "'it''s'", "'a\\'b'", "\u2018s;\u2019", "$$ ; $$", "$t$ ' $t$", "$a b$", "x -> 1"),
    *("-- c\n", "// c\n", "# c\n", "#!c\n", "#c\n", "/* ; */", "/* /* ; */ */"),
    *("FORMAT CSV", "FORMAT TSV", "SETTINGS max_threads=1", "UNION ALL SELECT 2", "FROM numbers(1)", "LIMIT 1"),
]
TEXT = st.lists(st.sampled_from(FRAGMENTS + SPACES), min_size=0, max_size=7).map("".join)


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    with running_oracle(tmp_path_factory.mktemp("oracle")) as opened:
        opened.ask(b"CREATE DATABASE d")
        opened.ask(b"CREATE TABLE d.t (a String, b UInt8 DEFAULT 3) ENGINE = MergeTree ORDER BY a")
        yield opened


QUICK = settings(
    max_examples=400, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@QUICK
@given(text=TEXT)
def test_what_the_engine_can_read_as_one_query_we_read_as_one_statement(oracle: Oracle, text: str) -> None:
    sql = ("SELECT 1 " + text).encode()
    # A subquery holds exactly one query: the engine refuses it when a semicolon ends the text inside.
    alone = oracle.ask(b"EXPLAIN AST SELECT * FROM (" + sql + b"\n)")
    if alone.accepted:
        assert parse(sql).text == sql


@QUICK
@given(
    first=TEXT,
    second=st.sampled_from(["SELECT 2", "DROP TABLE d.none", "(SELECT 3)", "INSERT INTO d.t VALUES ('x',1)"]),
)
def test_a_second_statement_that_the_engine_would_run_is_refused(oracle: Oracle, first: str, second: str) -> None:
    sql = ("SELECT 1 " + first + "\n;" + second).encode()
    marker = sql.replace(second.encode(), b"SELECT 'second' || 'ran'")
    if b"secondran" in oracle.ask(marker).output:
        with pytest.raises(StatementError) as refused:
            parse(sql)
        assert refused.value.code == 62


@QUICK
@given(text=TEXT)
def test_rows_through_the_pipe_are_the_rows_of_the_engine(oracle: Oracle, text: str) -> None:
    sql = ("SELECT 'a\\tb', 1 AS format, 2 AS q, 3 AS a FROM numbers(1) " + text).encode()
    direct = oracle.ask(sql)
    try:
        parse(sql)
    except StatementError:
        assert not direct.accepted or b";" in sql
        return
    piped = oracle.ask(sql, way="to_pipe")
    assert piped.accepted == direct.accepted, (direct, piped)
    if direct.accepted:
        assert piped.output == direct.output


@QUICK
@given(text=TEXT)
def test_a_text_that_our_lexer_cannot_cut_is_no_query_of_the_engine(oracle: Oracle, text: str) -> None:
    sql = ("SELECT 1 " + text).encode()
    try:
        list(tokens(sql))
    except StatementError:
        assert not oracle.ask(sql).accepted or b";" in sql


@QUICK
@given(
    inner=st.text(alphabet="abeflNrv=/\t'`\"\\x4gnt0\u2018\u2019\u201c\u201d$", max_size=6),
    quote=st.sampled_from(["'", "`", '"']),
)
def test_a_quoted_text_means_to_us_what_it_means_to_the_engine(oracle: Oracle, inner: str, quote: str) -> None:
    quoted = (quote + inner + quote).encode()
    sql = b"SELECT " + quoted if quote == "'" else b"SELECT 1 AS " + quoted
    suffix = b"" if quote == "'" else b"WithNames"
    said = oracle.ask(sql + b"\nFORMAT RowBinary" + suffix)
    if not said.accepted:
        return
    found = list(tokens(sql))
    if len(found) != (2 if quote == "'" else 4):
        return  # the inner quotes made it several tokens
    meant = found[-1].value if quote == "'" else found[-1].identifier
    assert meant is not None
    size = bytes([len(meant)])
    assert said.output.startswith(size + meant if quote == "'" else b"\x01" + size + meant)


@pytest.mark.parametrize(
    "sql",
    [
        "SHOW TABLES FROM d SETTINGS max_threads=1 FORMAT CSV",
        "SHOW TABLES FROM d FORMAT CSV SETTINGS max_threads=1",
        "SHOW TABLES FROM d SETTINGS max_threads=1;",
        "DESCRIBE TABLE d.t FORMAT JSONEachRow",
        "DESC d.t",
        "EXISTS TABLE d.t",
        "EXPLAIN SELECT 1",
        "EXPLAIN SYNTAX SELECT 1 FORMAT TSVRaw",
        "CHECK TABLE d.t",
        "SHOW CREATE TABLE d.t FORMAT TSVRaw",
        "(SELECT 1) UNION ALL (SELECT 2)",
        "WITH 1 AS x SELECT x SETTINGS max_threads=1 FORMAT CSV SETTINGS max_block_size=5",
        "FROM numbers(2) SELECT number",
        "SELECT format FROM (SELECT 1 AS format)",
        "SELECT 1 AS settings, 2 AS format FORMAT `CSV`",
        "SELECT * FROM numbers(1) AS format FORMAT CSV",
        "WITH 1 AS format SELECT 2 * format x",
        "SELECT * FORMAT CSV",
        "SELECT 1 FORMAT Null",
        "SELECT 1 -- FORMAT CSV",
        "SELECT 'FORMAT CSV' /* FORMAT CSV */",
        "SELECT 1;;  ; -- end",
        "SHOW DATABASES LIKE 'd'",
        "KILL QUERY WHERE query_id = 'nobody' FORMAT CSVWithNames",
    ],
)
def test_these_statements_answer_through_the_pipe_as_they_do_directly(oracle: Oracle, sql: str) -> None:
    direct = oracle.ask(sql.encode())
    assert direct.accepted, direct.error
    assert parse(sql.encode()).returns_rows
    assert oracle.ask(sql.encode(), way="to_pipe") == direct


INSERTS = [
    ("INSERT INTO d.u VALUES ('x',1),('y', 2)", b"x\t1\ny\t2\n"),
    ("INSERT INTO d.u(a) VALUES ('x')", b"x\t3\n"),
    ("insert into table d.u (a, b) format CSV\nx,1\n", b"x\t1\n"),
    ("INSERT INTO d.u FORMAT CSV x,1", b"x\t1\n"),
    ("INSERT INTO d.u FORMAT CSV \t\r\nx,1", b"x\t1\n"),
    ("INSERT INTO d.u (* EXCEPT(b)) FORMAT TSV\nx\n", b"x\t3\n"),
    ("INSERT INTO d.u (* EXCEPT b) SETTINGS async_insert=0 FORMAT TSV\nx\n", b"x\t3\n"),
    ("INSERT INTO d.u SETTINGS max_threads=1, max_block_size=10 VALUES ('x', 1)", b"x\t1\n"),
    ("INSERT INTO d.u FORMAT Values ('a;b', 1); ", b"a;b\t1\n"),
    ("INSERT INTO d.`u` (`a`) /* FORMAT CSV */ VALUES -- c\n('x')", b"x\t3\n"),
    ("INSERT INTO TABLE FUNCTION remote('127.0.0.1', d.u) VALUES ('x', 1)", b"x\t1\n"),
    ('INSERT INTO d.u FORMAT JSONEachRow {"a":"x","b":1}', b"x\t1\n"),
    ("INSERT INTO d.u FORMAT TSV\n-- not a comment\t1\n", b"-- not a comment\t1\n"),
    ("INSERT INTO d.u SELECT upper(s), 1 FROM input('s String') FORMAT CSV\nx\n", b"X\t1\n"),
    ("INSERT INTO d.u (a) SELECT s FROM input('s String') WHERE s != 'FORMAT' FORMAT TSV\nx\n", b"x\t3\n"),
    ("INSERT INTO d.u WITH 2 AS n SELECT s, n FROM input('s String') FORMAT TSV\nx\n", b"x\t2\n"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "rows"), INSERTS)
def test_an_insert_with_its_data_through_the_pipe_stores_the_same_rows(oracle: Oracle, sql: str, rows: bytes) -> None:
    oracle.ask(b"CREATE OR REPLACE TABLE d.u (a String, b UInt8 DEFAULT 3) ENGINE = MergeTree ORDER BY a")
    said = oracle.ask(sql.encode(), way="from_pipe")
    assert said.accepted, said.error
    assert oracle.ask(b"SELECT * FROM d.u ORDER BY a").output == rows


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO d.u SELECT 'x', 1 FORMAT CSV",
        "INSERT INTO d.u (a) SELECT 'x' SETTINGS max_threads=1",
        "INSERT INTO d.u (SELECT 'x', 1)",
        "INSERT INTO d.u FROM numbers(1) SELECT 'x', 1;",
        "WITH 'x' AS z INSERT INTO d.u (a) SELECT z",
        "INSERT INTO d.u SETTINGS max_threads=1 SELECT 'x', 1",
    ],
)
def test_an_insert_from_a_query_goes_to_the_engine_as_it_is(oracle: Oracle, sql: str) -> None:
    oracle.ask(b"CREATE OR REPLACE TABLE d.u (a String, b UInt8 DEFAULT 3) ENGINE = MergeTree ORDER BY a")
    statement = parse(sql.encode())
    assert (statement.needs_data, statement.inline_data, statement.returns_rows) == (False, None, False)
    said = oracle.ask(statement.engine_text())
    assert said.accepted, said.error
    assert oracle.ask(b"SELECT a FROM d.u").output == b"x\n"


def test_explain_ast_shows_format_and_settings_as_parts_of_the_tree(oracle: Oracle) -> None:
    statement = parse(b"EXPLAIN AST SELECT 'seen' SETTINGS max_threads = 1 FORMAT CSV")
    assert (statement.format, statement.settings) == (None, {})
    said = oracle.ask(statement.engine_text())
    assert said.output.endswith(b" Identifier CSV\n")
