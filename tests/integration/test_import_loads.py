"""Loads as a whole: once and only once, all or nothing, and what an interrupted one leaves behind."""

import gzip
import io
import lzma
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import zstandard
from clickhouse_connect.driver.client import Client
from importing import Importing, environment_of

from gtc.settings import PROJECT_ROOT, Settings
from warehouse.importer import ImportFailedError, SourceError, TooManyRejectsError, load_mapping
from warehouse.importer.journal import Journal
from warehouse.importer.source import open_source
from warehouse.importer.staging import Staging

TRENDS = """
    table: market_trends
    columns: {period_start: day, topic: topic, metric: "'index'", value: n}
"""
ROWS = "".join(f"2024-{month:02}-01,topic {month},{month}\n" for month in range(1, 13))
CONTENT = "day,topic,n\n" + ROWS


@pytest.fixture
def importing(client: Client, tmp_path: Path) -> Importing:
    return Importing.fresh(client, tmp_path)


def state(importing: Importing) -> list[tuple[Any, ...]]:
    """Every row that an import may leave, with its id."""
    return importing.rows(
        "select * except (received_at, load_id, row_version) from raw.market_trends order by event_id"
    )


def test_the_same_content_is_loaded_once_whatever_its_name_and_compression(importing: Importing) -> None:
    mapping = importing.mapping(TRENDS)
    assert importing.load(importing.file("trends.csv", CONTENT), mapping).status == "done"
    before = state(importing)
    for name, packed in {
        "again.csv": CONTENT.encode(),
        "again.csv.gz": gzip.compress(CONTENT.encode()),
        "again.csv.xz": lzma.compress(CONTENT.encode()),
        "again.csv.zst": zstandard.compress(CONTENT.encode()),
        "misnamed.csv": gzip.compress(CONTENT.encode()),
    }.items():
        summary = importing.load(importing.file(name, packed), mapping)
        assert (summary.status, summary.rows_read, summary.rows_loaded) == ("already_loaded", 12, 12)
    assert state(importing) == before
    assert importing.rows("select count() from raw.load_log final") == [(1,)]


def test_loading_again_on_demand_repeats_the_same_events(importing: Importing) -> None:
    mapping, file = importing.mapping(TRENDS), importing.file("trends.csv", CONTENT)
    importing.load(file, mapping)
    assert importing.load(file, mapping, again=True).status == "done"

    assert importing.rows("select uniqExact(event_id) from raw.market_trends") == [(12,)]
    assert importing.rows("select status, rows_loaded from raw.load_log final") == [("done", 12), ("done", 12)]


def test_two_files_never_share_an_event(importing: Importing) -> None:
    mapping = importing.mapping(TRENDS)
    importing.load(importing.file("one.csv", CONTENT), mapping)
    importing.load(importing.file("two.csv", CONTENT + "2025-01-01,more,13\n"), mapping)

    assert importing.rows("select count(), uniqExact(event_id) from raw.market_trends") == [(25, 25)]


@pytest.mark.parametrize(("limit", "fits"), [("2", True), ("1", False), ("20%", True), ("14%", False), ("0", False)])
def test_more_rejects_than_allowed_leave_nothing_of_the_load_visible(
    importing: Importing, limit: str, fits: bool
) -> None:
    file = importing.file("trends.csv", CONTENT + "x,a,1\ny,b,1\n")
    if fits:
        assert importing.load(file, importing.mapping(TRENDS), limit=limit).rows_loaded == 12
        return
    with pytest.raises(TooManyRejectsError, match="more than --max-rejects"):
        importing.load(file, importing.mapping(TRENDS), limit=limit)

    assert state(importing) == []
    assert importing.rows("select status from raw.load_log final") == [("failed",)]
    assert len(importing.rejects()) == 2
    assert not any(name.startswith("_load_") for name in importing.tables())
    assert importing.load(file, importing.mapping(TRENDS)).rows_loaded == 12
    assert importing.rows("select count() from raw.load_rejects") == [(2,)]


