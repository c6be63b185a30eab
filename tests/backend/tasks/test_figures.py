"""The figures of every task against scikit-learn, and from any cut into batches."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn import metrics
from torch import Tensor

from specc.backend.tasks.figures import classification, multilabel, regression, segmentation
from specc.tasks import ALL
from tests.helpers.surviving import too_long

Floats = NDArray[np.float64]
EXACT = 1e-12


def rows(records: Tensor) -> Floats:
    return records.numpy().astype(np.float64)


def close(found: dict[str, float | None], wanted: dict[str, Any]) -> None:
    """Equal to 1e-12, and None where None is wanted."""
    assert list(found) == list(wanted)
    for name, value in found.items():
        assert value == (None if wanted[name] is None else pytest.approx(wanted[name], abs=EXACT, rel=0)), name


def draw(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def logits(seed: int, *shape: int) -> Tensor:
    """Random, and rounded, so that there are many ties."""
    return torch.randn(shape, generator=draw(seed)).mul(2).round() / 2


# classification


@pytest.mark.parametrize(
    ("images", "classes", "drawn"), [(300, 10, 10), (300, 10, 4), (7, 10, 10), (1, 7, 7), (64, 2, 2), (64, 6, 1)]
)
def test_classification_equals_scikit_learn(images: int, classes: int, drawn: int) -> None:
    """drawn: only the first so many classes have images; the others are answers at most."""
    outputs = logits(images, images, classes)
    labels = torch.randint(drawn, (images,), generator=draw(classes))
    answers = outputs.argmax(dim=1)
    present = labels.unique()
    wanted = {
        "accuracy": metrics.accuracy_score(labels, answers),
        "balanced_accuracy": metrics.recall_score(labels, answers, labels=present, average="macro"),
        "f1": metrics.f1_score(labels, answers, average="macro"),
        "top5": metrics.top_k_accuracy_score(labels, outputs, k=5, labels=range(classes)) if classes > 5 else None,
    }
    if len(set(answers.tolist()) - set(labels.tolist())) == 0:  # else it warns
        wanted["balanced_accuracy"] = metrics.balanced_accuracy_score(labels, answers)
    close(classification.figures(rows(classification.records(outputs, labels)), classes), wanted)


def test_a_class_row_equals_scikit_learns() -> None:
    outputs, labels = logits(1, 200, 5), torch.randint(4, (200,), generator=draw(2))
    found = classification.by_output(rows(classification.records(outputs, labels)), list("abcde"))
    wanted = metrics.precision_recall_fscore_support(labels, outputs.argmax(1), labels=range(5), zero_division=np.nan)
    assert [row.name for row in found] == list("abcde")
    for index, field in enumerate(("precision", "recall", "f1", "support")):
        expected = [None if np.isnan(value) else pytest.approx(value, abs=EXACT) for value in wanted[index]]
        assert [getattr(row, field) for row in found] == expected


def test_the_class_of_a_mixed_image_is_the_one_of_its_larger_share() -> None:
    outputs = logits(0, 3, 3)
    shares = torch.tensor([[0.7, 0.3, 0.0], [0.0, 0.4, 0.6], [0.0, 1.0, 0.0]])
    assert torch.equal(
        classification.records(outputs, shares), classification.records(outputs, torch.tensor([0, 2, 1]))
    )


def test_an_output_that_is_not_a_number_is_no_hit() -> None:
    outputs = torch.full((4, 9), torch.nan)
    found = classification.figures(rows(classification.records(outputs, torch.tensor([5, 6, 7, 8]))), 9)
    assert found["accuracy"] == found["top5"] == 0


# multi-label


@pytest.mark.parametrize(("images", "tags", "share"), [(300, 8, 0.3), (300, 8, 0.01), (2, 5, 0.5), (1, 4, 0.5)])
def test_multilabel_equals_scikit_learn(images: int, tags: int, share: float) -> None:
    """With few images or a small share some tags have no image at all."""
    outputs = logits(tags, images, tags)
    labels = (torch.rand(images, tags, generator=draw(images)) < share).float()
    answers, there = outputs > 0, labels.any(dim=0)
    averages = [metrics.average_precision_score(labels[:, k], outputs[:, k]) for k in range(tags) if there[k]]
    wanted = {
        "map": np.mean(averages) if averages else None,
        "micro_f1": metrics.f1_score(labels, answers, average="micro", zero_division=0),
        "f1": metrics.f1_score(labels, answers, average="macro", zero_division=0),
        "exact_match": metrics.accuracy_score(labels, answers),
    }
    close(multilabel.figures(rows(multilabel.records(outputs, labels))), wanted)


def test_a_single_tag_is_a_question_of_yes_or_no() -> None:
    outputs, labels = logits(3, 90, 1), (torch.rand(90, 1, generator=draw(4)) < 0.4).float()
    found = multilabel.figures(rows(multilabel.records(outputs, labels)))
    f1 = metrics.f1_score(labels, outputs > 0)
    area = metrics.average_precision_score(labels, outputs)
    wanted = {"map": area, "micro_f1": f1, "f1": f1, "exact_match": metrics.accuracy_score(labels, outputs > 0)}
    close(found, wanted)


def test_nothing_to_find_and_nothing_found() -> None:
    outputs = torch.zeros(3, 2)  # a probability of exactly one half is no answer
    found = multilabel.figures(rows(multilabel.records(outputs, torch.zeros(3, 2))))
    assert found == {"map": None, "micro_f1": 0, "f1": 0, "exact_match": 1}


def test_a_tag_row_equals_scikit_learns() -> None:
    outputs, labels = logits(5, 100, 3), (torch.rand(100, 3, generator=draw(6)) < 0.3).float()
    outputs[:, 1], labels[:, 2] = -1, 0  # one is never an answer, another in no image
    found = multilabel.by_output(rows(multilabel.records(outputs, labels)), list("abc"))
    wanted = metrics.precision_recall_fscore_support(labels, outputs > 0, zero_division=np.nan)
    for index, field in enumerate(("precision", "recall", "f1", "support")):
        expected = [None if np.isnan(value) else pytest.approx(value, abs=EXACT) for value in wanted[index]]
        assert [getattr(row, field) for row in found] == expected
    areas = [metrics.average_precision_score(labels[:, k], outputs[:, k]) for k in range(2)]
    assert [row.average_precision for row in found] == [*(pytest.approx(area, abs=EXACT) for area in areas), None]


def test_a_tag_of_mixed_images_is_there_from_one_half_on() -> None:
    outputs, shares = logits(0, 2, 2), torch.tensor([[0.5, 0.4], [0.9, 0.0]])
    assert multilabel.records(outputs, shares)[:, 2:].tolist() == [[1, 0], [1, 0]]


# regression


@pytest.mark.parametrize(("images", "numbers"), [(200, 1), (200, 4), (2, 3)])
def test_regression_equals_scikit_learn(images: int, numbers: int) -> None:
    truths = torch.randn(images, numbers, generator=draw(numbers), dtype=torch.float64) * 30 + 1e4
    answers = truths + torch.randn(images, numbers, generator=draw(images), dtype=torch.float64)
    wanted = {
        "mae": metrics.mean_absolute_error(truths, answers),
        "rmse": metrics.root_mean_squared_error(truths, answers),
        "r2": metrics.r2_score(truths, answers),
    }
    records = rows(regression.records(answers, truths))
    close(regression.figures(records), wanted)
    found = regression.by_output(records, list("abcd")[:numbers])
    assert [row.r2 for row in found] == pytest.approx(metrics.r2_score(truths, answers, multioutput="raw_values"))
    assert [row.mae for row in found] == pytest.approx((answers - truths).abs().mean(dim=0).tolist())
    assert [row.rmse**2 for row in found] == pytest.approx((answers - truths).square().mean(dim=0).tolist())
    assert [row.mean for row in found] == pytest.approx(truths.mean(dim=0).tolist())
    assert [row.deviation for row in found] == pytest.approx(truths.std(dim=0, correction=0).tolist())


def test_numbers_keep_all_their_digits() -> None:
    """A float32 output beside a float64 label: dates in seconds differ beyond the 24 bits of a float32."""
    truths = torch.tensor([[1_700_000_001.0], [1_700_000_003.0]], dtype=torch.float64)
    found = regression.figures(rows(regression.records(torch.full((2, 1), 1_700_000_000.0), truths)))
    assert found["mae"] == 2


def test_there_is_no_variance_to_explain_in_a_constant() -> None:
    truths = torch.tensor([[0.1, 1.0], [0.1, 2.0], [0.1, 4.0]], dtype=torch.float64)
    answers = truths + torch.tensor([[0.1, 0.5], [0.0, 0.0], [0.2, 1.0]], dtype=torch.float64)
    found = regression.figures(rows(regression.records(answers, truths)))
    assert found["r2"] == pytest.approx(metrics.r2_score(truths[:, 1], answers[:, 1]), abs=EXACT)
    assert regression.figures(rows(regression.records(answers[:, :1], truths[:, :1])))["r2"] is None
    assert regression.figures(rows(regression.records(answers[:1], truths[:1])))["r2"] is None
    assert [row.r2 is None for row in regression.by_output(rows(regression.records(answers, truths)), "ab")] == [
        True,
        False,
    ]


# segmentation


@pytest.mark.parametrize(
    ("images", "classes", "drawn", "ignore"), [(5, 4, 4, 255), (5, 4, 2, None), (1, 9, 3, 0), (3, 2, 1, 255)]
)
def test_segmentation_equals_scikit_learn(images: int, classes: int, drawn: int, ignore: int | None) -> None:
    outputs = logits(classes, images, classes, 6, 5)
    labels = torch.randint(drawn, (images, 6, 5), generator=draw(images), dtype=torch.uint8)
    outputs[:, classes - 1] = -9  # never an answer
    if ignore is not None:
        labels[torch.rand(labels.shape, generator=draw(9)) < 0.2] = ignore
    counted = torch.ones_like(labels, dtype=torch.bool) if ignore is None else labels != ignore
    truths, answers = labels[counted], outputs.argmax(dim=1)[counted]
    wanted = {
        "mean_iou": metrics.jaccard_score(truths, answers, average="macro"),
        "dice": metrics.f1_score(truths, answers, average="macro"),
        "pixel_accuracy": metrics.accuracy_score(truths, answers),
    }
    records = rows(segmentation.records(outputs, labels, ignore))
    close(segmentation.figures(records), wanted)
    found = segmentation.by_output(records, [str(number) for number in range(classes)])
    every = range(classes)
    scores = metrics.precision_recall_fscore_support(truths, answers, labels=every, zero_division=np.nan)
    for index, field in enumerate(("precision", "recall", "dice", "pixels")):
        expected = [None if np.isnan(value) else pytest.approx(value, abs=EXACT) for value in scores[index]]
        assert [getattr(row, field) for row in found] == expected
    shares = metrics.jaccard_score(truths, answers, labels=every, average=None, zero_division=0)
    assert [row.iou or 0 for row in found] == pytest.approx(shares, abs=EXACT)


def test_masks_without_a_pixel_that_counts_have_no_figure() -> None:
    records = rows(segmentation.records(logits(0, 2, 3, 4, 4), torch.full((2, 4, 4), 7, dtype=torch.uint8), 7))
    assert set(segmentation.figures(records).values()) == {None}


# all of them


def case(task: str, images: int) -> tuple[Callable[[Tensor, Tensor], Tensor], Callable[[Floats], Any], Tensor, Tensor]:
    """`records` and `figures` of a task with all but their first arguments, outputs, and labels."""
    match task:
        case "classification":
            labels = torch.randint(8, (images,), generator=draw(1))
            figures = lambda records: classification.figures(records, 8)  # noqa: E731
            return classification.records, figures, logits(2, images, 8), labels
        case "multi-label":
            labels = torch.randint(2, (images, 4), generator=draw(1)).float()
            return multilabel.records, multilabel.figures, logits(2, images, 4), labels
        case "regression":
            truths = torch.randn(images, 2, generator=draw(1), dtype=torch.float64)
            return regression.records, regression.figures, torch.randn(images, 2, generator=draw(2)), truths
        case "segmentation":
            labels = torch.randint(4, (images, 3, 3), generator=draw(1), dtype=torch.uint8)
            records = lambda outputs, labels: segmentation.records(outputs, labels, 3)  # noqa: E731
            return records, segmentation.figures, logits(2, images, 3, 3, 3), labels
    raise AssertionError(task)


@pytest.mark.parametrize("task", ALL, ids=lambda task: task.name)
def test_the_figures_of_a_task_are_all_there(task: Any) -> None:
    records, figures, outputs, labels = case(task.name, 12)
    assert list(figures(rows(records(outputs, labels)))) == [figure.name for figure in task.figures]


@pytest.mark.parametrize("task", ALL, ids=lambda task: task.name)
def test_no_cut_into_batches_changes_a_figure(task: Any) -> None:
    records, figures, outputs, labels = case(task.name, 23)
    whole = rows(records(outputs, labels))
    assert whole.shape[0] == 23
    for sizes in ([1] * 23, [10, 13], [22, 1], [5, 5, 5, 5, 3]):
        parts = zip(outputs.split(sizes), labels.split(sizes), strict=True)
        cut = np.concatenate([rows(records(*part)) for part in parts])
        assert np.array_equal(cut, whole) and figures(cut) == figures(whole)


@pytest.mark.parametrize("task", ALL, ids=lambda task: task.name)
def test_records_of_half_precision_outputs_that_learn(task: Any) -> None:
    records, figures, outputs, labels = case(task.name, 6)
    found = records(outputs.bfloat16().requires_grad_(), labels)
    assert not found.requires_grad and found.dtype == (torch.float64 if task.name == "regression" else torch.float32)
    assert figures(rows(found)).keys()


@pytest.mark.parametrize("task", ALL, ids=lambda task: task.name)
def test_records_wait_for_no_value(task: Any) -> None:
    """So that a GPU need not be waited for, and a CUDA graph can hold them: tensors without values are enough."""
    records, _, outputs, labels = case(task.name, 6)
    assert records(outputs.to("meta"), labels.to("meta")).shape == records(outputs, labels).shape


def test_large_sets_take_no_time() -> None:
    """50,000 images of 10 classes; 100,000 images with 80 tags."""
    draws = np.random.default_rng(0)
    classes = np.stack([draws.integers(10, size=50_000) for _ in range(3)], axis=1).astype(np.float64)
    tags = np.concatenate([draws.normal(size=(100_000, 80)), draws.random((100_000, 80)) < 0.05], axis=1)
    start = time.process_time()
    classification.figures(classes, 10)
    middle = time.process_time()
    multilabel.figures(tags)
    assert not too_long(middle - start, 0.5) and not too_long(time.process_time() - middle, 2)
