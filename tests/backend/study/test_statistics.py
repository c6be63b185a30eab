"""Means, deviations and intervals against hand calculations and scipy."""

import pytest
from scipy import stats

from specc.backend.study.statistics import gain, summary


def test_a_summary_by_hand() -> None:
    found = summary([1.0, 2.0, 4.0, 5.0])
    assert found is not None and found.mean == 3
    assert found.deviation == pytest.approx((10 / 3) ** 0.5)  # (4 + 1 + 1 + 4) / (4 - 1)
    assert summary([0.5]) == (0.5, None)
    assert summary([]) is None


def test_a_gain_is_the_paired_t_tests_interval() -> None:
    after = {0: 0.812, 1: 0.809, 2: 0.805, 3: 0.816}
    before = {0: 0.801, 1: 0.804, 2: 0.806, 3: 0.799}
    found = gain(after, before)
    assert found is not None and found.seeds == 4
    wanted = stats.ttest_rel(list(after.values()), list(before.values())).confidence_interval(0.95)
    assert found.mean == pytest.approx(0.008)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high))


def test_two_seeds_by_hand() -> None:
    """The t distribution with one degree of freedom is Cauchy's: its 97.5% point is tan(0.475 pi) = 12.706."""
    found = gain({0: 0.3, 1: 0.5}, {0: 0.2, 1: 0.2})
    assert found is not None and found.low is not None and found.high is not None
    assert found.mean == pytest.approx(0.2)
    assert found.high - found.mean == pytest.approx(12.7062 * 0.1, rel=1e-4)
    assert found.mean - found.low == pytest.approx(12.7062 * 0.1, rel=1e-4)


def test_only_common_seeds_count() -> None:
    found = gain({0: 0.5, 1: 0.6}, {1: 0.5, 2: 0.1})
    assert found is not None and found.mean == pytest.approx(0.1)
    assert (found.low, found.high, found.seeds) == (None, None, 1)
    assert gain({0: 0.5}, {1: 0.5}) is None
