"""Compressed requests and answers, and that damaged ones commit nothing."""

import gzip
import os
import struct
import zlib

import brotli
import lz4.frame
import pytest
import zstandard

from warehouse.server.block_compression import BlockDecoder, pack_block

COMPRESSORS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "lz4": lz4.frame.compress,
    "zstd": zstandard.compress,
    "br": brotli.compress,
}
DECOMPRESSORS = {
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    "lz4": lz4.frame.decompress,
    "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
    "br": brotli.decompress,
}


@pytest.fixture
def table(http):
    name = f"packed_{os.urandom(6).hex()}"
    http(f"CREATE TABLE {name} (a UInt64, b String) ENGINE = MergeTree ORDER BY a")
    yield name
    http(f"DROP TABLE {name}")


def rows(count: int) -> bytes:
    return b"".join(b"%d\t%s\n" % (number, os.urandom(8).hex().encode()) for number in range(count))


@pytest.mark.parametrize("name", COMPRESSORS)
def test_a_compressed_body_is_read(http, table, name):
    body = f"INSERT INTO {table} FORMAT TSV\n".encode() + rows(100_000)
    assert http(COMPRESSORS[name](body), headers={"Content-Encoding": name}).status == 200
    assert http.count(table) == 100_000


@pytest.mark.parametrize("name", COMPRESSORS)
def test_a_compressed_body_that_is_cut_off_commits_nothing(http, table, name):
    packed = COMPRESSORS[name](rows(50_000))
    reply = http(packed[:-40], headers={"Content-Encoding": name}, query=f"INSERT INTO {table} FORMAT TSV")
    assert reply.status == 500
    assert reply.code in (271, 354)
    assert http.count(table) == 0


@pytest.mark.parametrize("name", ["gzip", "lz4"])
def test_a_compressed_body_that_is_damaged_commits_nothing(http, table, name):
    packed = bytearray(COMPRESSORS[name](rows(50_000)))
    middle = len(packed) // 2
    packed[middle : middle + 64] = bytes(64)
    reply = http(bytes(packed), headers={"Content-Encoding": name}, query=f"INSERT INTO {table} FORMAT TSV")
    assert reply.status >= 400
    assert http.count(table) == 0


def test_several_gzip_members_are_one_body(http, table):
    body = gzip.compress(b"1\tx\n") + gzip.compress(b"2\ty\n")
    http(body, headers={"Content-Encoding": "gzip"}, query=f"INSERT INTO {table} FORMAT TSV")
    assert http.count(table) == 2


def test_an_unknown_compression_of_the_body_is_refused(http):
    assert http("SELECT 1", headers={"Content-Encoding": "rot13"}).code == 48


@pytest.mark.parametrize("name", DECOMPRESSORS)
@pytest.mark.parametrize("count", [0, 1, 300_000])
def test_an_answer_is_compressed_as_the_client_accepts(http, name, count):
    sql = f"SELECT number FROM numbers({count})"
    reply = http(sql, headers={"Accept-Encoding": name}, enable_http_compression=1)
    assert reply.headers["Content-Encoding"] == name
    assert DECOMPRESSORS[name](reply.body) == http(sql).body


def test_an_answer_is_compressed_only_when_asked(http):
    assert http("SELECT 1", headers={"Accept-Encoding": "gzip"}).headers["Content-Encoding"] is None
    assert http("SELECT 1", enable_http_compression=1).headers["Content-Encoding"] is None
    refused = http("SELECT 1", headers={"Accept-Encoding": "gzip;q=0"}, enable_http_compression=1)
    assert refused.headers["Content-Encoding"] is None


def test_an_error_is_readable_whatever_was_accepted(http):
    reply = http("SELECT throwIf(1)", headers={"Accept-Encoding": "gzip"}, enable_http_compression=1)
    assert reply.text.startswith("Code: 395")


def test_blocks_of_clickhouse_are_written_and_read(http, table):
    raw = rows(200_000)
    blocks = b"".join(pack_block(raw[start : start + 300_000]) for start in range(0, len(raw), 300_000))
    assert http(blocks, decompress=1, query=f"INSERT INTO {table} FORMAT TSV").status == 200
    reply = http(f"SELECT * FROM {table} ORDER BY a", compress=1)
    decoder = BlockDecoder()
    assert b"".join(decoder.feed(reply.body)) == raw
    decoder.finish()


def test_a_block_with_a_wrong_checksum_commits_nothing(http, table):
    block = bytearray(pack_block(rows(1000)))
    block[100] ^= 1
    reply = http(bytes(block), decompress=1, query=f"INSERT INTO {table} FORMAT TSV")
    assert reply.code in (40, 271)
    assert http.count(table) == 0


def test_a_block_that_is_cut_off_commits_nothing(http, table):
    blocks = pack_block(rows(1000)) + pack_block(rows(1000))[:-5]
    assert http(blocks, decompress=1, query=f"INSERT INTO {table} FORMAT TSV").code == 271
    assert http.count(table) == 0


def test_a_block_that_promises_too_much_is_refused(http, table):
    head = bytes(16) + struct.pack("<BII", 0x82, 20, 0xFFFFFFFF)
    assert http(head + bytes(20), decompress=1, query=f"INSERT INTO {table} FORMAT TSV").code == 271


def test_both_compressions_may_be_combined(http, table):
    body = gzip.compress(pack_block(b"1\tx\n"))
    http(body, headers={"Content-Encoding": "gzip"}, decompress=1, query=f"INSERT INTO {table} FORMAT TSV")
    reply = http(f"SELECT a FROM {table}", headers={"Accept-Encoding": "gzip"}, enable_http_compression=1, compress=1)
    assert b"".join(BlockDecoder().feed(gzip.decompress(reply.body))) == b"1\n"
