"""What makes up for classes that differ in size: weights, draws, and a word where nothing does."""

from typing import Any

import numpy as np
import pytest
import torch

from specc.backend.data.balance import class_weights, rare_note, sample_note, weights_notes
from specc.backend.data.dataset import DataSet
from specc.backend.evaluation.losses import loss_function
from specc.backend.tasks.bound import bind
from specc.check import check
from specc.errors import SpeccError
from specc.source import Source
from specc.tasks import CLASSIFICATION, MULTILABEL, SEGMENTATION
from specc.values import Bound
from tests.helpers.tiny_data import levels, read

TAGS = bind(MULTILABEL, ("beach", "rare"))
CLASSES = ("1", "2", "10", "defect")
COUNTS = (40, 30, 20, 10)
TASK = bind(CLASSIFICATION, CLASSES)


def loss(weights: str, name: str = "cross_entropy") -> Bound:
    text = (
        f'data {{ source = folder("x") }}\nnetwork N {{ input(3, 8x8); flatten -> dense(4) }}\ntrain {{ loss = {name}'
    )
    checked = check(Source("net.cnn", f"{text}(weights={weights}) }}"))
    assert checked.train is not None, checked.diagnostics
    assert isinstance(checked.train.loss, Bound)
    return checked.train.loss


@pytest.mark.parametrize("name", ["cross_entropy", "focal", "binary_cross_entropy"])
@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ('[("defect", 9)]', (1, 1, 1, 9)),
        ('[("10", 0.5), ("1", 2)]', (2, 1, 0.5, 1)),
        ("[1, 2, 3, 4]", (1, 2, 3, 4)),
        ("balanced", (100 / 160, 100 / 120, 100 / 80, 100 / 40)),
        ("none", None),
    ],
)
def test_weights_by_name_by_position_and_balanced(name: str, weights: str, expected: tuple[float, ...] | None) -> None:
    found = class_weights(loss(weights, name), TASK, COUNTS, 100)
    assert found.args.weights == pytest.approx(expected) and found.name == name
    loss_function([found], TASK, torch.device("cpu"))(torch.zeros(2, 4), torch.tensor([0, 3]))


def test_balanced_is_scikit_learn_s() -> None:
    from sklearn.utils.class_weight import compute_class_weight

    labels = np.repeat(np.arange(4), COUNTS)
    expected = compute_class_weight("balanced", classes=np.arange(4), y=labels)
    assert class_weights(loss("balanced"), TASK, COUNTS, 100).args.weights == pytest.approx(expected.tolist())


def test_a_balanced_tag_counts_as_much_where_it_is_as_where_it_is_not() -> None:
    """Images that all get the same answer pull no tag up or down: the gradient is zero at one half."""
    labels = torch.tensor([[1, 0, 0], [1, 1, 0], [1, 0, 0], [0, 0, 1], [1, 0, 0]]).float()
    tags = bind(MULTILABEL, "abc")
    counts = tags.counts(labels)
    assert counts == (4, 1, 1)
    weighted = class_weights(loss("balanced", "binary_cross_entropy"), tags, counts, len(labels))
    assert weighted.args.weights == (1 / 4, 4, 4)
    logits = torch.zeros(5, 3, requires_grad=True)
    loss_function([weighted], tags, torch.device("cpu"))(logits, labels).backward()
    assert logits.grad is not None
    assert logits.grad.sum(dim=0).tolist() == pytest.approx([0, 0, 0], abs=1e-7)
    assert logits.grad.abs().sum() > 0.1


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ((2, 0, 1), "`balanced` cannot weigh a tag that no training image has: b"),
        ((2, 5, 1), "`balanced` cannot weigh a tag that every training image has: b"),
    ],
)
def test_a_tag_without_an_opposite_cannot_be_balanced(counts: tuple[int, ...], message: str) -> None:
    with pytest.raises(SpeccError, match=message) as caught:
        class_weights(loss("balanced", "binary_cross_entropy"), bind(MULTILABEL, "abc"), counts, 5)
    assert caught.value.code == "E315" and caught.value.help


def test_masks_are_balanced_by_the_pixels_that_count() -> None:
    masks = torch.tensor([[[0, 0, 0], [1, 255, 255]], [[0, 0, 0], [0, 0, 1]]], dtype=torch.uint8)
    task = bind(SEGMENTATION, "ab", ignore=255)
    counts = task.counts(masks)
    assert counts == (8, 2)
    weights = class_weights(loss("balanced"), task, counts, 2).args.weights
    assert weights == (10 / 16, 10 / 4)
    with pytest.raises(SpeccError, match="a class without training pixels: c") as caught:
        class_weights(loss("balanced"), bind(SEGMENTATION, "abc"), (8, 2, 0), 2)
    assert caught.value.code == "E315"


def test_which_class_got_which_weight_is_said() -> None:
    weighted = class_weights(loss('[("defect", 9)]'), TASK, COUNTS, 100)
    (note,) = weights_notes([loss("none"), weighted], TASK)
    assert note == "class weights of cross_entropy: 1: 1, 2: 1, 10: 1, defect: 9"
    tags = bind(MULTILABEL, CLASSES)
    weighted = class_weights(loss("balanced", "binary_cross_entropy"), tags, COUNTS, 50)
    assert weights_notes([weighted], tags) == [
        "tag weights of binary_cross_entropy: 1: 0.25, 2: 0.666667, 10: 1.5, defect: 4"
    ]


