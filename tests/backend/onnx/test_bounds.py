"""The certificate's bounds: each over the worst of all numbers, however many images there are, and up to the bound."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from specc.backend.data.split import Resident
from specc.backend.onnx.certify import compare_model
from specc.backend.onnx.compare import Tally
from specc.backend.onnx.comparison import Comparison, Figures
from specc.backend.onnx.ending import Ending
from specc.backend.onnx.judge import judge, judge_loss
from specc.backend.onnx.session import CPU
from specc.backend.onnx.truth import Batch, Survey, Trained, Truth, spread_of
from specc.backend.tasks.bound import bind
from specc.tasks import CLASSIFICATION, REGRESSION, SEGMENTATION, Task
from tests.helpers.tiny_model import CLASSES, logits, reference, tiny_body

TOLERANCE = 2.0**-10  # and differences that floats hold exactly
SOFTMAX = Ending("probabilities", "softmax")
ACCURACY = CLASSIFICATION.figure("accuracy")
Array = NDArray[np.float32]


def outputs(images: int = 1000, classes: int = 4) -> Array:
    """Multiples of 1/16 that are different for each image."""
    numbers = np.random.default_rng(0).integers(0, 16, (images, classes))
    return (numbers / 16).astype(np.float32)


def figures(ours: Array, theirs: Array, *, task: Task = CLASSIFICATION, ending: Ending = SOFTMAX) -> Figures:
    """Of what a file gives instead of ours, in two batches of different sizes."""
    tally = Tally(bind(task, [f"output{n}" for n in range(ours.shape[1])]), ending)
    for own, given in zip(np.array_split(ours, [1]), np.array_split(theirs, [1]), strict=True):
        tally.update(Trained(own, own), given)
    return tally.figures()


def compared(ours: Array, theirs: Array, batches: dict[int, Figures] | None = None, accuracy: float = 0) -> Comparison:
    return Comparison(CPU, figures(ours, theirs), batches or {}, {"accuracy": accuracy})


def verdict(comparisons: list[Comparison], scale: float = 1.0, logits_scale: float | None = None) -> str:
    return judge(CLASSIFICATION, comparisons, TOLERANCE, (scale,), logits_scale)


def test_figures_are_the_largest_and_the_mean_difference() -> None:
    ours, theirs = np.zeros((4, 2), np.float32), np.zeros((4, 2), np.float32)
    theirs[1], theirs[3, 0] = (0.5, -0.25), -0.25
    found = figures(ours, theirs)
    assert (found.images, found.largest, found.mean) == (4, 0.5, 0.125)
    ours[:, 1] = 0.125  # the likeliest of ours: 1; of theirs: 0, 0, 0 and, in the last, 1
    assert figures(ours, theirs).agreement == 0.25


@pytest.mark.parametrize("images", [10, 10_000])
def test_one_number_beyond_the_tolerance_is_too_much(images: int) -> None:
    """However many images there are, of which all others are the same."""
    ours = outputs(images)
    theirs = ours.copy()
    theirs[images // 2, 1] += 2 * TOLERANCE
    found = compared(ours, theirs)
    assert found.whole.mean < TOLERANCE and verdict([found])
    assert judge(CLASSIFICATION, [found], 2 * TOLERANCE, (1.0,)) == "", "the bound itself is kept"
    assert verdict([found], 2.0) == "", "in parts of the scale"
    assert verdict([found], 1.99)


def test_each_provider_each_batch_each_size_and_the_logits_count() -> None:
    ours = outputs(8)
    wrong = figures(ours, ours + 2 * TOLERANCE)
    fine = compared(ours, ours)
    assert verdict([fine]) == ""
    assert "on CUDA, the whole" in verdict([fine, fine._replace(provider="CUDA", whole=wrong)])
    assert "a batch of 2:" in verdict([fine, compared(ours, ours, {1: fine.whole, 2: wrong})])
    assert "images of 9x9:" in verdict([fine._replace(sizes={"8x8": fine.whole, "9x9": wrong})])
    assert "the logits of the whole validation set" in verdict([fine._replace(logits=wrong)], 1.0, 1.0)
    assert verdict([fine._replace(logits=wrong)], 1.0, 2.0) == "", "in parts of their own scale"
    assert verdict([fine._replace(logits=wrong)], 2.0, 1.0), "and of no other"


def test_each_of_several_numbers_counts_in_its_own_scale() -> None:
    ours = outputs(8, 2)
    theirs = ours.copy()
    theirs[5] += np.array([8, 2], np.float32) * np.float32(TOLERANCE)
    whole = figures(ours, theirs, task=REGRESSION, ending=Ending("numbers", ""))
    assert whole.by_number == (8 * TOLERANCE, 2 * TOLERANCE)
    found = [Comparison(CPU, whole, {}, {})]
    assert judge(REGRESSION, found, TOLERANCE, (8.0, 2.0)) == ""
    assert judge(REGRESSION, found, TOLERANCE, (8.0, 1.99)) and judge(REGRESSION, found, TOLERANCE, (7.99, 2.0))


def truth(task: Task, ending: Ending, own: Array, labels: torch.Tensor, batch: int = 5) -> Truth:
    """What a trained model's logits come to, batch by batch."""
    images = np.zeros((len(own), 3, 2, 2), np.uint8)
    bound = bind(task, [f"output{n}" for n in range(own.shape[1])])
    dataset: Any = SimpleNamespace(validation=Resident(torch.from_numpy(images), labels), task=bound)
    model: Any = SimpleNamespace(ending=ending)
    survey = Survey(model, dataset)
    for some in np.array_split(np.arange(len(own)), range(batch, len(own), batch)):
        survey.update(Batch(some, images[some], labels[some], Trained(own[some], ending.apply(own[some]))))
    return survey.truth()


