"""Sessions of clickhouse-connect: what they keep, how they are locked, checked, closed and logged."""

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError
from connect_support import scratch_client

from gtc.settings import Settings
from warehouse.client import connect

Opener = Callable[..., Client]


@pytest.fixture
def session(warehouse: Settings) -> Iterator[Opener]:
    opened: list[Client] = []

    def open_client(session_id: str | None = None, **options: object) -> Client:
        chosen = session_id or f"session {uuid.uuid4()}"
        opened.append(connect(warehouse, session_id=chosen, **options))
        return opened[-1]

    yield open_client
    for client in opened:
        client.close()


def test_a_session_id_is_made_by_the_client(warehouse: Settings) -> None:
    with connect(warehouse, autogenerate_session_id=True) as client:
        assert uuid.UUID(client.get_client_setting("session_id")).version == 4
        client.command("CREATE TEMPORARY TABLE kept (a UInt8)")
        assert client.command("SELECT count() FROM kept") == 0


def test_a_temporary_table_lives_in_its_session_only(session: Opener) -> None:
    mine, other = session(), session()
    mine.command("CREATE TEMPORARY TABLE held (id UInt32, name String)")
    mine.command("INSERT INTO held VALUES (1, 'a'), (2, 'b')")
    mine.insert("held", [[3, "c"]], column_names=["id", "name"], column_type_names=["UInt32", "String"])
    assert mine.query("SELECT * FROM held ORDER BY id").result_rows == [(1, "a"), (2, "b"), (3, "c")]
    with pytest.raises(DatabaseError) as caught:
        other.query("SELECT * FROM held")
    assert caught.value.code == 60


def test_a_data_frame_goes_into_a_temporary_table_and_out_again(session: Opener) -> None:
    mine = session()
    mine.command("CREATE TEMPORARY TABLE framed (field1 String, field2 String)")
    mine.command("INSERT INTO framed VALUES ('test1', 'test2'), ('test3', 'test4')")
    frame = mine.query_df("SELECT * FROM framed")
    mine.insert_df("framed", frame)
    assert len(mine.query_df("SELECT * FROM framed")) == 4


def test_two_clients_with_one_session_id_share_it(session: Opener) -> None:
    name = f"shared {uuid.uuid4()}"
    session(name).command("CREATE TEMPORARY TABLE common (a UInt8)")
    assert session(name).command("SELECT count() FROM common") == 0


def test_settings_database_and_parameters_stay_in_a_session(session: Opener) -> None:
    mine = session()
    mine.command("SET max_block_size = 77")
    mine.command("SET param_p = 'kept'")
    mine.command("USE system")
    assert mine.query("SELECT getSetting('max_block_size'), {p:String}, currentDatabase()").first_row == (
        77,
        "kept",
        "system",
    )
    assert session().query("SELECT getSetting('max_block_size') = 77, currentDatabase()").first_row == (
        False,
        "default",
    )


def test_a_setting_in_the_url_does_not_stay_in_the_session(session: Opener) -> None:
    mine = session()
    usual = mine.command("SELECT getSetting('max_block_size')")
    assert mine.command("SELECT getSetting('max_block_size')", settings={"max_block_size": 55}) == 55
    assert mine.command("SELECT getSetting('max_block_size')") == usual


def test_a_session_outlives_an_error(session: Opener) -> None:
    mine = session()
    mine.command("CREATE TEMPORARY TABLE survives (a UInt8)")
    with pytest.raises(DatabaseError):
        mine.query("SELECT no_such_column FROM survives")
    with pytest.raises(DatabaseError):
        mine.query("SELECT throwIf(number = 3) FROM numbers(10)")
    assert mine.command("SELECT count() FROM survives") == 0


def test_a_busy_session_is_locked(session: Opener) -> None:
    name = f"busy {uuid.uuid4()}"
    with ThreadPoolExecutor(1) as pool:
        first, second = session(name), session(name)
        running = pool.submit(first.command, "SELECT sleep(2)")
        time.sleep(0.5)
        with pytest.raises(DatabaseError) as caught:
            second.command("SELECT 1")
        assert caught.value.code == 373
        running.result()


