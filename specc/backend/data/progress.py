"""A progress bar on standard error, where someone is there to see it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_is_hidden = ContextVar("_is_hidden", default=False)


@contextmanager
def hidden(wanted: bool = True) -> Iterator[None]:
    """Show no bars within, where that is wanted."""
    before = _is_hidden.set(wanted or is_hidden())
    try:
        yield
    finally:
        _is_hidden.reset(before)


def is_hidden() -> bool:
    """Whether no bars are shown now."""
    return _is_hidden.get()


@contextmanager
def bar(what: str, total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
    """Show how far some work has come; gives a function that is told each advance. Silent in a pipe, gone at the end.

    total: None where it is unknown. unit: "bytes", or a noun for what is counted.
    """
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from specc.errors import clean

    console = Console(stderr=True)
    is_shown = console.is_terminal and not is_hidden()
    amount = DownloadColumn() if unit == "bytes" else MofNCompleteColumn()
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), amount, TimeRemainingColumn(compact=True))
    with Progress(*columns, console=console, transient=True, disable=not is_shown) as progress:
        task = progress.add_task(clean(what), total=total)
        yield lambda amount: progress.advance(task, amount)
