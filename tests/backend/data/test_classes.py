"""Classes: their table, their weights, and their natural order."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from specc.backend.data.classes import class_table, class_weights, weights_notes
from specc.backend.data.order import natural
from specc.backend.evaluation.losses import loss_function
from specc.check import check
from specc.errors import SpeccError
from specc.source import Source
from specc.tasks import CLASSIFICATION
from specc.tricks.sections import losses_of
from specc.values import Bound
from tests.helpers.losses import classes_of
from tests.helpers.tiny_data import levels, read, refused

CLASSES = ("1", "2", "10", "defect")
COUNTS = (40, 30, 20, 10)


def loss(weights: str, name: str = "cross_entropy") -> Bound:
    text = (
        f'data {{ source = folder("x") }}\nnetwork N {{ input(3, 8x8); flatten -> dense(4) }}\ntrain {{ loss = {name}'
    )
    checked = check(Source("net.cnn", f"{text}(weights={weights}) }}"))
    assert checked.train is not None, checked.diagnostics
    (bound,) = losses_of(checked.train, CLASSIFICATION)
    return bound


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
    found = class_weights(loss(weights, name), CLASSES, COUNTS)
    assert found.args.weights == pytest.approx(expected) and found.name == name
    loss_function([found], classes_of(4), torch.device("cpu"))(torch.zeros(2, 4), torch.tensor([0, 3]))


def test_balanced_is_scikit_learn_s() -> None:
    from sklearn.utils.class_weight import compute_class_weight

    labels = np.repeat(np.arange(4), COUNTS)
    expected = compute_class_weight("balanced", classes=np.arange(4), y=labels)
    assert class_weights(loss("balanced"), CLASSES, COUNTS).args.weights == pytest.approx(expected.tolist())


def test_which_class_got_which_weight_is_said() -> None:
    (note,) = weights_notes([class_weights(loss('[("defect", 9)]'), CLASSES, COUNTS)], CLASSES)
    assert note == "class weights of cross_entropy: 1 1, 2 1, 10 1, defect 9"
    assert weights_notes([loss("none")], CLASSES) == []


@pytest.mark.parametrize(
    ("weights", "counts", "message"),
    [
        ('[("defct", 9)]', COUNTS, "there is no class defct"),
        ("balanced", (40, 30, 0, 10), "`balanced` cannot weigh a class without training images: 10"),
    ],
)
def test_weights_that_do_not_fit_the_classes(weights: str, counts: tuple[int, ...], message: str) -> None:
    with pytest.raises(SpeccError, match=message) as caught:
        class_weights(loss(weights), CLASSES, counts)
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


def test_the_table_has_every_class_with_its_number_in_each_part() -> None:
    assert class_table(("2", "ten"), [("training", (1000, 2)), ("validation", (3, 0))]) == [
        "class  training  validation",
        "2         1,000           3",
        "ten           2           0",
    ]
    names = [f"c{number}" for number in range(100)]
    (line,) = class_table(names, [("training", range(100)), ("validation", range(100))])
    assert line.startswith("100 classes (training / validation images): c0 0/0, c1 1/1") and line.endswith("c99 99/99")


def test_natural_order() -> None:
    ordered = ["", "0", "1", "1.5", "2", "007", "10", "a", "a1", "a02", "a2", "a2b", "a10", "b", "é1", "é10"]
    assert len("1" * 5000) == len(sorted(["1" * 5000, "2" * 5000], key=natural)[0])  # no limit on digits
    assert sorted([*ordered[9:], *ordered[:9]], key=natural) == ordered


def test_a_class_that_is_measured_and_not_learned_is_refused(tmp_path: Path) -> None:
    arrays: dict[str, Any] = {
        "x_train": levels(6, 5, 5),
        "y_train": np.arange(6) % 2,
        "x_test": levels(3, 5, 5, seed=1),
    }
    np.savez(tmp_path / "a.npz", **arrays, y_test=np.arange(3))
    found = refused("E407", 'npz("a.npz")', base=tmp_path)
    assert "no image to train on in class 2, which validation images have" in found
    assert read('npz("a.npz")', "validation = split(2)", base=tmp_path).classes == ("0", "1", "2")