def test_a_session_that_must_exist_is_asked_for(session: Opener) -> None:
    name = f"checked {uuid.uuid4()}"
    with pytest.raises(DatabaseError) as caught:
        session(name).query("SELECT 1", settings={"session_check": 1, "session_id": f"never {uuid.uuid4()}"})
    assert caught.value.code == 372
    mine = session(name)
    mine.command("SET max_block_size = 5")
    assert mine.query("SELECT 1", settings={"session_check": 1}).first_row == (1,)


def test_a_session_ends_when_its_time_is_over(session: Opener) -> None:
    mine = session()
    mine.command("CREATE TEMPORARY TABLE short (a UInt8)", settings={"session_timeout": 1})
    time.sleep(3)
    with pytest.raises(DatabaseError) as caught:
        mine.query("SELECT * FROM short")
    assert caught.value.code == 60


@pytest.mark.parametrize("seconds", ["abc", "-1", "999999999"])
def test_a_session_timeout_that_is_no_number_or_too_long_is_refused(session: Opener, seconds: str) -> None:
    with pytest.raises(DatabaseError) as caught:
        session().query("SELECT 1", settings={"session_timeout": seconds})
    assert caught.value.code == 374


def test_a_session_of_one_user_is_not_that_of_another(warehouse: Settings, session: Opener) -> None:
    name = f"private {uuid.uuid4()}"
    session(name).command("CREATE TEMPORARY TABLE secret (a UInt8)")
    with connect(warehouse, "reader", session_id=name) as reader, pytest.raises(DatabaseError) as caught:
        reader.query("SELECT * FROM secret")
    assert caught.value.code == 60


def test_a_session_and_its_queries_are_found_in_the_logs(warehouse: Settings, session: Opener) -> None:
    name, query_id = f"logged {uuid.uuid4()}", f"query {uuid.uuid4()}"
    mine = session(name)
    assert mine.query("SELECT number FROM system.numbers LIMIT 5", settings={"query_id": query_id}).row_count == 5
    wanted = [
        (
            "SELECT session_id, user FROM system.session_log WHERE session_id = {v:String} AND event_time > now() - 30",
            name,
        ),
        (
            "SELECT query_id, user FROM system.query_log WHERE query_id = {v:String} AND event_time > now() - 30",
            query_id,
        ),
    ]
    for sql, value in wanted:
        deadline = time.monotonic() + 10
        rows: list[object] = []
        while not rows and time.monotonic() < deadline:
            rows = list(mine.query(sql, parameters={"v": value}).result_rows)
            time.sleep(0.1)
        assert rows
        assert rows[0] == (value, warehouse.warehouse_user)


def test_many_sessions_work_at_once(warehouse: Settings) -> None:
    def work(number: int) -> int:
        with connect(warehouse, autogenerate_session_id=True) as client:
            client.command("CREATE TEMPORARY TABLE own (a UInt32)")
            client.command(f"INSERT INTO own SELECT number FROM numbers({number})")
            found = client.command("SELECT count() FROM own")
            assert isinstance(found, int)
            return found

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(20))) == list(range(20))


def test_a_scratch_database_may_be_dropped_while_a_session_stands_in_it(warehouse: Settings) -> None:
    with scratch_client(warehouse, autogenerate_session_id=True) as client:
        assert client.command("SELECT 1") == 1


def test_what_a_session_sets_between_two_requests_is_what_they_leave_behind(session: Opener) -> None:
    mine, ask = session(), "SELECT getSetting('max_block_size')"
    assert mine.command(ask, settings={"max_block_size": 55}) == 55
    mine.command("SET max_block_size = 66")
    assert mine.command(ask, settings={"max_block_size": 77}) == 77
    assert mine.command(ask) == 66