@pytest.mark.parametrize("times", [1, 3, 50])
def test_no_scale_depends_on_how_many_images_there_are(times: int) -> None:
    many = np.tile(np.array([[3.0, -5.0, 2.0], [1.0, 1.5, -1.0]], np.float32), (times, 1))
    labels, nothing = torch.zeros(len(many), dtype=torch.int64), np.zeros_like(many)
    for own, size in ((many, 5.0), (nothing, 1.0)):
        given = truth(CLASSIFICATION, Ending("logits", "softmax"), own, labels)
        assert (given.scales, given.logits_scale) == ((size,), size)
        given = truth(CLASSIFICATION, SOFTMAX, own, labels)
        assert (given.scales, given.logits_scale) == ((1.0,), size)
        maps = np.ascontiguousarray(np.broadcast_to(own[:, :, None, None], (*own.shape, 2, 2)))
        masks = torch.zeros(len(own), 2, 2, dtype=torch.int64)
        assert truth(SEGMENTATION, Ending("classes", "softmax"), maps, masks).scales == (size,)
    numbers = truth(REGRESSION, Ending("numbers", ""), many, torch.zeros(many.shape))
    assert numbers.scales == (1.0, 3.25, 1.5)
    assert spread_of("sigmoid", many) == 5 and spread_of("softmax", many + 100) == 5


def test_a_loss_of_accuracy_is_allowed_up_to_the_bound() -> None:
    ours = outputs(16)
    at = [compared(ours, ours, accuracy=correct / 16) for correct in (12, 11)]

    def lost(comparisons: list[Comparison], before: int, max_loss: float) -> str:
        return judge_loss(CLASSIFICATION, ACCURACY, comparisons, {"accuracy": before / 16}, max_loss)

    assert lost([at[0]], 13, 1 / 16) == ""
    assert "by 12.50% of 16 images" in lost(at, 13, 1 / 16)
    assert lost([at[0]], 12, 0.0) == "" and lost([at[0]], 5, 0.0) == "", "more right answers are no loss"


def wrong_for(size: int) -> bytes:
    """The file of the tiny model, but with a logit that is off in a batch of this size."""
    model = onnx.load_from_string(tiny_body())
    nodes = list(model.graph.node)
    product = next(node for node in nodes if node.op_type == "MatMul")
    after = nodes.index(product) + 1
    (result,), product.output[:] = list(product.output), ["product"]
    more = [
        helper.make_node("Shape", ["images"], ["count"], start=0, end=1),
        helper.make_node("Equal", ["count", "size"], ["same"]),
        helper.make_node("Cast", ["same"], ["times"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["times", "off"], ["added"]),
        helper.make_node("Add", ["product", "added"], [result]),
    ]
    del model.graph.node[:]
    model.graph.node.extend([*nodes[:after], *more, *nodes[after:]])
    off = np.array([0, 8, 0], np.float32)
    model.graph.initializer.extend(
        [numpy_helper.from_array(off, "off"), numpy_helper.from_array(np.array([size]), "size")]
    )
    return bytes(model.SerializeToString())


@pytest.mark.parametrize("wrong", [0, 1, 2, 7, 40])
def test_a_file_that_is_wrong_for_one_size_of_batch_is_caught(wrong: int) -> None:
    images = np.random.default_rng(1).integers(0, 256, (40, 3, 4, 4), dtype=np.uint8)
    right = reference(images).argmax(axis=1)
    labels = torch.from_numpy(np.where(np.arange(40) < 30, right, (right + 1) % 3))
    dataset: Any = SimpleNamespace(
        validation=Resident(torch.from_numpy(images), labels), task=bind(CLASSIFICATION, CLASSES)
    )
    model: Any = SimpleNamespace(
        logits=logits,
        ending=SOFTMAX,
        net=SimpleNamespace(graph=SimpleNamespace(output_shape=(3,))),
        normalize=SimpleNamespace(view=None),
    )
    comparison = compare_model(wrong_for(wrong), model, dataset, None, [CPU]).comparisons[0]
    assert {size: each.largest > TOLERANCE for size, each in comparison.batches.items()} == {
        size: size == wrong for size in (1, 2, 7, 40)
    }
    text = verdict([comparison])
    assert f"a batch of {wrong}:" in text if wrong else text == ""
    if wrong != 40:
        assert comparison.figures["accuracy"] == 0.75
