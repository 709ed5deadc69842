"""`import_file`: one file, by one mapping, into one raw table; wholly or not at all."""

import gc
import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from filelock import FileLock, Timeout

from gtc.settings import Dataset
from warehouse.importer.batch import Batch, Reject
from warehouse.importer.conversion import Converter
from warehouse.importer.errors import ImportFailedError, TooManyRejectsError
from warehouse.importer.journal import Journal, figures
from warehouse.importer.limits import RejectLimit
from warehouse.importer.mapping import Mapping
from warehouse.importer.readers import Reader, open_reader
from warehouse.importer.source import Source, open_source
from warehouse.importer.staging import Staging

#: Rejected rows that the summary shows.
SHOWN_REJECTS = 5

#: Called with (step, done, total): bytes of content while reading, rows while publishing.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Options:
    """What the user may ask for. `max_rejects`: None for any number; `scratch`: a folder for copies and locks."""

    scratch: Path
    max_rejects: RejectLimit | None = None
    again: bool = False
    dry_run: bool = False


@dataclass
class Summary:
    """What an import did. `status`: done, already_loaded or dry_run."""

    status: str
    load_id: str
    table: str
    file: str
    rows_read: int = 0
    rows_loaded: int = 0
    rows_rejected: int = 0
    seconds: float = 0.0
    first_rejects: list[Reject] = field(default_factory=list)

    @property
    def rows_per_minute(self) -> int:
        """Rows read a minute, from the first byte to the last row in its table."""
        return round(self.rows_read * 60 / self.seconds) if self.seconds else 0


def import_file(
    client: Client,
    dataset: Dataset,
    file: str,
    mapping: Mapping,
    options: Options,
    progress: Progress = lambda step, done, total: None,
) -> Summary:
    """Load `file` (`-`: standard input) into the raw table that `mapping` names. The tables must exist (`migrate`).

    Rows that do not fit go to load_rejects. The others become visible together when all were read. The same content
    with the same mapping is loaded once, unless `options.again`. Raises ImportFailedError.
    """
    started = time.monotonic()
    progress("examining", 0, 0)
    with open_source(file, options.scratch) as source, _alone(options.scratch, source, mapping), _engine_errors():
        journal = Journal(client, dataset.raw_database)
        summary = (
            _already_loaded(journal, source, mapping, options)
            or _Run(client, journal, source, mapping, options, progress).run()
        )
    summary.seconds = round(time.monotonic() - started, 3)
    return summary


@contextmanager
def _alone(scratch: Path, source: Source, mapping: Mapping) -> Iterator[None]:
    """One load of the same content by the same mapping at a time on this machine."""
    scratch.mkdir(parents=True, exist_ok=True)
    lock = FileLock(scratch / f"load-{source.sha256[:16]}-{mapping.sha256[:16]}.lock")
    try:
        with lock.acquire(timeout=0):
            yield
    except Timeout:
        raise ImportFailedError(f"another import of the same content is running: {source.name}") from None


