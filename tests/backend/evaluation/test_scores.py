"""Precision, recall and F1 against scikit-learn; the worst mistakes first."""

import numpy as np
import pytest
import torch
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support
from torch import nn

from specc.backend.evaluation.evaluate import evaluate
from specc.backend.precision import Precision
from specc.backend.tasks.figures.classification import confusion
from specc.backend.tasks.figures.scores import Confusion, class_scores, confusions, macro
from tests.helpers.losses import classes_of, cross_entropy

CLASSES = ["a", "b", "c", "never seen", "never said", "neither"]
TRUTH = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2, 4])
ANSWER = np.array([0, 1, 1, 1, 1, 2, 2, 0, 3, 0])
TABLE = confusion_matrix(TRUTH, ANSWER, labels=range(6)).astype(np.int64)


def test_scores_equal_scikit_learns() -> None:
    """A ratio over no images is none: a nan there, and None here."""
    wanted = precision_recall_fscore_support(TRUTH, ANSWER, labels=range(6), zero_division=np.nan)
    found = class_scores(TABLE, CLASSES)
    assert [score.name for score in found] == CLASSES
    for index, field in enumerate(("precision", "recall", "f1", "support")):
        expected = [None if np.isnan(value) else pytest.approx(value) for value in wanted[index]]
        assert [getattr(score, field) for score in found] == expected
    assert found[3].recall is None and found[4].precision is None
    assert found[5][1:] == (None, None, None, 0)


def test_the_means_over_classes_equal_scikit_learns() -> None:
    """Classes without images are not in them: precision is 0 where one of these was said."""
    present = [0, 1, 2, 4]
    wanted = precision_recall_fscore_support(TRUTH, ANSWER, labels=present, average="macro", zero_division=np.nan)
    found = macro(class_scores(TABLE, CLASSES))
    assert found[:3] == pytest.approx(wanted[:3])
    assert found.classes == 4


def test_mistakes_come_worst_first_and_only_where_there_are_some() -> None:
    assert confusions(TABLE, CLASSES, 2) == [Confusion("a", "b", 2), Confusion("c", "a", 1)]
    assert len(confusions(TABLE, CLASSES, 50)) == 4
    assert confusions(np.diag([3, 4]).astype(np.int64), ["a", "b"], 5) == []


def test_evaluation_counts_every_image_once_in_evaluation_mode() -> None:
    """Logits are the images themselves, but for dropout, which must be off; batches differ in size."""
    logits = torch.randn(11, 5, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(11) % 5
    net = nn.Sequential(nn.Dropout(0.9), nn.Linear(5, 5, bias=False)).train()
    net.get_parameter("1.weight").data.copy_(torch.eye(5))
    batches = list(zip(logits.split(4), labels.split(4), strict=True))
    found = evaluate(net, batches, classes_of(5), cross_entropy(5), Precision("fp32", "exact"))
    assert found.loss == pytest.approx(float(nn.functional.cross_entropy(logits, labels)), rel=1e-6)
    assert found.figure("accuracy") == pytest.approx(float((logits.argmax(1) == labels).float().mean()))
    assert np.array_equal(confusion(found.records, 5), confusion_matrix(labels, logits.argmax(1), labels=range(5)))
    assert net.training
