"""Many cases in one test: thousands of tests take longer to collect and report than the cases themselves."""

from collections.abc import Callable, Iterable
from typing import Any


def each_of(cases: Iterable[tuple[Any, ...]], holds: Callable[..., object]) -> None:
    """Try every case. Those that fail are raised together, each with its arguments."""
    failures: list[Exception] = []
    for case in cases:
        try:
            holds(*case)
        except Exception as error:  # noqa: BLE001 - all of them are raised
            error.add_note(f"case: {', '.join(map(str, case))}")
            failures.append(error)
    if failures:
        raise ExceptionGroup(f"{len(failures)} of the cases", failures)