@pytest.mark.parametrize(
    ("weights", "counts", "message"),
    [
        ('[("defct", 9)]', COUNTS, "there is no class defct"),
        ("balanced", (40, 30, 0, 10), "`balanced` cannot weigh a class without training images: 10"),
    ],
)
def test_weights_that_do_not_fit_the_classes(weights: str, counts: tuple[int, ...], message: str) -> None:
    with pytest.raises(SpeccError, match=message) as caught:
        class_weights(loss(weights), TASK, counts, sum(counts))
    assert caught.value.code == "E315"


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ('[("8", 2), ("8", 3)]', "`8` gets two weights"),
        ('[("eight", 2)]', "gives a weight to `eight`, which is none of the classes"),
        ("[1, 2]", "has 2 weights, but the network has 10 classes"),
    ],
)
def test_what_the_text_decides_is_said_by_check(weights: str, message: str) -> None:
    text = "data { source = digits }\nnetwork N { flatten -> dense(10) }\ntrain { loss = cross_entropy(weights="
    (error,) = check(Source("net.cnn", f"{text}{weights}) }}")).errors
    assert error.code == "E315" and message in error.message


def test_a_weight_of_another_form_is_a_wrong_value() -> None:
    text = "data { source = digits }\nnetwork N { flatten -> dense(10) }\ntrain { loss = cross_entropy(weights="
    for weights in ('[("8", 0)]', '[("8",)]', "[(8, 2)]", "even", '"balanced"', '[1, ("8", 2)]'):
        (error,) = check(Source("net.cnn", f"{text}{weights}) }}")).errors
        assert error.code == "E207", weights


def test_how_often_images_are_drawn_is_said() -> None:
    task, labels = bind(CLASSIFICATION, ("good", "none", "defect")), torch.tensor([0] * 97 + [2] * 3)
    assert sample_note(None, task, labels) == []
    (note,) = sample_note("balanced", task, labels)
    assert note == (
        "sample = balanced: each class is drawn 50 times an epoch, an image of good 0.515 times, of defect 16.7 times"
    )
    task = bind(CLASSIFICATION, [str(number) for number in range(100)])
    (note,) = sample_note("balanced", task, torch.arange(100).repeat_interleave(torch.arange(1, 101)))
    assert note.endswith("drawn 50 times an epoch, an image of 99 0.505 times, of 0 50.5 times")  # the extremes only


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    """400 images, 3 of which are of another class than all others; 4 are to validate on."""
    place = tmp_path_factory.mktemp("rare")
    arrays: dict[str, Any] = {"images": levels(400, 4, 4), "labels": (np.arange(400) % 134 == 0).astype(int)}
    np.savez(place / "a.npz", **arrays, classes=["good", "defect"])
    return read('npz("a.npz")', "validation = split(4)", base=place)


PLAIN = loss("none")


def test_a_rare_class_that_nothing_makes_up_for_is_named(dataset: DataSet) -> None:
    (note,) = rare_note(dataset, [PLAIN], None, "auto")
    assert note == (
        "classes of under 1% of the training images hardly count in the loss and in `accuracy`: defect 0.51%; consider "
        "loss = cross_entropy(weights=balanced), sample = balanced or best = balanced_accuracy"
    )
    weighted = class_weights(loss("balanced"), dataset.task, dataset.train_counts, dataset.train_images)
    assert rare_note(dataset, [weighted], None, "auto") == []
    assert rare_note(dataset, [PLAIN], "balanced", "auto") == []
    assert rare_note(dataset, [PLAIN], None, "balanced_accuracy") == rare_note(dataset, [PLAIN], None, "f1") == []
    for best in ("last", "loss"):
        (note,) = rare_note(dataset, [PLAIN], None, best)
        assert "hardly count in the loss: defect" in note


def test_of_many_classes_none_is_rare_for_having_its_share(dataset: DataSet) -> None:
    """Each of a thousand has 0.1% of the images."""
    task = bind(CLASSIFICATION, [str(number) for number in range(1000)])
    many = dataset._replace(task=task, train_counts=(50,) * 1000)
    assert rare_note(many, [PLAIN], None, "auto") == []
    (note,) = rare_note(many._replace(train_counts=(4, *(50,) * 999)), [PLAIN], None, "auto")
    assert "under 0.01% of the training images" in note and ": 0 0.01%;" in note


def test_tags_count_the_same_unless_another_figure_chooses(dataset: DataSet) -> None:
    tagged = dataset._replace(task=TAGS, train_counts=(9, 300), train_images=1000)
    assert rare_note(tagged, [PLAIN], None, "auto") == []
    (note,) = rare_note(tagged, [loss("none", "binary_cross_entropy")], None, "exact_match")
    assert "tags of under 1% of the training images" in note and ": beach 0.90%; consider" in note
    assert "sample" not in note
