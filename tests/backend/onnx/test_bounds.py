"""The certificate's bounds: each over the worst of all numbers, however many images there are, and up to the bound."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from specc.backend.data.split import Resident
from specc.backend.onnx.certificate import Comparison
from specc.backend.onnx.compare import answers, compare, figures, judge, judge_loss, scale_of, spread_of
from specc.backend.onnx.session import CPU

TOLERANCE = 2.0**-10  # and differences that floats hold exactly
Array = NDArray[np.float32]


def outputs(images: int = 1000, classes: int = 4) -> Array:
    """Multiples of 1/16 that are different for each image."""
    numbers = np.random.default_rng(0).integers(0, 16, (images, classes))
    return (numbers / 16).astype(np.float32)


def compared(ours: Array, theirs: Array, batches: dict[int, Any] | None = None, correct: int = 0) -> Comparison:
    return Comparison(CPU, figures(ours, theirs), batches or {}, correct)


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
    assert found.whole.mean < TOLERANCE and judge([found], TOLERANCE, 1.0)
    assert judge([found], 2 * TOLERANCE, 1.0) == "", "the bound itself is kept"
    assert judge([found], TOLERANCE, 2.0) == "", "in parts of the scale"
    assert judge([found], TOLERANCE, 1.99)


def test_each_provider_each_batch_and_the_logits_count() -> None:
    ours = outputs(8)
    wrong = figures(ours, ours + 2 * TOLERANCE)
    fine = compared(ours, ours)
    assert judge([fine], TOLERANCE, 1.0) == ""
    assert "batch" in judge([fine, compared(ours, ours, {1: fine.whole, 2: wrong})], TOLERANCE, 1.0)
    assert "the logits of the whole validation set" in judge([fine._replace(logits=wrong)], TOLERANCE, 1.0, 1.0)
    assert judge([fine._replace(logits=wrong)], TOLERANCE, 1.0, 2.0) == "", "in parts of their own scale"
    assert judge([fine._replace(logits=wrong)], TOLERANCE, 2.0, 1.0), "and of no other"


@pytest.mark.parametrize("times", [1, 3, 50])
def test_no_scale_depends_on_how_many_images_there_are(times: int) -> None:
    logits = np.array([[3.0, -5.0, 2.0], [1.0, 1.5, -1.0]], np.float32)
    many = np.tile(logits, (times, 1))
    assert scale_of("logits", many) == 5 and scale_of("probabilities", many) == 1
    assert spread_of("softmax", many) == 5 and spread_of("sigmoid", many) == 5
    assert spread_of("softmax", many + 100) == 5
    assert scale_of("logits", np.zeros_like(many)) == spread_of("softmax", np.zeros_like(many)) == 1


def test_a_loss_of_accuracy_is_allowed_up_to_the_bound() -> None:
    ours = outputs(16)
    at = [compared(ours, ours, correct=correct) for correct in (12, 11)]
    assert judge_loss([at[0]], 13, 1 / 16) == ""
    assert "by 12.50% of 16 images" in judge_loss(at, 13, 1 / 16)
    assert judge_loss([at[0]], 12, 0.0) == "" and judge_loss([at[0]], 5, 0.0) == "", "more right answers are no loss"


@pytest.mark.parametrize("wrong", [1, 2, 7, 40])
def test_a_file_that_is_wrong_for_one_size_of_batch_is_caught(wrong: int) -> None:
    images = np.random.default_rng(1).integers(0, 256, (40, 3, 2, 2), dtype=np.uint8)
    split = Resident(torch.from_numpy(images), torch.zeros(40, dtype=torch.int64))

    def right(batch: NDArray[np.uint8]) -> Array:
        return batch.reshape(len(batch), -1)[:, :4].astype(np.float32) / np.float32(256)

    def given(batch: NDArray[np.uint8]) -> Array:
        return (right(batch) + 2 * TOLERANCE * (len(batch) == wrong)).astype(np.float32)

    labels, (truth, whole) = answers(split, [right, given])
    found = compare(CPU, given, whole, truth, labels, split)
    assert {size: f.largest > TOLERANCE for size, f in found.batches.items()} == {n: n == wrong for n in (1, 2, 7, 40)}
    assert judge([found], TOLERANCE, 1.0)
    assert found.correct == int((right(images).argmax(axis=1) == 0).sum())
