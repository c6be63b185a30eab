"""95% intervals against published values, exact coverage and an independent computation."""

import numpy as np
import pytest
from scipy import stats

from specc.backend.evaluation.intervals import Interval, bootstrap, bootstrap_mean, share_interval, wilson


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [
        # Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_as_published(count: int, total: int, low: float, high: float) -> None:
    assert wilson(count, total) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("count", "total"), [(0, 1), (1, 1), (352, 355), (355, 355), (9915, 10000), (5, 9)])
def test_wilson_is_scipy_s(count: int, total: int) -> None:
    wanted = stats.binomtest(count, total).proportion_ci(0.95, method="wilson")
    assert wilson(count, total) == pytest.approx((wanted.low, wanted.high), abs=1e-12)
    assert wilson(0, 0) is None


def test_a_bootstrap_is_the_percentile_method_of_scipy() -> None:
    values = np.random.default_rng(1).gamma(2.0, size=300)
    found = bootstrap_mean(values, draws=4000)
    wanted = stats.bootstrap(
        (values,), np.mean, confidence_level=0.95, n_resamples=4000, method="percentile", rng=2
    ).confidence_interval
    assert found == pytest.approx((wanted.low, wanted.high), rel=0.01)
    assert bootstrap_mean(values) == bootstrap_mean(values)
    assert bootstrap_mean(np.zeros(0)) is None


def test_a_bootstrapped_share_is_near_the_exact_binomial() -> None:
    """Resampling 200 of which 60 count draws from Binomial(200, 0.3)."""
    values = (np.arange(200) < 60).astype(np.float64)
    low, high = (bound / 200 for bound in stats.binom(200, 0.3).interval(0.95))
    assert bootstrap_mean(values, draws=4000) == pytest.approx((low, high), abs=0.006)


def test_several_figures_at_once_and_what_says_nothing() -> None:
    labels = np.array([0] * 50 + [1])

    def figures(index: np.ndarray) -> np.ndarray:
        rare = labels[index] == 1
        never = np.nan
        return np.array([len(index), 1.0 if rare.any() else np.nan, never, 1.0 if rare.sum() > 1 else np.nan])

    # an image is drawn in 63% of the draws, and twice in 26%
    assert bootstrap(figures, 51) == [(51, 51), (1, 1), None, None]


def test_in_words() -> None:
    assert share_interval(Interval(0.9754, 0.99709)) == "97.54% to 99.71%" and share_interval(None) == ""
