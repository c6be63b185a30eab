"""The figures of regression: mean absolute error, root mean square error, R²."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]


class NumberScore(NamedTuple):
    """mae, rmse: errors. mean, deviation: of the images' true numbers. All in the data's own units.

    r2: the share of the variance that the answers explain; None where the true numbers are all the same.
    """

    name: str
    mae: float
    rmse: float
    r2: float | None
    mean: float
    deviation: float


def records(outputs: Tensor, labels: Tensor) -> Tensor:
    """Of each image the network's K numbers, and the true ones: N x 2K, in the wider of the two types.

    outputs, labels: N x K, in the data's own units.
    """
    return torch.cat([outputs.detach(), labels], dim=1)


def figures(records: Floats) -> dict[str, float | None]:
    """The figures of the images that have these records: means over the numbers of each number's, as in scikit-learn.

    `r2` leaves out the numbers that are the same in all images, and is None where all are: there is no variance to
    explain. (scikit-learn counts them as 0 or 1.)
    """
    answers, truths = _columns(records)
    mae, rmse = _errors(answers, truths)
    shares = [share for share in _explained(answers, truths) if share is not None]
    return {
        "mae": float(np.mean(mae)),
        "rmse": float(np.mean(rmse)),
        "r2": float(np.mean(shares)) if shares else None,
    }


def by_output(records: Floats, names: Sequence[str]) -> list[NumberScore]:
    """A row for each number. names: of all numbers."""
    answers, truths = _columns(records)
    mae, rmse = _errors(answers, truths)
    columns = [column.tolist() for column in (mae, rmse, truths.mean(axis=0), truths.std(axis=0))]
    shares = _explained(answers, truths)
    return [
        NumberScore(name, absolute, square, share, mean, deviation)
        for name, share, absolute, square, mean, deviation in zip(names, shares, *columns, strict=True)
    ]


def _columns(records: Floats) -> tuple[Floats, Floats]:
    """The network's numbers and the true ones, N x K both."""
    numbers = records.shape[1] // 2
    return records[:, :numbers], records[:, numbers:]


def _errors(answers: Floats, truths: Floats) -> tuple[Floats, Floats]:
    """Of each number: the mean absolute error, the root mean square error."""
    difference = answers - truths
    return np.abs(difference).mean(axis=0), np.sqrt(np.square(difference).mean(axis=0))


def _explained(answers: Floats, truths: Floats) -> list[float | None]:
    """R² of each number: 1 - (sum of squared errors) / (sum of squared distances from the mean)."""
    varies = truths.max(axis=0) > truths.min(axis=0)  # the mean of equal numbers need not be equal to them
    left = np.square(answers - truths).sum(axis=0)
    total = np.square(truths - truths.mean(axis=0)).sum(axis=0)
    return [float(1 - a / b) if there else None for a, b, there in zip(left, total, varies, strict=True)]
