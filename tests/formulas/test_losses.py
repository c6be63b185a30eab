"""Losses against their formulas, value and gradient, with hard labels and with the soft ones of mixup and cutmix.

Losses are worked out in single precision, whatever the logits are: hence the tolerances.
"""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from specc.backend.evaluation.losses import Loss, loss_function
from specc.check import check
from specc.source import Source
from specc.tasks import CLASSIFICATION
from specc.tricks.sections import TrainSettings, losses_of
from tests.helpers.losses import classes_of

Numbers = NDArray[np.float64]
N, CLASSES = 6, 4
LOGITS = np.random.default_rng(0).normal(0, 2, (N, CLASSES))
LABELS = np.array([0, 1, 2, 3, 1, 1])
HARD = np.eye(CLASSES)[LABELS]
SHARE = np.array([1.0, 0.75, 0.5, 0.3, 0.0, 0.9])[:, None]
SOFT = SHARE * HARD + (1 - SHARE) * np.roll(HARD, 1, axis=0)  # what mixup gives
WEIGHTS = np.array([1.0, 3.0, 0.5, 2.0])


def loss_of(train: TrainSettings) -> Loss:
    """The loss of these settings, of CLASSES classes."""
    return loss_function(losses_of(train, CLASSIFICATION), classes_of(CLASSES), torch.device("cpu"))


def ours(setting: str, target: Any) -> tuple[float, Numbers]:
    """The loss that a spec asks for, and its gradient in the logits."""
    text = f"network N {{ input({CLASSES}); dense({CLASSES}) }}\ntrain {{ loss = {setting} }}"
    checked = check(Source("net.cnn", text))
    assert checked.train is not None, checked.errors
    logits = torch.tensor(LOGITS, requires_grad=True)
    loss = loss_function(losses_of(checked.train, CLASSIFICATION), classes_of(CLASSES), torch.device("cpu"))(
        logits, torch.as_tensor(target)
    )
    loss.backward()
    assert logits.grad is not None
    return loss.item(), logits.grad.double().numpy()


def softmax(z: Numbers) -> Numbers:
    exponentials: Numbers = np.exp(z - z.max(1, keepdims=True))
    return exponentials / exponentials.sum(1, keepdims=True)


def agree(setting: str, target: Numbers, value: float, gradient: Numbers) -> None:
    found, slope = ours(setting, target)
    assert found == pytest.approx(value, rel=1e-6)
    np.testing.assert_allclose(slope, gradient, rtol=2e-5, atol=1e-7)
    labels = target.argmax(1)
    if (np.eye(CLASSES)[labels] == target).all():  # as class numbers, too
        found, slope = ours(setting, labels)
        assert found == pytest.approx(value, rel=1e-6)
        np.testing.assert_allclose(slope, gradient, rtol=2e-5, atol=1e-7)


@pytest.mark.parametrize("target", [HARD, SOFT], ids=["hard", "soft"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.6])
def test_cross_entropy_with_label_smoothing(target: Numbers, smoothing: float) -> None:
    """q' = (1 - e) q + e / K (Szegedy et al., 2015, section 7); L = -sum q' log p; dL/dz = p - q'."""
    p = softmax(LOGITS)
    smooth = (1 - smoothing) * target + smoothing / CLASSES
    agree(
        f"cross_entropy(smoothing={smoothing})",
        target,
        float(-(smooth * np.log(p)).sum(1).mean()),
        (p - smooth) / N,
    )


@pytest.mark.parametrize("target", [HARD, SOFT], ids=["hard", "soft"])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_class_weights_make_a_weighted_mean(target: Numbers, smoothing: float) -> None:
    """L = sum_n sum_k w_k q'_nk (-log p_nk) / sum_n sum_k w_k q_nk."""
    p = softmax(LOGITS)
    weighted = ((1 - smoothing) * target + smoothing / CLASSES) * WEIGHTS
    total = (target * WEIGHTS).sum()
    agree(
        f"cross_entropy(smoothing={smoothing}, weights={WEIGHTS.tolist()})",
        target,
        float(-(weighted * np.log(p)).sum() / total),
        (p * weighted.sum(1, keepdims=True) - weighted) / total,
    )


