"""Work in threads: results in order, and short turns only as long as there are threads."""

import sys
import time

import pytest

from specc.backend.data.parallel import TURN, ordered


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_results_come_in_order(threads: int) -> None:
    def work(number: int) -> int:
        time.sleep(0.001 * (number % 3))
        return number * number

    assert list(ordered(work, range(30), threads=threads)) == [number * number for number in range(30)]


def test_threads_take_short_turns_and_what_was_set_comes_back() -> None:
    before = sys.getswitchinterval()
    one, other = ordered(abs, range(9), threads=2), ordered(abs, range(9), threads=2)
    next(one)
    assert sys.getswitchinterval() == pytest.approx(TURN)
    next(other)
    one.close()  # type: ignore[attr-defined]
    assert sys.getswitchinterval() == pytest.approx(TURN), "the other one still works"
    list(other)
    assert sys.getswitchinterval() == before


def test_what_fails_is_raised_where_it_is_wanted() -> None:
    results = ordered(lambda number: 1 // number, [1, 0, 1], threads=2)
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)
