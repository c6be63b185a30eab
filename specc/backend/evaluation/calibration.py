"""How far probabilities can be believed: calibration, temperature, and coverage against a threshold."""

from collections.abc import Sequence
from math import exp, log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BINS = 15
COLDEST, HOTTEST, ROUNDS = 0.02, 50.0, 60  # of the search for a temperature


class Bin(NamedTuple):
    """The answers whose probability lies between `low` and `high`: how many, their mean probability, and the share of
    them that is right; both 0 where there are none."""

    low: float
    high: float
    answers: int
    confidence: float
    right: float


def reliability(confidences: Floats, right: NDArray[np.bool_], bins: int = BINS) -> list[Bin]:
    """Answers by their probability, in bins of equal width. confidences: N, from 0 to 1. right: N."""
    places = np.minimum((confidences * bins).astype(np.int64), bins - 1)
    counts = np.bincount(places, minlength=bins)
    sums = [np.bincount(places, weights=values, minlength=bins) for values in (confidences, right.astype(np.float64))]
    means = [np.divide(values, counts, out=np.zeros(bins), where=counts > 0) for values in sums]
    return [
        Bin(place / bins, (place + 1) / bins, int(counts[place]), float(means[0][place]), float(means[1][place]))
        for place in range(bins)
    ]


def calibration_error(bins: Sequence[Bin]) -> float:
    """The expected calibration error: the mean over the answers of |share right - probability| of their bin.

    Naeini et al., "Obtaining well calibrated probabilities using Bayesian binning", 2015.
    """
    count = sum(one.answers for one in bins)
    return sum(one.answers * abs(one.right - one.confidence) for one in bins) / count if count else 0.0


def scaled(logits: Floats, temperature: float, how: str) -> Floats:
    """The probabilities of logits, N x outputs, divided by a temperature. how: "softmax" or "sigmoid"."""
    values = logits / temperature
    if how == "sigmoid":
        sigmoid: Floats = 0.5 * (1 + np.tanh(values / 2))
        return sigmoid
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=1, keepdims=True)
    return shares


def log_loss(logits: Floats, truths: Floats, temperature: float, how: str) -> float:
    """The mean negative log-likelihood of the truths, N x outputs of 0 and 1, at a temperature."""
    values = logits / temperature
    if how == "sigmoid":
        return float((np.logaddexp(0, values) - truths * values).mean())
    values = values - values.max(axis=1, keepdims=True)
    return float((np.log(np.exp(values).sum(axis=1)) - (values * truths).sum(axis=1)).mean())


def fitted_temperature(logits: Floats, truths: Floats, how: str) -> float:
    """The temperature at which the truths are most likely: above 1 where the probabilities are too sure.

    Guo et al., "On calibration of modern neural networks", 2017. The log-likelihood is concave in 1 / T, so a search by
    the golden section finds its one maximum.
    """
    low, high, section = log(COLDEST), log(HOTTEST), (5**0.5 - 1) / 2

    def cost(place: float) -> float:
        return log_loss(logits, truths, exp(place), how)

    one, other = high - section * (high - low), low + section * (high - low)
    costs = cost(one), cost(other)
    for _ in range(ROUNDS):
        if costs[0] <= costs[1]:
            high, other = other, one
            one = high - section * (high - low)
            costs = cost(one), costs[0]
        else:
            low, one = one, other
            other = low + section * (high - low)
            costs = costs[1], cost(other)
        if high - low < 1e-4:
            break
    return exp((low + high) / 2)


class Answered(NamedTuple):
    """If only answers of at least `threshold` are given: the share of the images that get one, and of these the share
    that is right; None where none is answered."""

    threshold: float
    coverage: float
    right: float | None


def coverage(confidences: Floats, right: NDArray[np.bool_], thresholds: Sequence[float]) -> list[Answered]:
    """What is answered, and how well, at each threshold. confidences: N, of the answers. right: N."""
    rows = []
    for threshold in thresholds:
        given = confidences >= threshold
        share = float(right[given].mean()) if given.any() else None
        rows.append(Answered(threshold, float(given.mean()), share))
    return rows