def test_class_weights_count_an_image_as_often_as_they_say() -> None:
    """Weight 3 for a class is the same as each of its images three times."""
    found, _ = ours("cross_entropy(weights=[1, 3, 1, 1])", LABELS)
    p = softmax(LOGITS)[np.arange(N), LABELS]
    repeated = np.repeat(p, np.where(LABELS == 1, 3, 1))
    assert found == pytest.approx(-np.log(repeated).mean(), rel=1e-6)


def focal_gradient(p: Numbers, q: Numbers, gamma: float) -> Numbers:
    """-sum_k q_k (1 - p_k)^g log p_k through the softmax: dp_k/dz_j = p_k ([k = j] - p_j)."""
    of_p = -q * ((1 - p) ** gamma / p - gamma * (1 - p) ** (gamma - 1) * np.log(p))
    return p * (of_p - (of_p * p).sum(1, keepdims=True))


@pytest.mark.parametrize("target", [HARD, SOFT], ids=["hard", "soft"])
@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 5.0])
def test_focal(target: Numbers, gamma: float) -> None:
    """Lin et al., 2017, equation 4: -(1 - p_t)^gamma log p_t."""
    p = softmax(LOGITS)
    value = -(target * (1 - p) ** gamma * np.log(p)).sum(1).mean()
    agree(f"focal(gamma={gamma})", target, float(value), focal_gradient(p, target, gamma) / N)


@pytest.mark.parametrize("target", [HARD, SOFT], ids=["hard", "soft"])
def test_focal_with_gamma_0_is_cross_entropy(target: Numbers) -> None:
    p = softmax(LOGITS)
    agree("focal(gamma=0)", target, float(-(target * np.log(p)).sum(1).mean()), (p - target) / N)


@pytest.mark.parametrize("target", [HARD, SOFT], ids=["hard", "soft"])
@pytest.mark.parametrize("weighted", [False, True])
def test_binary_cross_entropy(target: Numbers, weighted: bool) -> None:
    """A question for each class: -q log s - (1 - q) log (1 - s), with s the sigmoid; dL/dz = s - q."""
    s = 1 / (1 + np.exp(-LOGITS))
    terms = -(target * np.log(s) + (1 - target) * np.log(1 - s)) / CLASSES
    weights, total = (WEIGHTS, (target * WEIGHTS).sum()) if weighted else (np.ones(CLASSES), float(N))
    setting = f"binary_cross_entropy(weights={WEIGHTS.tolist()})" if weighted else "binary_cross_entropy"
    agree(setting, target, float((terms * weights).sum() / total), (s - target) * weights / CLASSES / total)


@pytest.mark.parametrize("setting", ["cross_entropy(smoothing=0.1)", "focal", "binary_cross_entropy"])
def test_the_loss_of_a_mixed_label_is_the_mixed_loss(setting: str) -> None:
    """Zhang et al., 2017: all losses are linear in the target."""
    parts = [ours(setting, 0.3 * np.eye(CLASSES)[a] + 0.7 * np.eye(CLASSES)[b]) for a, b in ((LABELS, LABELS[::-1]),)]
    first, second = ours(setting, LABELS), ours(setting, LABELS[::-1].copy())
    assert parts[0][0] == pytest.approx(0.3 * first[0] + 0.7 * second[0], rel=1e-6)
    np.testing.assert_allclose(parts[0][1], 0.3 * first[1] + 0.7 * second[1], rtol=1e-4, atol=1e-7)


def test_the_least_loss_with_smoothing_is_at_the_smoothed_label() -> None:
    """So that logits need not run away: the gradient is zero where softmax gives (1 - e) q + e / K."""
    smooth = torch.tensor(0.9 * HARD + 0.1 / CLASSES)
    logits: Tensor = smooth.log().requires_grad_()
    checked = check(Source("n.cnn", "network N { input(4); dense(4) }\ntrain { loss = cross_entropy(smoothing=0.1) }"))
    assert checked.train is not None
    loss_function(losses_of(checked.train, CLASSIFICATION), classes_of(CLASSES), torch.device("cpu"))(
        logits, torch.tensor(LABELS)
    ).backward()
    assert logits.grad is not None and logits.grad.abs().max() < 1e-7
