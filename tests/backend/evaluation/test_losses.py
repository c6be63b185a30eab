"""Losses against torch's own and against their formulas."""

import pytest
import torch
from torch.nn import functional

from specc.backend.evaluation.losses import Loss, loss_function
from specc.values import Args, Bound
from tests.helpers.losses import classes_of, make_loss

CLASSES = 5
LOGITS = torch.randn(7, CLASSES, generator=torch.Generator().manual_seed(0)) * 2
LABELS = torch.tensor([0, 1, 2, 3, 4, 0, 1])
WEIGHTS = (1.0, 2.0, 0.5, 3.0, 1.5)


def make(name: str, weights: tuple[float, ...] | None = None, **args: float) -> Loss:
    bound = Bound(name, Args(weights=weights, reduction="mean", **args))
    return loss_function([bound], classes_of(CLASSES), torch.device("cpu"))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_cross_entropy_equals_torchs(smoothing: float, weights: tuple[float, ...] | None) -> None:
    ours = make("cross_entropy", weights, smoothing=smoothing)(LOGITS, LABELS)
    theirs = functional.cross_entropy(
        LOGITS, LABELS, weight=torch.tensor(weights) if weights else None, label_smoothing=smoothing
    )
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("name", ["cross_entropy", "focal", "binary_cross_entropy"])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_one_hot_targets_are_the_same_as_indices(name: str, weights: tuple[float, ...] | None) -> None:
    args = {"cross_entropy": {"smoothing": 0.1}, "focal": {"gamma": 2.0}}.get(name, {})
    loss = make(name, weights, **args)
    torch.testing.assert_close(loss(LOGITS, LABELS), loss(LOGITS, functional.one_hot(LABELS, CLASSES).float()))


def test_a_mixed_target_is_the_mix_of_the_losses() -> None:
    """Zhang et al., 2017: the loss is linear in the target."""
    loss = make("cross_entropy", smoothing=0.0)
    first, second = functional.one_hot(LABELS, CLASSES).float(), functional.one_hot(LABELS.flip(0), CLASSES).float()
    mixed = loss(LOGITS, 0.3 * first + 0.7 * second)
    torch.testing.assert_close(mixed, 0.3 * loss(LOGITS, first) + 0.7 * loss(LOGITS, second))


def test_soft_cross_entropy_equals_torchs() -> None:
    target = torch.rand(7, CLASSES, generator=torch.Generator().manual_seed(1)).softmax(dim=1)
    ours = make("cross_entropy", smoothing=0.1)(LOGITS, target)
    torch.testing.assert_close(ours, functional.cross_entropy(LOGITS, target, label_smoothing=0.1))


def test_focal_is_its_formula() -> None:
    p = LOGITS.softmax(dim=1)[torch.arange(7), LABELS]
    torch.testing.assert_close(make("focal", gamma=2.0)(LOGITS, LABELS), (-((1 - p) ** 2) * p.log()).mean())


def test_focal_without_gamma_is_cross_entropy() -> None:
    torch.testing.assert_close(make("focal", gamma=0.0)(LOGITS, LABELS), functional.cross_entropy(LOGITS, LABELS))


def test_binary_cross_entropy_equals_torchs() -> None:
    target = functional.one_hot(LABELS, CLASSES).float()
    ours = make("binary_cross_entropy")(LOGITS, LABELS)
    torch.testing.assert_close(ours, functional.binary_cross_entropy_with_logits(LOGITS, target))


def test_half_precision_logits_are_reckoned_in_fp32() -> None:
    loss = make("cross_entropy", smoothing=0.0)(LOGITS.bfloat16(), LABELS)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, functional.cross_entropy(LOGITS.bfloat16().float(), LABELS))


def test_extreme_logits_stay_finite() -> None:
    logits = torch.tensor([[1e4, -1e4, 0.0, 0.0, 0.0]], requires_grad=True)
    losses = [make("cross_entropy", smoothing=0.1), make("binary_cross_entropy")]
    losses += [make("focal", gamma=gamma) for gamma in (0.0, 0.5, 2.0)]
    for loss_of in losses:
        for label in (0, 1):
            loss = loss_of(logits, torch.tensor([label]))
            (gradient,) = torch.autograd.grad(loss, logits)
            assert loss.isfinite() and gradient.isfinite().all()


@pytest.mark.parametrize(
    ("given", "found"),
    [(torch.float64, torch.float64), (torch.float32, torch.float32), (torch.bfloat16, torch.float32)],
)
def test_only_half_precision_is_cast_up(given: torch.dtype, found: torch.dtype) -> None:
    loss = make_loss("cross_entropy", 2, [1.0, 2.0], smoothing=0.1)
    assert loss(torch.tensor([[1.0, 2.0]], dtype=given), torch.tensor([1])).dtype is found
