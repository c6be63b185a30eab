"""Means, deviations, intervals and corrections against hand calculations, scipy and worked examples."""

import numpy as np
import pytest
from scipy import stats

from specc.backend.study.statistics import gain, holm, summary


def test_a_summary_by_hand() -> None:
    found = summary([1.0, 2.0, 4.0, 5.0])
    assert found is not None and found.mean == 3
    assert found.deviation == pytest.approx((10 / 3) ** 0.5)  # (4 + 1 + 1 + 4) / (4 - 1)
    wanted = stats.t.interval(0.95, 3, loc=3, scale=(10 / 3) ** 0.5 / 2)
    assert (found.low, found.high) == pytest.approx(wanted)
    assert summary([0.5]) == (0.5, None, None, None)
    assert summary([]) is None


def test_a_gain_is_the_paired_t_tests_interval() -> None:
    after = {0: 0.812, 1: 0.809, 2: 0.805, 3: 0.816}
    before = {0: 0.801, 1: 0.804, 2: 0.806, 3: 0.799}
    found = gain(after, before)
    assert found is not None and found.pairs == 4
    test = stats.ttest_rel(list(after.values()), list(before.values()))
    wanted = test.confidence_interval(0.95)
    assert found.mean == pytest.approx(0.008)
    assert (found.low, found.high, found.p) == pytest.approx((wanted.low, wanted.high, test.pvalue))
    assert (found.before, found.after) == pytest.approx((0.8025, 0.8105))


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
    assert (found.low, found.high, found.pairs, found.p) == (None, None, 1, None)
    assert (found.before, found.after) == (0.5, 0.6)
    assert gain({0: 0.5}, {1: 0.5}) is None


def test_equal_differences_are_certain_and_none_is_no_difference() -> None:
    certain, none = gain({0: 0.75, 1: 1.0}, {0: 0.5, 1: 0.75}), gain({0: 0.5, 1: 0.6}, {0: 0.5, 1: 0.6})
    assert certain is not None and (certain.mean, certain.low, certain.high, certain.p) == (0.25, 0.25, 0.25, 0.0)
    assert none is not None and none.p == 1.0


def test_folds_by_the_corrected_resampled_t_test() -> None:
    """Nadeau and Bengio (2003): t = mean / (s sqrt(1 / J + n2 / n1)), with J - 1 degrees of freedom. For ten folds the
    factor is 1 / 10 + 1 / 9, by which the interval is sqrt(1 + 10 / 9) = 1.453 times as wide."""
    draw = np.random.default_rng(0)
    after, before = (dict(enumerate(draw.normal(mean, 0.01, 10).tolist())) for mean in (0.81, 0.80))
    differences = np.array(list(after.values())) - np.array(list(before.values()))
    plain, found = gain(after, before), gain(after, before, overlap=1 / 9)
    error = differences.std(ddof=1) * np.sqrt(1 / 10 + 1 / 9)
    assert found is not None and found.low is not None and found.high is not None
    assert (found.low, found.high) == pytest.approx(stats.t.interval(0.95, 9, loc=differences.mean(), scale=error))
    assert found.p == pytest.approx(2 * stats.t.sf(abs(differences.mean()) / error, 9))
    assert plain is not None and plain.low is not None and plain.high is not None
    assert (found.high - found.low) / (plain.high - plain.low) == pytest.approx(1.4530, rel=1e-4)
    whole = summary(list(after.values()), overlap=1 / 9)
    values = np.array(list(after.values()))
    wanted = stats.t.interval(0.95, 9, loc=values.mean(), scale=values.std(ddof=1) * np.sqrt(1 / 10 + 1 / 9))
    assert whole is not None and (whole.low, whole.high) == pytest.approx(wanted)


def test_holm() -> None:
    """The example of Wikipedia's "Holm-Bonferroni method": at 5%, 0.005 and 0.01 stand, 0.03 and 0.04 do not."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9, 0.02]) == pytest.approx([1.0, 1.0, 0.06])
    assert holm([0.03]) == [0.03] and holm([]) == []