def test_a_dry_run_counts_everything_and_changes_nothing(importing: Importing) -> None:
    before = importing.tables()
    summary = importing.load(importing.file("trends.csv", CONTENT + "x,a,1\n"), importing.mapping(TRENDS), dry_run=True)

    assert (summary.status, summary.rows_loaded, summary.rows_rejected) == ("dry_run", 12, 1)
    assert summary.first_rejects[0].line == 14
    assert (state(importing), importing.rejects(), importing.tables()) == ([], [], before)
    assert importing.rows("select count() from raw.load_log") == [(0,)]


@pytest.mark.parametrize("packing", ["gz", "xz", "zst"])
def test_a_truncated_archive_is_refused_before_anything_is_loaded(importing: Importing, packing: str) -> None:
    content = (CONTENT + ROWS * 5000).encode()
    packed = {"gz": gzip.compress, "xz": lzma.compress, "zst": zstandard.compress}[packing](content)
    file = importing.file(f"trends.csv.{packing}", packed[: len(packed) * 2 // 3])
    with pytest.raises(SourceError, match="damaged or ends too early"):
        importing.load(file, importing.mapping(TRENDS))

    assert state(importing) == []
    assert importing.load(importing.file(file.name, packed), importing.mapping(TRENDS)).rows_loaded == 60_012


def test_a_fifo_is_read_to_its_end(importing: Importing) -> None:
    fifo = importing.folder / "trends.csv"
    os.mkfifo(fifo)
    writer = threading.Thread(target=fifo.write_text, args=(CONTENT,))
    writer.start()
    assert importing.load(fifo, importing.mapping(TRENDS)).rows_loaded == 12
    writer.join()
    assert importing.load(importing.file("plain.csv", CONTENT), importing.mapping(TRENDS)).status == "already_loaded"


def test_standard_input_is_read_when_the_mapping_names_the_format(
    importing: Importing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(CONTENT.encode()))))
    mapping = importing.mapping(TRENDS + "    file: {format: csv}\n")
    assert importing.load("-", mapping).rows_loaded == 12


def test_the_id_of_an_event_may_come_from_the_file(importing: Importing) -> None:
    mapping = importing.mapping("""
        table: market_trends
        columns: {event_id: id, period_start: day, topic: topic, metric: "'index'", value: n}
    """)
    known = "00000000-0000-0000-0000-000000000001"
    importing.load(
        importing.file("trends.csv", f"id,day,topic,n\n{known},2024-01-01,a,1\nno,2024-01-01,b,2\n"), mapping
    )

    assert importing.rows("select toString(event_id), topic from raw.market_trends") == [(known, "a")]
    assert importing.rejects()[0][:3] == (3, "event_id", "not a UUID: 'no'")


LOADER = """
import sys
from pathlib import Path
from gtc.settings import Dataset, load_settings
from warehouse.client import connect
from warehouse.importer import Options, import_file, load_mapping
dataset, file, mapping, scratch = sys.argv[1:]
import_file(connect(load_settings()), Dataset(dataset), file, load_mapping(Path(mapping)), Options(Path(scratch)))
"""


def killed_midway(importing: Importing, settings: Settings, file: Path, mapping: Path, after: str) -> None:
    """Import in a process of its own, and kill it when the query `after` answers 1."""
    arguments = [importing.dataset.name, str(file), str(mapping), str(importing.folder / "scratch")]
    process = subprocess.Popen(
        [sys.executable, "-c", LOADER, *arguments], env=environment_of(settings), cwd=PROJECT_ROOT
    )
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        if importing.rows(after) == [(1,)]:
            process.send_signal(signal.SIGKILL)
            break
    process.wait(30)
    assert process.returncode == -signal.SIGKILL, "the import ended before it could be killed"


