"""What is refused, to whom, and by which tricks one might try to get round it; and what must never be refused."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sql_oracle import Oracle, running_oracle

from warehouse.server.sql import Access, StatementError, authorise, parse
from warehouse.server.sql.readers import known_table_functions

ETL = Access("etl", read_only=False)
READER = Access("reader", read_only=True)


def code_of(sql: str, access: Access) -> int | None:
    """The code with which the statement is refused, or None."""
    try:
        authorise(parse(sql.encode()), access)
    except StatementError as refusal:
        return refusal.code
    return None


SEVERAL = [
    "SELECT 1; SELECT 2",
    "SELECT 1;DROP TABLE x",
    "SELECT 1 /* ; */ ; -- c\n DROP TABLE x",
    "SELECT ';' ; SELECT 1",
    "SELECT $$;$$; SELECT 1",
    "SELECT `;`;SELECT 1",
    "SELECT 1;\u00a0SELECT 2",
    "SELECT 1;;;(SELECT 2)",
    "INSERT INTO t SELECT 1; DROP TABLE t",
    "SET a = 1; SELECT 1",
    "",
    " -- nothing\n",
    ";",
]


@pytest.mark.parametrize("sql", SEVERAL)
@pytest.mark.parametrize("access", [ETL, READER])
def test_a_text_holds_exactly_one_statement(sql: str, access: Access) -> None:
    assert code_of(sql, access) == 62


FILES_OF_THE_MACHINE = [
    "SELECT 1 INTO OUTFILE '/tmp/x'",
    "select 1 into\n/**/ outfile '/tmp/x' truncate format CSV",
    "SELECT 1 INTO -- c\nOUTFILE $$/tmp/x$$",
    "(SELECT 1) INTO OUTFILE '/tmp/x'",
    "SHOW TABLES INTO OUTFILE '/tmp/x'",
    "EXPLAIN SELECT 1 INTO OUTFILE '/tmp/x'",
    "SELECT 1 INTO\u00a0OUTFILE '/tmp/x'",
    "INSERT INTO t FROM INFILE '/etc/passwd' FORMAT CSV",
    "INSERT INTO t (a) from/**/infile '/etc/passwd' SETTINGS a=1 FORMAT CSV",
    "INSERT INTO FUNCTION null('a String') FROM INFILE '/etc/passwd' FORMAT CSV",
]


@pytest.mark.parametrize("sql", FILES_OF_THE_MACHINE)
@pytest.mark.parametrize("access", [ETL, READER])
def test_nobody_writes_or_reads_files_by_a_clause(sql: str, access: Access) -> None:
    assert code_of(sql, access) in (392, 164)


REACHING_OUT = [
    "SELECT file('{secret}')",
    "SELECT `file`('{secret}')",
    "SELECT \"file\" ('{secret}')",
    "SELECT \u201cfile\u201d('{secret}')",
    "SELECT file/* c */('{secret}')",
    "SELECT file -- c\n ('{secret}')",
    "SELECT file\u00a0('{secret}')",
    "SELECT `fi\\x6ce`('{secret}')",
    "SELECT `fi\\Nle`('{secret}')",
    "SELECT 1 WHERE file('{secret}') != ''",
    "SELECT * FROM (SELECT * FROM (SELECT file('{secret}')))",
    "WITH x -> file(x) AS f SELECT f('{secret}')",
    "WITH t AS (SELECT file('{secret}')) SELECT * FROM t",
    "SELECT 1 IN (SELECT file('{secret}'))",
    "SELECT arrayMap(x -> file(x), ['{secret}'])",
    "SELECT arrayMap(file, ['{secret}'])",
    "SELECT arrayMap(`file`, ['{secret}'])",
    "SELECT arrayMap((file), ['{secret}'])",
    "SELECT arrayMap(((file)), ['{secret}'])",
    "SELECT arrayMap(file AS g, ['{secret}'])",
    "SELECT * APPLY file FROM (SELECT '{secret}')",
    "SELECT * APPLY(file) FROM (SELECT '{secret}')",
    "SELECT COLUMNS('x') APPLY file FROM (SELECT '{secret}' AS x)",
    "SELECT * REPLACE(file(x) AS x) FROM (SELECT '{secret}' AS x)",
    "SELECT x FROM (SELECT '{secret}' AS x) ORDER BY file(x)",
    "SELECT * FROM file('{secret}', LineAsString)",
    "SELECT * FROM `file`('{secret}', 'LineAsString')",
    "SELECT * FROM FILE('{secret}', LineAsString)",
    "SELECT * FROM view(SELECT * FROM file('{secret}', LineAsString))",
    "SELECT * FROM numbers(1) AS a, file('{secret}', LineAsString) AS b",
    "SELECT * FROM numbers(1) AS a JOIN file('{secret}', LineAsString) AS b ON 1",
    "SELECT 1 UNION ALL SELECT length(line) FROM file('{secret}', LineAsString)",
    "SELECT * FROM url('file://{secret}', LineAsString)",
    "SELECT * FROM url(' FILE://{secret}', LineAsString)",
    "SELECT * FROM url(concat('fi', 'le://{secret}'), LineAsString)",
    "DESCRIBE TABLE file('{secret}', CSV)",
    "DESC file('{secret}', CSV)",
    "DESCRIBE (SELECT file('{secret}'))",
    "EXPLAIN SELECT file('{secret}')",
    "EXPLAIN SYNTAX SELECT file('{secret}')",
    "EXPLAIN QUERY TREE SELECT file('{secret}')",
    "EXPLAIN ANALYZE SELECT file('{secret}')",
    "SELECT * FROM (EXPLAIN SELECT file('{secret}'))",
    "SELECT * FROM fileCluster('default', '{secret}', LineAsString)",
    "SELECT * FROM executable('x.sh', TSV, 'a String')",
    "SELECT * FROM Python(handle)",
    "SELECT * FROM python('sys')",
    "SELECT * FROM sqlite('{secret}', 't')",
    "SELECT * FROM filesystem('{secret}')",
    "SELECT * FROM eval('SELECT 1')",
]
REACHING_OUT_BY_WRITING = [
    "INSERT INTO FUNCTION file('/tmp/x', CSV, 'a String') VALUES ('x')",
    "INSERT INTO TABLE FUNCTION `file`('/tmp/x', CSV, 'a String') SELECT 'x'",
    "INSERT INTO t SELECT * FROM file('{secret}')",
    "CREATE TABLE t ENGINE = File(CSV, '{secret}')",
    "CREATE TABLE t (a String) ENGINE = `File`('CSV', '{secret}')",
    "CREATE TABLE t AS file('{secret}')",
    "CREATE VIEW v AS SELECT file('{secret}')",
    "CREATE VIEW v AS SELECT * FROM file('{secret}')",
    "CREATE FUNCTION f AS x -> file(x)",
    "CREATE TABLE t (a String DEFAULT file('{secret}')) ENGINE = Memory",
    "CREATE TABLE t ENGINE = URL('file://{secret}', CSV)",
    "CREATE TABLE t (a String) ENGINE = Executable('x.sh', TSV)",
    "CREATE TABLE t (a String) ENGINE = ExecutablePool('x.sh', TSV)",
    "CREATE TABLE t (a String) ENGINE = SQLite('{secret}', 't')",
    "CREATE TABLE t (a String) ENGINE = FileLog('/var/log', CSV)",
    "CREATE DATABASE x ENGINE = Filesystem('/')",
    "CREATE DATABASE x ENGINE=Filesystem",
    "CREATE DICTIONARY d (a String) PRIMARY KEY a SOURCE(FILE(path '{secret}' format CSV)) LAYOUT(FLAT())",
    "CREATE DICTIONARY d (a String) PRIMARY KEY a SOURCE(EXECUTABLE(command 'id' format TSV)) LAYOUT(FLAT())",
    "CREATE DICTIONARY d (a String) PRIMARY KEY a SOURCE(HTTP(url 'file://{secret}' format CSV)) LAYOUT(FLAT())",
    "CREATE DICTIONARY d (a String) PRIMARY KEY a SOURCE(CLICKHOUSE(query 'SELECT file(''{secret}'')')) LAYOUT(FLAT())",
    "ATTACH TABLE t FROM '/tmp/x' (a String) ENGINE = MergeTree ORDER BY a",
    "ALTER TABLE t UPDATE a = file('{secret}') WHERE 1",
    "ALTER TABLE t ADD COLUMN a String DEFAULT file('{secret}')",
    "CREATE TABLE a (x Int8) ENGINE=Memory PARALLEL WITH CREATE TABLE b ENGINE = File(CSV, '{secret}')",
]


@pytest.mark.parametrize("access", [ETL, READER])
@pytest.mark.parametrize("sql", REACHING_OUT)
def test_nobody_reads_files_programs_or_objects_of_the_server_process(sql: str, access: Access) -> None:
    assert code_of(sql.replace("{secret}", "/etc/passwd"), access) == 497


@pytest.mark.parametrize("sql", REACHING_OUT_BY_WRITING)
def test_no_definition_reaches_out_either(sql: str) -> None:
    assert code_of(sql.replace("{secret}", "/etc/passwd"), ETL) == 497
    assert code_of(sql.replace("{secret}", "/etc/passwd"), READER) in (164, 497)


@pytest.mark.parametrize("value", ["file", "FILE", "python"])
def test_an_identifier_parameter_cannot_smuggle_in_a_function(value: str) -> None:
    statement = parse(b"SELECT arrayMap({f:Identifier}, ['/etc/passwd'])")
    with pytest.raises(StatementError) as refused:
        authorise(statement, Access("reader", True, parameters={"f": value}))
    assert refused.value.code == 497
    authorise(statement, Access("reader", True, parameters={"f": "upper"}))
    with pytest.raises(StatementError) as unknown:
        authorise(statement, READER)
    assert unknown.value.code == 456


SYSTEM_TARGETS = [
    "DROP TABLE system.one",
    "drop table `system`.one",
    'DROP TABLE "system" . one',
    "DROP/**/TABLE\nIF EXISTS system/**/.one",
    "DROP TABLE `sys\\x74em`.one",
    "DROP TABLE \u201csystem\u201d.one",
    "DROP TABLE d.x, system.one",
    "DROP DATABASE system",
    "DROP DATABASE IF EXISTS information_schema",
    "DROP DATABASE `INFORMATION_SCHEMA`",
    "DETACH TABLE system.query_log PERMANENTLY",
    "DETACH DATABASE system",
    "TRUNCATE TABLE system.query_log",
    "TRUNCATE system.query_log",
    "TRUNCATE ALL TABLES FROM system",
    "CREATE TABLE system.x (a Int8) ENGINE = Memory",
    "CREATE OR REPLACE VIEW system.query_log AS SELECT 1",
    "CREATE MATERIALIZED VIEW x TO system.engine_query_log AS SELECT 1",
    "CREATE DATABASE system",
    "CREATE DICTIONARY system.d (a Int8) PRIMARY KEY a SOURCE(NULL()) LAYOUT(FLAT())",
    "ALTER TABLE system.query_log DELETE WHERE 1",
    "ALTER TABLE t MOVE PARTITION 1 TO TABLE system.t",
    "RENAME TABLE a TO system.b",
    "RENAME TABLE system.one TO a",
    "RENAME DATABASE a TO system",
    "EXCHANGE TABLES a AND system.one",
    "OPTIMIZE TABLE system.query_log FINAL",
    "DELETE FROM system.query_log WHERE 1",
    "UPDATE system.query_log SET a = 1 WHERE 1",
    "UNDROP TABLE system.x",
    "RESTORE TABLE system.x FROM File('x')",
    "INSERT INTO system.one VALUES (1)",
    "INSERT INTO TABLE system.one SELECT 1",
    "INSERT INTO `system`.`engine_query_log` FORMAT CSV",
    "WITH 1 AS x INSERT INTO system.one SELECT x",
    "INSERT INTO FUNCTION remote('127.0.0.1', system.one) VALUES (1)",
    "INSERT INTO FUNCTION remote('127.0.0.1', 'system', 'one') VALUES (1)",
    "INSERT INTO FUNCTION remote('127.0.0.1', 'system.one') VALUES (1)",
    "INSERT INTO FUNCTION cluster('default', system, engine_query_log) SELECT 1",
    "CREATE TABLE x AS d.y ENGINE = Distributed('default', system, engine_query_log)",
    "CREATE TABLE x (a Int8) ENGINE = Buffer(system, engine_query_log, 1, 1, 1, 1, 1, 1, 1)",
    "CREATE TABLE a (x Int8) ENGINE = Memory PARALLEL WITH DROP TABLE system.one",
    "DROP TABLE a PARALLEL WITH TRUNCATE TABLE system.query_log",
]


@pytest.mark.parametrize("sql", SYSTEM_TARGETS)
def test_nobody_changes_the_engines_own_databases(sql: str) -> None:
    assert code_of(sql, ETL) == 497
    assert code_of(sql, READER) == 164


@pytest.mark.parametrize(
    "sql", ["DROP TABLE one", "INSERT INTO one VALUES (1)", "CREATE TABLE x (a Int8) ENGINE = Memory"]
)
@pytest.mark.parametrize("database", ["system", "INFORMATION_SCHEMA", "information_schema"])
def test_the_current_database_counts_for_plain_names(sql: str, database: str) -> None:
    assert code_of(sql, Access("etl", False, database=database)) == 497
    assert code_of(sql, Access("etl", False, database="analytics")) is None


@pytest.mark.parametrize(
    ("sql", "parameters"),
    [
        ("DROP TABLE {d:Identifier}.one", {"d": "system"}),
        ("DROP TABLE { d : Identifier } . {t:Identifier}", {"d": "system", "t": "one"}),
        ("INSERT INTO {d:Identifier}.one VALUES", {"d": "system"}),
        ("DROP DATABASE {d:Identifier}", {"d": "information_schema"}),
    ],
)
def test_a_parameter_may_not_stand_for_the_engines_database(sql: str, parameters: dict[str, str]) -> None:
    assert code_of(sql, Access("etl", False, parameters=parameters)) == 497
    assert code_of(sql, Access("etl", False, parameters={**parameters, "d": "analytics"})) is None


WRITES = [
    "INSERT INTO t VALUES (1)",
    "CREATE TABLE t (a Int8) ENGINE = Memory",
    "CREATE TEMPORARY TABLE t (a Int8)",
    "CREATE VIEW v AS SELECT 1",
    "ALTER TABLE t DELETE WHERE 1",
    "DELETE FROM t WHERE 1",
    "OPTIMIZE TABLE t",
    "TRUNCATE TABLE t",
    "SYSTEM STOP MERGES",
    "system flush logs",
    "SYSTEM SHUTDOWN",
    "BACKUP TABLE t TO File('x')",
    "RESTORE TABLE t FROM File('x')",
    "KILL MUTATION WHERE 1",
    "GRANT SELECT ON *.* TO x",
    "EXECUTE AS etl SELECT 1",
    "SELECT 1 PARALLEL WITH DROP TABLE t",
    "/* SELECT */ DROP TABLE t",
    "WITH 1 AS x INSERT INTO t SELECT x",
]


@pytest.mark.parametrize("sql", WRITES)
def test_a_reader_changes_nothing(sql: str) -> None:
    assert code_of(sql, READER) == 164


FOREIGN = [
    "SELECT * FROM url('http://x/', CSV, 'a String')",
    "DESCRIBE TABLE url('http://x/')",
    "DESCRIBE TABLE s3('http://x/')",
    "SELECT * FROM remote('10.0.0.1', d.t)",
    "DESC mysql('h:1', 'd', 't', 'u', 'p')",
    "SELECT * FROM postgresql('h:1', 'd', 't', 'u', 'p')",
    "SELECT * FROM system.engine_query_log",
    'SELECT * FROM `system`."engine_query_log"',
    "SELECT * FROM merge('system', '^engine_')",
    "SELECT * FROM merge(system, 'query_log')",
    "SELECT * FROM merge(REGEXP('sys.*'), 'log')",
    "SELECT * FROM merge(concat('sys', 'tem'), 'log')",
    "SELECT * FROM clusterAllReplicas('default', system.engine_query_log)",
    "SELECT * FROM clusterAllReplicas('default', 'system', 'engine_query_log')",
    "SELECT * FROM cluster('default', 'system.engine_text_log')",
    "SELECT * FROM system.users",
    "SELECT * FROM system.query_cache",
    "SELECT * FROM system.asynchronous_inserts",
    "EXPLAIN SELECT * FROM system.engine_query_log",
    "DESCRIBE TABLE system.engine_query_log",
    "SELECT 1 IN (SELECT count() FROM system.engine_query_log)",
    "WITH x AS (SELECT * FROM system.engine_query_log) SELECT * FROM x",
]


@pytest.mark.parametrize("sql", FOREIGN)
def test_a_reader_sees_no_other_machine_and_no_other_users_rows(sql: str) -> None:
    assert code_of(sql, READER) == 497


def test_a_reader_reaches_withheld_tables_neither_by_current_database_nor_by_parameter() -> None:
    assert code_of("SELECT * FROM engine_query_log", Access("reader", True, database="system")) == 497
    assert code_of("SELECT * FROM merge('.*')", Access("reader", True, database="system")) == 497
    assert (
        code_of("SELECT * FROM system.{t:Identifier}", Access("reader", True, parameters={"t": "engine_query_log"}))
        == 497
    )
    assert (
        code_of("SELECT * FROM {d:Identifier}.engine_query_log", Access("reader", True, parameters={"d": "system"}))
        == 497
    )


KEPT_SETTINGS = [
    "SET profile = 'default'",
    "SET `profile`='x'",
    "SET max_threads = 1, chdb_client_name = '{}'",
    "SELECT 1 SETTINGS chdb_client_name = '{}'",
    "SELECT 1 SETTINGS max_threads = 1, `chdb_client_name` = '{}' FORMAT CSV",
    "SELECT * FROM (SELECT 1 SETTINGS chdb_client_name = '{}')",
    "SELECT 1 UNION ALL SELECT 2 SETTINGS log_queries = 0",
    "SELECT 1 settings/**/log_queries=0",
    "SELECT 1 SETTINGS a = [1, 2], log_queries = 0",
    "SELECT 1 SETTINGS a = -1, log_queries = 0",
    "SELECT 1 SETTINGS a = 1.5, log_queries = 0",
    "SELECT 1 FORMAT CSV SETTINGS log_queries = 0",
    "SELECT 1 SETTINGS input_format_record_errors_file_path = '/tmp/x'",
]


@pytest.mark.parametrize("sql", KEPT_SETTINGS)
@pytest.mark.parametrize("access", [ETL, READER])
def test_no_statement_sets_what_the_server_relies_on(sql: str, access: Access) -> None:
    assert code_of(sql, access) == 452


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 SETTINGS max_memory_usage = 0",
        "SET max_memory_usage = DEFAULT",
        "SELECT * FROM (SELECT 1 SETTINGS max_threads = 2, max_memory_usage = 1)",
        "INSERT INTO t SETTINGS max_memory_usage = 0 VALUES (1)",
        "CREATE VIEW v AS SELECT 1 SETTINGS max_memory_usage = 0",
    ],
)
def test_a_users_own_limits_cannot_be_lifted_by_a_statement(sql: str) -> None:
    assert code_of(sql, Access("limited", False, locked_settings=frozenset({"max_memory_usage"}))) == 452
    assert code_of(sql, ETL) is None


@pytest.mark.parametrize("schema", ["/etc/passwd:M", "../../x:M", "{a:String}"])
def test_a_format_schema_comes_from_the_schema_directory(schema: str) -> None:
    assert code_of(f"SELECT 1 SETTINGS format_schema = '{schema}' FORMAT Protobuf", ETL) == 497
    assert code_of("SELECT 1 SETTINGS format_schema = 'events:M' FORMAT Protobuf", ETL) is None


FOR_EVERYBODY = [
    "SELECT file FROM t",
    "SELECT t.file, file.name, count(file), file AS f FROM t WHERE file = 'file(' GROUP BY file ORDER BY file",
    "SELECT 'INTO OUTFILE', 'FROM INFILE', 'file(1)', 'SYSTEM; DROP'",
    "SELECT 1 AS file, 2 AS url, 3 AS remote, 4 AS outfile",
    "SELECT path AS `file` FROM t AS url WHERE url IN ('a')",
    "SELECT arrayMap(x -> upper(x), [file]) FROM t",
    "SELECT arrayJoin(files) AS file FROM t",
    "SELECT max(file), argMax(file, ts), concat(file, 'x'), startsWith(file, 'a') FROM t",
    "WITH file AS (SELECT 1) SELECT * FROM file",
    "SELECT * FROM a JOIN b USING (file)",
    "SELECT profile FROM t WHERE profile = 'x'",
    "SELECT settings FROM t WHERE settings = 'a'",
    "SELECT name, engine FROM system.tables WHERE database = 'system'",
    "SELECT name, type FROM system.columns WHERE table = 'engine_query_log'",
    "SELECT * FROM system.parts",
    "SELECT * FROM system.one",
    "SELECT * FROM system.query_log",
    "SELECT * FROM system.settings",
    "SELECT * FROM system.processes",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM INFORMATION_SCHEMA.COLUMNS",
    "SELECT * FROM numbers(3)",
    "SELECT * FROM generateRandom('a Int8') LIMIT 1",
    "SELECT * FROM values('a Int8', 1)",
    "SELECT * FROM view(SELECT 1)",
    "SELECT * FROM merge('analytics', '^kpi')",
    "SELECT * FROM merge(currentDatabase(), '^kpi')",
    "SELECT * FROM clusterAllReplicas('default', system.tables)",
    "SELECT * FROM cluster('default', analytics.kpi_daily)",
    "SELECT * FROM format(CSV, 'a Int8', '1')",
    "SELECT dictGet('d.x', 'a', 1), * FROM dictionary('d.x')",
    "SELECT users, roles, grants FROM t",
    "SHOW TABLES",
    "SHOW CREATE TABLE d.t",
    "SHOW PROCESSLIST",
    "DESCRIBE TABLE d.t",
    "DESCRIBE (SELECT 1)",
    "EXISTS TABLE d.t",
    "EXPLAIN SELECT 1",
    "USE analytics",
    "SET max_threads = 2",
    "SET param_x = 'file'",
    "KILL QUERY WHERE query_id = 'x' SYNC",
    "SELECT {x:String} FORMAT Native",
    "SELECT 1 SETTINGS max_threads = 1, log_comment = 'x'",
    "select name from system.databases where name not in ('system', 'default', 'INFORMATION_SCHEMA')",
]
FOR_ETL = [
    "CREATE DATABASE IF NOT EXISTS analytics",
    "CREATE OR REPLACE TABLE d.t (file String, url String) ENGINE = MergeTree ORDER BY (file)",
    "CREATE TABLE file (a Int8) ENGINE = Memory",
    "CREATE TABLE d.file (a Int8) ENGINE = Memory",
    "CREATE TABLE d.t (a Int8) ENGINE = File(CSV)",
    "INSERT INTO file (a) VALUES (1)",
    "INSERT INTO d.`file` (a) FORMAT CSV",
    "INSERT INTO t (file, url) VALUES",
    "CREATE TABLE d.x AS system.one",
    "CREATE TABLE d.x ENGINE = Memory AS SELECT * FROM system.tables",
    "CREATE VIEW d.v AS SELECT * FROM system.query_log",
    "CREATE OR REPLACE VIEW d.v AS (SELECT * FROM system.parts)",
    "CREATE MATERIALIZED VIEW d.m TO d.t AS SELECT * FROM d.s",
    "CREATE MATERIALIZED VIEW d.m REFRESH EVERY 1 HOUR ENGINE = MergeTree ORDER BY a AS SELECT 1 AS a",
    "CREATE DICTIONARY d.x (id UInt64, a String) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 't' DB 'd')) LAYOUT(HASHED()) "
    "LIFETIME(MIN 0 MAX 10)",
    "CREATE DICTIONARY d.x (id UInt64) PRIMARY KEY id SOURCE(CLICKHOUSE(query 'SELECT 1')) LAYOUT(FLAT()) LIFETIME(0)",
    "CREATE DICTIONARY d.x (id UInt64) PRIMARY KEY id SOURCE(HTTP(url 'https://h/x' format CSV)) LAYOUT(FLAT())",
    "INSERT INTO d.t SELECT * FROM system.tables",
    "INSERT INTO d.t (a) SELECT database FROM system.columns WHERE database = 'system'",
    "EXCHANGE TABLES d.a AND d.b",
    "RENAME TABLE d.a TO d.b",
    "ALTER TABLE d.t DELETE WHERE a IN (SELECT name FROM system.tables)",
    "ALTER TABLE d.t UPDATE a = 1 WHERE b = 'system'",
    "ALTER TABLE d.t ADD COLUMN system String",
    "ALTER TABLE d.t ADD PROJECTION p (SELECT a ORDER BY b)",
    "ALTER TABLE d.t MODIFY COMMENT 'DROP TABLE system.one'",
    "ALTER TABLE d.t REPLACE PARTITION 1 FROM d.u",
    "ALTER TABLE d.t MODIFY SETTING index_granularity = 1024",
    "DELETE FROM d.t WHERE a = 1",
    "TRUNCATE TABLE IF EXISTS d.t",
    "OPTIMIZE TABLE d.t FINAL DEDUPLICATE",
    "DROP TABLE IF EXISTS d.t SYNC",
    "SYSTEM FLUSH LOGS",
    "SYSTEM RELOAD DICTIONARY d.x",
    "BACKUP DATABASE d TO File('x')",
    "RESTORE DATABASE d FROM File('x')",
    "KILL MUTATION WHERE 1",
    "INSERT INTO FUNCTION null('a Int8') VALUES (1)",
    "INSERT INTO FUNCTION s3('https://b.s3.amazonaws.com/k', CSV, 'a Int8') SELECT 1",
    "SELECT * FROM url('https://x/y.csv', CSV)",
    "SELECT * FROM remote('10.0.0.1', d.t)",
    "CREATE TABLE t ENGINE = URL('https://x/y.csv', CSV)",
    "CREATE FUNCTION f AS x -> x + 1",
    "DROP TABLE a PARALLEL WITH DROP TABLE b",
]


@pytest.mark.parametrize("sql", FOR_EVERYBODY)
@pytest.mark.parametrize("access", [ETL, READER])
def test_ordinary_queries_are_never_refused(sql: str, access: Access) -> None:
    assert code_of(sql, access) is None


@pytest.mark.parametrize("sql", FOR_ETL)
def test_ordinary_work_of_etl_is_never_refused(sql: str) -> None:
    assert code_of(sql, ETL) is None


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    with running_oracle(tmp_path_factory.mktemp("oracle")) as opened:
        yield opened


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("secret") / "s.txt"
    path.write_text("swordfish\n")
    return path


def test_every_table_function_of_the_engine_has_a_verdict(oracle: Oracle) -> None:
    offered = oracle.ask(b"SELECT lower(name) FROM system.table_functions").output.split()
    assert set(offered) - known_table_functions() == set()


def test_every_engine_that_keeps_files_anywhere_has_a_verdict(oracle: Oracle) -> None:
    """An engine or database engine that is new in an upgrade must be looked at before this list grows."""
    offered = oracle.ask(
        b"SELECT DISTINCT name FROM (SELECT name FROM system.table_engines UNION ALL "
        b"SELECT name FROM system.database_engines) WHERE match(name, '(?i)file|exec|local|sqlite|python')"
    )
    judged = "DeltaLakeLocal Executable ExecutablePool File FileLog Filesystem IcebergLocal PaimonLocal SQLite"
    assert set(offered.output.decode().split()) == set(judged.split())


@pytest.mark.parametrize("sql", REACHING_OUT)
def test_the_list_of_attempts_is_real(sql: str, oracle: Oracle, secret: Path) -> None:
    """Whatever shows the secret when the engine is asked directly stands in the list that we refuse."""
    said = oracle.ask(sql.replace("{secret}", str(secret)).encode())
    if b"swordfish" in said.output:
        assert code_of(sql.replace("{secret}", str(secret)), READER) == 497


NAMES = ["file", "`file`", '"file"', "`fi\\x6ce`", "`fi\\Nle`", "FILE", "\u201cfile\u201d", "url", "upper", "x", "f"]
PIECES = [
    *NAMES,
    *("(", ")", ",", "APPLY", "arrayMap", "arrayFilter", "SELECT", "FROM", "AS", "x ->", "/**/", "-- c\n", "*", "WITH"),
    *(
        "'{secret}'",
        "['{secret}']",
        "'CSV'",
        "LineAsString",
        "(SELECT '{secret}' AS x)",
        "'file://{secret}'",
        "::String",
    ),
]
SHAPES = [
    "SELECT {}",
    "SELECT arrayMap({}, ['{secret}'])",
    "SELECT * {} FROM (SELECT '{secret}' AS x)",
    "SELECT * FROM {}",
    "SELECT {}('{secret}')",
    "SELECT * FROM {}('{secret}', LineAsString)",
    "WITH {} SELECT f('{secret}')",
]


@settings(
    max_examples=800, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(shape=st.sampled_from(SHAPES), pieces=st.lists(st.sampled_from(PIECES), min_size=1, max_size=6))
def test_no_combination_shows_a_reader_what_stands_in_a_file(
    oracle: Oracle, secret: Path, shape: str, pieces: list[str]
) -> None:
    sql = shape.replace("{}", " ".join(pieces)).replace("{secret}", str(secret))
    said = oracle.ask(sql.encode())
    if b"swordfish" in said.output or "swordfish" in said.error:
        assert code_of(sql, READER) is not None


def test_no_function_of_the_engine_takes_the_name_of_the_file_function_as_an_argument(
    oracle: Oracle, secret: Path
) -> None:
    names = oracle.ask(b"SELECT name FROM system.functions WHERE NOT is_aggregate AND name != 'file'").output.decode()
    for name in names.split():
        for arguments in (f"(file, ['{secret}'])", f"(['{secret}'], file)"):
            sql = f"SELECT `{name}`{arguments}"
            if b"swordfish" in oracle.ask(sql.encode()).output:
                assert code_of(sql, READER) == 497, name
