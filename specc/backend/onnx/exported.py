"""What an export leaves: a file, its certificate and card, and how they are called."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from specc.backend.onnx.certificate import Certificate
from specc.backend.onnx.precision import FP32
from specc.backend.run.files import CERTIFICATE, MODEL


class Exported(NamedTuple):
    """A file that was written.

    size: in bytes, with its weights. confusion: how many validation images of each class (row) got which answer
    (column). latency: for each provider, how many seconds it takes for one image; empty where only one file was made.
    """

    path: Path
    certificate: Certificate
    size: int
    confusion: NDArray[np.int64]
    latency: dict[str, float]


def path_of(path: Path, precision: str) -> Path:
    """`model.int8.onnx` beside `model.onnx`."""
    return path if precision == FP32 else path.with_name(f"{path.stem}.{precision}{path.suffix}")


def certificate_name(path: Path) -> str:
    """`certificate.json` beside `model.onnx`; `NAME.certificate.json` beside a file of another name."""
    return CERTIFICATE if path.name == MODEL else f"{path.stem}.{CERTIFICATE}"


def card_name(path: Path) -> str:
    """`card.md` beside `model.onnx`; `NAME.card.md` beside a file of another name."""
    return "card.md" if path.name == MODEL else f"{path.stem}.card.md"