def test_after_kill_9_nothing_is_visible_and_a_second_try_gives_what_a_clean_load_gives(
    importing: Importing, warehouse: Settings
) -> None:
    content = "day,topic,n\n" + "".join(
        f"20{year:02}-01-01,topic {number},{number if number % 1000 else 'x'}\n"
        for year in range(10, 24)
        for number in range(40_000)
    )
    file, mapping = importing.file("trends.csv", content), importing.mapping(TRENDS)
    begun = (
        f"select count() > 0 from system.parts where active and rows and database = '{importing.dataset.raw_database}'"
    )
    killed_midway(importing, warehouse, file, mapping, begun + " and table like '\\_load\\_%\\_rows'")

    assert state(importing) == []
    assert importing.rows("select status from raw.load_log final") == [("running",)]
    summary = importing.load(file, mapping)
    assert (summary.rows_read, summary.rows_loaded, summary.rows_rejected) == (560_000, 559_440, 560)
    assert importing.rows("select count(), uniqExact(event_id) from raw.market_trends") == [(559_440, 559_440)]
    assert importing.rows("select count(), uniqExact(line_number) from raw.load_rejects") == [(560, 560)]
    assert not any(name.startswith("_load_") for name in importing.tables())

    clean = Importing.fresh(importing.client, importing.folder)
    clean.load(file, mapping)
    compared = "select sum(cityHash64(event_id, period_start, topic, metric, value)) from raw.market_trends"
    assert importing.rows(compared) == clean.rows(compared)
    assert importing.rejects() == clean.rejects()


def test_a_load_that_died_while_it_published_is_finished_by_the_next_try(
    importing: Importing, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = CONTENT + "".join(f"20{year}-05-05,later,{year}\n" for year in range(10, 20))
    file, mapping = importing.file("trends.csv", content), importing.mapping(TRENDS)

    # Given a load that died after it had copied one of eleven years without removing it from its own table
    def die_in_the_middle(staging: Staging, *, again: bool = False) -> None:
        first = staging._partitions()[0]
        client = staging.client
        client.command(f"alter table {staging.target} attach partition id '{first}' from {staging.rows}")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Staging, "publish", die_in_the_middle)
        with pytest.raises(KeyboardInterrupt):
            importing.load(file, mapping)
    assert importing.rows("select status from raw.load_log final") == [("publishing",)]

    # When it is started again, it publishes what was computed, each row once
    summary = importing.load(file, mapping)
    assert (summary.status, summary.rows_read, summary.rows_loaded) == ("done", 22, 22)
    assert importing.rows("select count(), uniqExact(event_id) from raw.market_trends") == [(22, 22)]
    assert importing.rows("select status from raw.load_log final") == [("done",)]


def test_ctrl_c_while_reading_withdraws_the_load(importing: Importing, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(staging: Staging, *arguments: object) -> None:
        raise KeyboardInterrupt

    file, mapping = importing.file("trends.csv", CONTENT), importing.mapping(TRENDS)
    with monkeypatch.context() as patched:
        patched.setattr(Staging, "fill_text", interrupt)
        with pytest.raises(KeyboardInterrupt):
            importing.load(file, mapping)

    assert importing.rows("select status from raw.load_log final") == [("failed",)]
    assert not any(name.startswith("_load_") for name in importing.tables())
    assert importing.load(file, mapping).rows_loaded == 12


def test_two_imports_of_the_same_content_do_not_run_at_once(importing: Importing) -> None:
    from warehouse.importer.load import _alone

    file, mapping = importing.file("trends.csv", CONTENT), importing.mapping(TRENDS)
    scratch = importing.folder / "scratch"
    refused = pytest.raises(ImportFailedError, match="another import of the same content is running")
    with open_source(str(file), scratch) as source, _alone(scratch, source, load_mapping(mapping)), refused:
        importing.load(file, mapping)


def test_the_log_has_the_figures_of_each_load(importing: Importing) -> None:
    summary = importing.load(importing.file("trends.csv", CONTENT + "x,a,1\n"), importing.mapping(TRENDS, "shop"))
    journal = Journal(importing.client, importing.dataset.raw_database)
    done = journal.done(
        "market_trends", *importing.rows("select content_hash, mapping_hash from raw.load_log final")[0]
    )

    assert [str(load["load_id"]) for load in done] == [summary.load_id]
    assert (done[0]["source"], done[0]["file_name"], done[0]["rows_read"]) == ("shop", "trends.csv", 13)
    assert importing.rows("select distinct load_id, source from raw.market_trends") == [(done[0]["load_id"], "shop")]
