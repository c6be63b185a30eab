"""The figures of a classifier with their intervals, against scikit-learn and a bootstrap written out."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score, log_loss, precision_recall_fscore_support

from specc.backend.evaluation.class_figures import by_class, scores_json
from specc.backend.evaluation.evaluate import evaluate
from specc.backend.evaluation.figures import Figures, figures_json, figures_of
from specc.backend.evaluation.intervals import DRAWS, SEED, wilson
from specc.backend.evaluation.losses import loss_function
from specc.backend.evaluation.totals import Evaluation
from specc.backend.evaluation.words import least, loss_words, optimism
from specc.backend.precision import Precision
from specc.backend.tasks.bound import bind
from specc.backend.tasks.figures.classification import confusion
from specc.tasks import CLASSIFICATION
from specc.tricks.loss import CROSS_ENTROPY

CLASSES = ["a", "b", "c"]
TASK = bind(CLASSIFICATION, CLASSES)


def answers(images: int = 150) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(3)
    truth = draw.choice(3, images, p=[0.6, 0.35, 0.05])
    return truth, np.where(draw.random(images) < 0.7, truth, draw.integers(0, 3, images))


def confusion_of(truth: np.ndarray, answer: np.ndarray) -> np.ndarray:
    return np.bincount(3 * truth + answer, minlength=9).reshape(3, 3)


def test_values_and_intervals_by_class() -> None:
    truth, answer = answers()
    mean, classes = by_class(confusion_of(truth, answer), CLASSES)
    precision, recall, f1, support = precision_recall_fscore_support(truth, answer)
    assert [one.precision.value for one in classes] == pytest.approx(precision)
    assert [one.recall.value for one in classes] == pytest.approx(recall)
    assert [one.f1.value for one in classes] == pytest.approx(f1)
    assert [one.support for one in classes] == support.tolist()
    assert mean.f1.value == pytest.approx(f1_score(truth, answer, average="macro"))
    for number, one in enumerate(classes):
        right = int(((truth == number) & (answer == number)).sum())
        assert one.recall.interval == wilson(right, int((truth == number).sum()))
        assert one.precision.interval == wilson(right, int((answer == number).sum()))


def test_mean_f1_is_bootstrapped_over_the_images() -> None:
    """The same draws of images, in the order of the confusion matrix, through scikit-learn."""
    truth, answer = answers(60)
    mean, classes = by_class(confusion_of(truth, answer), CLASSES)
    order = np.lexsort((answer, truth))
    truth, answer = truth[order], answer[order]
    generator = np.random.default_rng(SEED)
    values = []
    for _ in range(DRAWS):
        index = generator.integers(0, 60, 60)
        there = np.unique(truth[index])
        values.append(f1_score(truth[index], answer[index], average="macro", labels=there, zero_division=0))
    assert mean.f1.interval == pytest.approx(np.quantile(values, [0.025, 0.975]))
    low, high = classes[0].f1.interval or (0, 0)
    assert 0 < low < (classes[0].f1.value or 0) < high < 1


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [None, (1.0, 2.0, 5.0)])
def test_the_loss_of_each_image_adds_up(smoothing: float, weights: tuple[float, ...] | None) -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(40, 3), torch.randint(0, 3, (40,))
    loss = loss_function([CROSS_ENTROPY.call(smoothing=smoothing, weights=weights)], TASK, torch.device("cpu"))
    whole, each = loss.parts(logits, labels), loss.each_image(logits, labels)
    assert each.shape == (40, 2)
    assert each.sum(dim=0).tolist() == pytest.approx(loss.pairs(whole).tolist(), rel=1e-5)


def evaluated(images: int = 64) -> tuple[Evaluation, Figures]:
    torch.manual_seed(0)
    x, labels = torch.randn(images, 1, 1, 3), torch.randint(0, 3, (images,))
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3, 3))
    loss = loss_function([CROSS_ENTROPY.call()], TASK, torch.device("cpu"))
    batches = [(x[:20], labels[:20]), (x[20:], labels[20:])]
    evaluation = evaluate(net, batches, TASK, loss, Precision("fp32", "exact"), keep_each=True)
    probabilities = net(x).softmax(1).detach().numpy().astype(np.float64)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    assert evaluation.loss == pytest.approx(log_loss(labels.numpy(), probabilities), rel=1e-5)
    return evaluation, figures_of(evaluation, TASK)


def test_every_figure_has_an_interval_around_it() -> None:
    evaluation, figures = evaluated()
    assert evaluation.losses is not None and len(evaluation.losses) == 64
    error = evaluation.losses[:, 0].std() / math.sqrt(64)
    assert figures.loss.interval == pytest.approx(
        (evaluation.loss - 1.96 * error, evaluation.loss + 1.96 * error), rel=0.05
    )
    assert figures.values["accuracy"].interval == wilson(round(64 * evaluation.figure("accuracy")), 64)
    found = figures_json(figures)
    for name in ("accuracy", "loss", "accuracy_one_view"):
        low, high = found[f"{name}_interval"]
        assert low < found[name] < high
    classes = scores_json(*by_class(confusion(evaluation.records, 3), CLASSES))
    for scores in (classes["macro"], *classes["classes"]):
        for name in ("precision", "recall", "f1"):
            assert scores[f"{name}_interval"][0] <= scores[name] <= scores[f"{name}_interval"][1]


def test_a_class_without_images_has_no_figure() -> None:
    _, (one, other) = by_class(np.array([[5, 0], [0, 0]]), ["a", "b"])
    assert other.recall == (None, None) and other.precision == (None, None) and other.f1 == (None, None)
    assert one.recall.interval == wilson(5, 5) and str(one.recall) == "100.00% (56.55% to 100.00%)"


def test_the_best_of_several_epochs_is_called_optimistic() -> None:
    assert optimism("validation", 1) == optimism("test", 1) == ""
    assert optimism("train", 20) == "the best of 20 epochs, chosen on these images, so optimistic"
    assert "chosen on the test part itself" in optimism("test", 20)
    assert optimism("validation", 0).startswith("the best epoch, chosen")


def test_what_label_smoothing_adds_to_a_loss() -> None:
    """The smallest loss is reached by the logits whose softmax is the smoothed label."""
    smooth = torch.tensor([[0.9 + 0.1 / 4, 0.1 / 4, 0.1 / 4, 0.1 / 4]])
    wanted = torch.nn.functional.cross_entropy(smooth.log(), torch.tensor([0]), label_smoothing=0.1)
    assert least(0.1, 4) == pytest.approx(float(wanted), rel=1e-6)
    assert f"none is below {float(wanted):.4f}" in loss_words([CROSS_ENTROPY.call(smoothing=0.1)], 4)
    assert loss_words([CROSS_ENTROPY.call()], 4) == ""