@contextmanager
def _no_cycle_search() -> Iterator[None]:
    """Millions of short lists make Python look for cycles again and again, for half of the time; there are none."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def _engine_errors() -> Iterator[None]:
    try:
        yield
    except ClickHouseError as error:
        text = " ".join(str(error).split())
        raise ImportFailedError(f"the warehouse refused: {text[max(text.find('Code:'), 0) :][:400]}") from error


def _already_loaded(journal: Journal, source: Source, mapping: Mapping, options: Options) -> Summary | None:
    done = journal.done(mapping.table, source.sha256, mapping.sha256)
    if not done or options.again or options.dry_run:
        return None
    last = done[-1]
    counts = (int(last["rows_read"]), int(last["rows_loaded"]), int(last["rows_rejected"]))
    return Summary("already_loaded", str(last["load_id"]), mapping.table, source.name, *counts)


class _Run:
    """One run of one load."""

    def __init__(
        self,
        client: Client,
        journal: Journal,
        source: Source,
        mapping: Mapping,
        options: Options,
        progress: Progress,
    ) -> None:
        self.journal, self.source, self.mapping, self.options, self.progress = (
            journal,
            source,
            mapping,
            options,
            progress,
        )
        origin = mapping.source or mapping.name
        self.load = journal.begin(mapping.table, origin, source.name, source.sha256, mapping.sha256)
        self.staging = Staging(client, journal.database, self.load)
        self.first_rejects: list[Reject] = []

    def run(self) -> Summary:
        """Read, compute, publish; or finish what an earlier run had begun to publish."""
        if not self.options.dry_run and self._finish_earlier():
            return self._summary("done")
        try:
            self._read_all()
            if not self.options.dry_run:
                self._publish()
        except BaseException as error:
            self._give_up(error)
            raise
        self.staging.drop()
        return self._summary("dry_run" if self.options.dry_run else "done")

    def _finish_earlier(self) -> bool:
        last = self.journal.last_state(self.load)
        if last is None or last["status"] != "publishing" or not self.staging.is_complete():
            return False
        for name in ("rows_read", "rows_loaded", "rows_rejected", "started_at"):
            setattr(self.load, name, last[name])
        self.progress("publishing", 0, 0)
        self.staging.publish(again=True)
        self.journal.write(self.load, "done", figures(resumed=True))
        self.staging.drop()
        return True

    def _read_all(self) -> None:
        if not self.options.dry_run:
            self.journal.write(self.load, "running")
            self.journal.forget_rejects(self.load)
        with open_reader(self.source, self.mapping, self.options.scratch) as reader:
            converter = Converter(self.staging, self.mapping, self.load)
            self._pump(reader, converter)
        self._judge()

    def _pump(self, reader: Reader, converter: Converter) -> None:
        """Read the next batch while the warehouse computes the last one."""
        with _no_cycle_search(), ThreadPoolExecutor(1) as worker:
            pending: Future[Sequence[Reject]] | None = None
            for batch in reader.batches():
                if pending is not None:
                    self._count(pending.result())
                self.progress("loading", batch.consumed, self.source.size)
                pending = worker.submit(self._convert, converter, reader.names, batch)
                self.load.rows_read += len(batch.lines) + len(batch.rejects)
            if pending is not None:
                self._count(pending.result())

    def _convert(self, converter: Converter, names: list[str], batch: Batch) -> Sequence[Reject]:
        return sorted([*batch.rejects, *converter.convert(names, batch)], key=lambda reject: reject.line)

    def _count(self, rejects: Sequence[Reject]) -> None:
        self.first_rejects += rejects[: SHOWN_REJECTS - len(self.first_rejects)]
        self.load.rows_rejected += len(rejects)
        if not self.options.dry_run:
            self.journal.reject(self.load, rejects)
        if self.options.max_rejects and self.options.max_rejects.is_passed_early(self.load.rows_rejected):
            self._refuse()

    def _judge(self) -> None:
        load, limit = self.load, self.options.max_rejects
        load.rows_loaded = load.rows_read - load.rows_rejected
        if limit and limit.is_passed(load.rows_rejected, load.rows_read):
            self._refuse()
        if load.rows_read and not load.rows_loaded and not self.options.dry_run:
            raise TooManyRejectsError(
                f"no row fits ({load.rows_read:,} read){self._first_reason()}; nothing was loaded"
            )

    def _refuse(self) -> None:
        raise TooManyRejectsError(
            f"{self.load.rows_rejected:,} rows rejected, more than --max-rejects {self.options.max_rejects}"
            f"{self._first_reason()}; nothing was loaded"
        )

    def _first_reason(self) -> str:
        if not self.first_rejects:
            return ""
        first = self.first_rejects[0]
        return f"; first: line {first.line}, {f'column {first.column}: ' if first.column else ''}{first.reason}"

    def _publish(self) -> None:
        self.progress("publishing", 0, 0)
        self.journal.write(self.load, "publishing")
        self.staging.publish()
        self.journal.write(self.load, "done")

    def _give_up(self, error: BaseException) -> None:
        """Withdraw what is not visible yet; what was being published is finished by the next try."""
        try:
            last = None if self.options.dry_run else self.journal.last_state(self.load)
            if last is not None and last["status"] == "publishing":
                return
            self.staging.drop()
            if not self.options.dry_run:
                reason = str(error) if isinstance(error, ImportFailedError) else f"{type(error).__name__}: {error}"
                self.journal.write(self.load, "failed", json.dumps({"error": reason[:2000]}))
        except (ClickHouseError, OSError):
            return  # the first error says more; the next try cleans up

    def _summary(self, status: str) -> Summary:
        load = self.load
        counts = (load.rows_read, load.rows_loaded, load.rows_rejected)
        found = Summary(status, str(load.load_id), load.target_table, self.source.name, *counts)
        found.first_rejects = self.first_rejects
        return found
