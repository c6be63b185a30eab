"""Figures over a set of images do not depend on how it was cut into batches."""

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, confusion_matrix
from torch import Tensor, nn
from torch.nn import functional

from specc.backend.evaluation.evaluate import evaluate
from specc.backend.evaluation.totals import Evaluation, Totals
from specc.backend.precision import Precision
from specc.backend.tasks.figures.classification import confusion
from specc.values import Args
from tests.helpers.losses import LOSSES, classes_of, make_loss

IMAGES, CLASSES = 37, 4
SIZES = (1, 2, 5, 16, IMAGES)
WEIGHTS = [None, [1.0, 1.0, 1.0, 1.0], [0.1, 9.0, 2.5, 1e-3]]
FP32 = Precision("fp32", "exact")


def answers(dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Logits, and labels of which one class is rare, and comes late."""
    source = torch.Generator().manual_seed(3)
    logits = 4 * torch.randn(IMAGES, CLASSES, generator=source, dtype=torch.float64)
    labels = torch.randint(0, 2, (IMAGES,), generator=source)
    labels[-9:] = torch.arange(9) % CLASSES
    return logits.to(dtype), labels


class Passing(nn.Module):
    """Answers with what it is given."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.one = nn.Parameter(torch.ones((), dtype=dtype))

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) * self.one


def figures(
    logits: Tensor, labels: Tensor, size: int, loss: Any, tta: Args | None = None, shape: tuple[int, ...] = (-1,)
) -> Evaluation:
    batches = list(zip(logits.view(IMAGES, *shape).split(size), labels.split(size), strict=True))
    return evaluate(Passing(logits.dtype), batches, classes_of(CLASSES), loss, FP32, tta)


@pytest.mark.parametrize(("dtype", "rel"), [(torch.float64, 1e-12), (torch.float32, 1e-6)])
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize(("name", "args"), LOSSES)
def test_no_figure_depends_on_the_size_of_the_batches(
    name: str, args: dict[str, Any], weights: list[float] | None, dtype: torch.dtype, rel: float
) -> None:
    logits, labels = answers(dtype)
    loss = make_loss(name, CLASSES, weights, **args)
    whole = loss(logits.double(), labels)
    for size in SIZES:
        evaluation = figures(logits, labels, size, loss)
        assert evaluation.loss == pytest.approx(float(whole), rel=rel), size
        assert evaluation.figures == evaluation.one_view
        assert evaluation.figure("accuracy") == accuracy_score(labels, logits.argmax(1)), size
        assert np.array_equal(
            confusion(evaluation.records, CLASSES), confusion_matrix(labels, logits.argmax(1), labels=range(4))
        )


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_weighted_loss_is_torchs_over_all_images(smoothing: float, size: int) -> None:
    logits, labels = answers(torch.float64)
    weights = [0.5, 8.0, 2.0, 0.25]
    loss = make_loss("cross_entropy", CLASSES, weights, smoothing=smoothing)
    wanted = functional.cross_entropy(logits, labels, torch.tensor(weights).double(), label_smoothing=smoothing)
    assert figures(logits, labels, size, loss).loss == pytest.approx(float(wanted), rel=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_views_do_not_change_that(size: int) -> None:
    logits, labels = answers(torch.float64)
    tta, loss = Args(mirror="flip", shift=0, weight=0.5), make_loss("focal", CLASSES, [1, 2, 3, 4], gamma=1.5)
    evaluation = figures(logits, labels, size, loss, tta, (1, 1, CLASSES))
    wanted = figures(logits, labels, IMAGES, loss, tta, (1, 1, CLASSES))
    assert evaluation.loss == pytest.approx(wanted.loss, rel=1e-6)  # means over views are taken in fp32
    assert (evaluation.figures, evaluation.one_view) == (wanted.figures, wanted.one_view)


def test_parts_of_a_set_merge_to_the_whole() -> None:
    logits, labels = answers(torch.float64)
    loss = make_loss("cross_entropy", CLASSES, [0.5, 8.0, 2.0, 0.25], smoothing=0.0)
    parts = [Totals(classes_of(CLASSES), loss, torch.device("cpu")) for _ in range(4)]
    for part, x, y in zip(parts, logits.split(11), labels.split(11), strict=True):
        part.update(loss.parts(x, y), x, x, y)
    whole = parts[3]
    for part in parts[:3]:
        whole.merge(part)
    wanted = figures(logits, labels, 5, loss)
    evaluation = whole.compute()
    assert evaluation.loss == pytest.approx(wanted.loss, rel=1e-12)
    assert (evaluation.figures, evaluation.one_view) == (wanted.figures, wanted.one_view)
    assert np.array_equal(np.sort(evaluation.records, 0), np.sort(wanted.records, 0))
