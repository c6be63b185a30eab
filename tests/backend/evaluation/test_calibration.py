"""Calibration: worked examples, and PyTorch's own losses."""

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from specc.backend.evaluation.calibration import (
    calibration_error,
    coverage,
    fitted_temperature,
    log_loss,
    reliability,
    scaled,
)


def test_the_error_of_a_worked_example() -> None:
    """Two of the answers at 95% are right, one of those at 62%: (3 |2/3 - 0.95| + 2 |1/2 - 0.62|) / 5."""
    confidences, right = np.array([0.95, 0.95, 0.95, 0.62, 0.62]), np.array([True, True, False, True, False])
    bins = reliability(confidences, right, bins=10)
    assert [one.answers for one in bins] == [0, 0, 0, 0, 0, 0, 2, 0, 0, 3]
    assert bins[9].right == pytest.approx(2 / 3) and bins[6].confidence == pytest.approx(0.62)
    assert calibration_error(bins) == pytest.approx((3 * abs(2 / 3 - 0.95) + 2 * abs(0.5 - 0.62)) / 5)


def test_a_probability_of_1_lies_in_the_last_bin() -> None:
    bins = reliability(np.array([1.0, 0.0]), np.array([True, False]))
    assert bins[-1].answers == bins[0].answers == 1 and calibration_error(bins) == 0
    assert calibration_error(reliability(np.array([]), np.array([], bool))) == 0


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_losses_and_probabilities_are_those_of_pytorch(temperature: float) -> None:
    logits = np.random.default_rng(0).normal(0, 5, (40, 6))
    labels = np.arange(40) % 6
    values, truths = torch.from_numpy(logits) / temperature, np.eye(6)[labels]
    expected = cross_entropy(values, torch.from_numpy(labels)).item()
    assert log_loss(logits, truths, temperature, "softmax") == pytest.approx(expected)
    expected = binary_cross_entropy_with_logits(values, torch.from_numpy(truths)).item()
    assert log_loss(logits, truths, temperature, "sigmoid") == pytest.approx(expected)
    np.testing.assert_allclose(scaled(logits, temperature, "softmax"), values.softmax(1).numpy(), atol=1e-12)
    np.testing.assert_allclose(scaled(logits, temperature, "sigmoid"), values.sigmoid().numpy(), atol=1e-12)


@pytest.mark.parametrize("how", ["softmax", "sigmoid"])
@pytest.mark.parametrize("factor", [0.4, 1.0, 5.0])
def test_the_temperature_takes_back_what_logits_were_multiplied_by(how: str, factor: float) -> None:
    draw = np.random.default_rng(1)
    logits = draw.normal(0, 2, (20_000, 3))
    shares = scaled(logits, 1, how)
    if how == "softmax":
        classes = (draw.random((20_000, 1)) > shares.cumsum(axis=1)).sum(axis=1).clip(max=2)
        truths = np.eye(3)[classes]
    else:
        truths = (draw.random(shares.shape) < shares).astype(float)
    assert fitted_temperature(factor * logits, truths, how) == pytest.approx(factor, rel=0.05)


def test_coverage() -> None:
    confidences, right = np.array([0.9, 0.8, 0.6, 0.5]), np.array([True, False, True, False])
    rows = coverage(confidences, right, [0, 0.6, 0.85, 0.95])
    assert [row.coverage for row in rows] == [1, 0.75, 0.25, 0]
    assert [row.right for row in rows] == [0.5, pytest.approx(2 / 3), 1, None]
