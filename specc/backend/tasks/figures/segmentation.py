"""The figures of segmentation, over the pixels of all images together: mean IoU, mean Dice, pixel accuracy."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from specc.backend.tasks.figures.scores import ratio


class PixelScore(NamedTuple):
    """iou: right / (called so or are so). dice: 2 * right / (called so + are so), which is also the F1.

    precision, recall: right / called so, right / are so. pixels: how many are so. None: a ratio over no pixels.
    """

    name: str
    iou: float | None
    dice: float | None
    precision: float | None
    recall: float | None
    pixels: int


def records(outputs: Tensor, labels: Tensor, ignore: int | None) -> Tensor:
    """Of each image and class how many pixels are rightly called so, are called so, and are so: float32 N x 3C.

    outputs: logits, N x C x H x W. labels: uint8 N x H x W, classes or `ignore`, whose pixels are left out. Exact in
    images of up to 2^24 pixels.
    """
    classes = torch.arange(outputs.shape[1], device=outputs.device)[:, None, None]
    answers = outputs.detach().argmax(dim=1, keepdim=True) == classes
    truths = labels[:, None] == classes
    if ignore is not None:
        counted = (labels != ignore)[:, None]
        answers, truths = answers & counted, truths & counted
    return torch.cat([table.sum(dim=(2, 3)) for table in (answers & truths, answers, truths)], dim=1).float()


def figures(records: NDArray[np.float64]) -> dict[str, float | None]:
    """The figures of the images that have these records, as scikit-learn defines them: pixels are its samples.

    Means are over the classes that occur in the masks or the answers. None where all pixels are ignored.
    """
    right, called, pixels = _counts(records)
    there = called + pixels > 0
    if not there.any():
        return {"mean_iou": None, "dice": None, "pixel_accuracy": None}
    right_there, both = right[there], (called + pixels)[there]
    return {
        "mean_iou": float(np.mean(right_there / (both - right_there))),
        "dice": float(np.mean(2 * right_there / both)),
        "pixel_accuracy": float(right.sum() / pixels.sum()),
    }


def by_output(records: NDArray[np.float64], names: Sequence[str]) -> list[PixelScore]:
    """A row for each class. names: of all classes."""
    return [
        PixelScore(
            name,
            iou=ratio(right, called + pixels - right),
            dice=ratio(2 * right, called + pixels),
            precision=ratio(right, called),
            recall=ratio(right, pixels),
            pixels=pixels,
        )
        for name, right, called, pixels in zip(names, *(column.tolist() for column in _counts(records)), strict=True)
    ]


def _counts(records: NDArray[np.float64]) -> NDArray[np.int64]:
    """Pixels rightly called so, called so, and being so, 3 x classes."""
    counts: NDArray[np.int64] = records.sum(axis=0).astype(np.int64)
    return counts.reshape(3, -1)
