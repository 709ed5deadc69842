"""The server's small parts, without a server."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.server.block_compression import BlockDecoder, BlockEncoder, pack_block
from warehouse.server.compression import decoder_for, encoder_for
from warehouse.server.errors import ClickHouseError
from warehouse.server.external import _split
from warehouse.server.headers import exception_block
from warehouse.server.identity import Identity
from warehouse.server.limits import Gate
from warehouse.server.lock import DirectoryInUseError, DirectoryLock
from warehouse.server.protected_settings import checked_settings, held_limits
from warehouse.server.request import QueryRequest
from warehouse.server.users import HASHER, ServerLimits, User

#: A block that ClickHouse 26.9 wrote: CompressedWriteBuffer's answer to `SELECT 1` in TSV, taken from its column file.
ONE = bytes.fromhex("de79cf087fb635049db816df195b016b820c000000020000002031") + b"\n"


def test_the_checksum_is_clickhouses():
    assert pack_block(b"1\n") == ONE


@given(st.binary(max_size=5000), st.integers(min_value=1, max_value=700))
def test_blocks_survive_any_cutting(raw, piece):
    packed = BlockEncoder().encode(raw)
    decoder = BlockDecoder()
    pieces = [packed[start : start + piece] for start in range(0, len(packed), piece)]
    assert b"".join(b"".join(decoder.feed(part)) for part in pieces) == raw
    decoder.finish()


def unpacked(packed: bytes) -> bytes:
    decoder = BlockDecoder()
    raw = b"".join(decoder.feed(packed))
    decoder.finish()
    return raw


@given(st.binary(min_size=1, max_size=300), st.data())
def test_no_flipped_bit_of_a_block_passes(raw, data):
    packed = bytearray(pack_block(raw))
    packed[data.draw(st.integers(0, len(packed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(ClickHouseError):
        unpacked(bytes(packed))


@given(
    st.sampled_from(["gzip", "deflate", "lz4", "zstd", "br"]),
    st.lists(st.binary(min_size=1, max_size=3000), min_size=1, max_size=5),
    st.integers(min_value=1, max_value=997),
)
def test_what_an_encoder_writes_a_decoder_reads_in_any_pieces(name, pieces, cut):
    chosen = encoder_for(name, 3)
    assert chosen is not None
    encoder, decoder = chosen[1], decoder_for(name)
    packed = b"".join(encoder.encode(piece) for piece in pieces) + encoder.finish()
    parts = [packed[start : start + cut] for start in range(0, len(packed), cut)]
    assert b"".join(b"".join(decoder.feed(part)) for part in parts) == b"".join(pieces)
    decoder.finish()


@pytest.mark.parametrize(
    ("accepted", "name"),
    [
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, lz4", "lz4"),
        ("GZIP;q=0.5", "gzip"),
        ("identity", None),
        ("", None),
        ("gzip;q=0", None),
    ],
)
def test_the_compression_is_the_servers_choice_among_the_clients(accepted, name):
    chosen = encoder_for(accepted, 3)
    assert (chosen and chosen[0]) == name


def test_the_exception_block_counts_its_line_end():
    block = exception_block("abcdefghijklmnop", "boom")
    assert block == b"\r\n__exception__\r\nabcdefghijklmnop\r\nboom\n5 abcdefghijklmnop\r\n__exception__\r\n"


@given(st.text(max_size=50), st.text(min_size=1, max_size=20))
def test_a_mark_never_ends_its_own_setting(query_id, user):
    mark = Identity(query_id, user, False).mark
    assert "&" not in mark
    assert mark.isascii()


def test_two_runs_of_one_id_have_different_marks():
    assert Identity("a", "u", True).mark != Identity("a", "u", True).mark


def request(query_string: str, **headers: str) -> QueryRequest:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return QueryRequest.from_scope({"method": "POST", "headers": raw, "query_string": query_string.encode()})


def test_parameters_are_sorted_into_settings_values_and_orders():
    asked = request("query=SELECT+1&max_threads=2&param_a=x%26y&session_id=s&default_format=CSV&&=1")
    assert asked.settings == {"max_threads": "2"}
    assert asked.query_parameters == {"a": "x&y"}
    assert asked.default_format == "CSV"


def test_bytes_that_are_not_utf8_survive_in_parameters():
    assert request("param_a=%FF%00").query_parameters["a"].encode("utf-8", "surrogateescape") == b"\xff\x00"


@pytest.mark.parametrize("name", ["a b", "a=1,readonly", "1a", "a'", "a`"])
def test_what_cannot_name_a_setting_is_refused(name):
    asked = request("")
    asked.parameters[name] = "1"
    with pytest.raises(ClickHouseError, match="Unknown setting"):
        _ = asked.settings


def test_a_flag_that_is_neither_yes_nor_no_is_refused():
    with pytest.raises(ClickHouseError):
        request("compress=maybe").flag("compress")


def test_limits_may_be_lowered_not_lifted():
    user = User("u", "", max_execution_time=10)
    assert held_limits(user, {})["max_execution_time"] == "10"
    assert held_limits(user, {"max_execution_time": "3"})["max_execution_time"] == "3"
    for attempt in ("0", "11", "-1", "1e9", ""):
        with pytest.raises(ClickHouseError):
            held_limits(user, {"max_execution_time": attempt})


@pytest.mark.parametrize("name", ["readonly", "profile", "log_queries", "chdb_client_name", "max_untracked_memory"])
def test_a_reader_does_not_choose_what_binds_it(name):
    with pytest.raises(ClickHouseError):
        checked_settings(User("u", ""), {name: "0"})


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ("UInt8", ["UInt8"]),
        ("UInt8,String", ["UInt8", "String"]),
        (
            "Map(String, Array(UInt8)), DateTime64(3, 'Europe/Zürich')",
            ["Map(String, Array(UInt8))", "DateTime64(3, 'Europe/Zürich')"],
        ),
        ("Enum8('a,b' = 1, '(' = 2), Int8", ["Enum8('a,b' = 1, '(' = 2)", "Int8"]),
    ],
)
def test_types_are_split_outside_brackets_and_quotes(types, expected):
    assert _split(types) == expected


def test_passwords_are_verified_against_their_hash_only():
    user = User("u", HASHER.hash("right"))
    assert user.owns("right")
    assert not user.owns("wrong")
    assert not User("u", "").owns("")
    assert not User("u", "right").owns("right")


def test_the_lock_says_who_holds_it_and_is_free_afterwards(tmp_path):
    import os

    with DirectoryLock(tmp_path), pytest.raises(DirectoryInUseError, match=str(os.getpid())), DirectoryLock(tmp_path):
        pass
    with DirectoryLock(tmp_path):
        pass


def run_gate(scenario) -> None:
    asyncio.run(scenario(Gate(ServerLimits(max_concurrent_queries=2, queue_seconds=0.05, queue_length=2))))


def test_a_gate_lets_in_as_many_as_it_has_places():
    async def scenario(gate):
        user = User("u", "")
        async with gate.turn(user), gate.turn(user):
            with pytest.raises(ClickHouseError) as refused:
                async with gate.turn(user):
                    pass
            assert refused.value.code == 202
        async with gate.turn(user):
            pass

    run_gate(scenario)


def test_a_user_at_its_limit_does_not_hold_up_another():
    async def scenario(gate):
        narrow, wide = User("narrow", "", max_concurrent_queries=1), User("wide", "")
        async with gate.turn(narrow):
            waiting = asyncio.create_task(enter(gate, narrow))
            await asyncio.sleep(0)
            async with gate.turn(wide):
                pass
        await waiting

    run_gate(scenario)


def test_a_cancelled_wait_takes_no_place():
    async def scenario(gate):
        user = User("u", "")
        async with gate.turn(user), gate.turn(user):
            waiting = asyncio.create_task(enter(gate, user))
            await asyncio.sleep(0.01)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        async with gate.turn(user), gate.turn(user):
            pass

    run_gate(scenario)


async def enter(gate, user) -> None:
    async with gate.turn(user):
        pass
