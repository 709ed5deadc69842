"""Progress of an import: a bar on a terminal, one line a step in a log."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from gtc.commands.console import err
from warehouse.importer.load import Progress as ProgressCallback


@contextmanager
def shown_progress() -> Iterator[ProgressCallback]:
    """A callback (step, bytes done, bytes in all) that shows how far the import is, on standard error."""
    if not err.is_terminal:
        yield _LogLines()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=err, transient=True) as bar:
        task = bar.add_task("examining", total=None)
        yield lambda step, done, total: bar.update(task, description=step, completed=done, total=total or None)


class _LogLines:
    """Prints each step when it begins."""

    def __init__(self) -> None:
        self.step = ""

    def __call__(self, step: str, done: int, total: int) -> None:
        if step != self.step:
            self.step = step
            err.print(f"import: {step}{f' {total:,} bytes' if total else ''}")
