"""Trained runs of every task: small networks, one epoch, on images made here in an npz file."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from specc.backend.train.job import train
from specc.check import check
from specc.source import Source

TRAINED_ON, COUNT, SIDE = 60, 96, 12
SPEC = """
data {{ source = npz("pictures.npz"); normalize = standard; {data} }}
network Tiny {{ {input}; {body} }}
train {{ epochs = 2; batch = 10; {train} }}
export {{ {export} }}
"""
VECTOR = (
    "conv(8) -> batch_norm -> relu -> conv(8, 3x3, stride=2) -> relu -> global_avg_pool "
    "-> dense({outputs}, init=he_normal)"
)
MAP = "conv(8) -> batch_norm -> relu -> conv(8) -> relu -> conv({outputs}, 1x1, init=he_normal)"
Labels = np.ndarray[Any, Any]


class Data(NamedTuple):
    """The names of what is learned of the pictures, and that."""

    names: list[str]
    labels: Labels


def pictures(height: int = SIDE, width: int = SIDE) -> np.ndarray:
    """Noise, N x 3 x H x W, in which a bright patch lies somewhere, each channel as bright as it likes."""
    draw = np.random.default_rng(0)
    images = draw.integers(0, 60, (COUNT, 3, height, width))
    for image in images:
        top, left = draw.integers(0, height // 2), draw.integers(0, width // 2)
        image[:, top : top + height // 2, left : left + width // 2] += draw.integers(0, 190, (3, 1, 1))
    return images.astype(np.uint8)


def learned(task: str, images: np.ndarray) -> Data:
    """What is to be learned of pictures."""
    means = images.mean(axis=(2, 3))
    match task:
        case "classification":
            return Data(["red", "green", "blue"], means.argmax(axis=1))
        case "multi-label":
            above = means > np.median(means, axis=0)
            return Data(["sea", "sky", "sun", "<b>"], np.column_stack([above, above[:, 0] & above[:, 1]]).astype(int))
        case "regression":
            return Data(["year", "share"], np.column_stack([1900 + means[:, 0], means[:, 1] / 255]))
        case "segmentation":
            masks = np.where(images.max(axis=1) > 100, 1 + (images[:, 0] > images[:, 1]), 0)
            masks[:, 0] = 255
            return Data(["ground", "cell", "edge"], masks.astype(np.uint8))
    raise ValueError(task)


def trained(
    folder: Path,
    task: str,
    *,
    data: str = "",
    train_with: str = "",
    export: str = "",
    size: tuple[int, int] | None = None,
) -> Path:
    """A run in `folder`/run. size: of the pictures, which the spec then resizes."""
    folder.mkdir(parents=True, exist_ok=True)
    images = pictures(*(size or (SIDE, SIDE)))
    names, labels = learned(task, images)
    parts = {"train": slice(TRAINED_ON), "val": slice(TRAINED_ON, COUNT)}
    arrays: dict[str, Any] = {f"x_{part}": images[which] for part, which in parts.items()}
    arrays |= {f"y_{part}": labels[which] for part, which in parts.items()}
    np.savez(folder / "pictures.npz", **arrays, classes=np.array(names))
    body = (MAP if task == "segmentation" else VECTOR).format(outputs=len(names))
    takes = f"input(3, {SIDE}x{SIDE})"
    text = SPEC.format(input=takes, body=body, data=data, train=train_with, export=export)
    checked = check(Source("tiny.cnn", text))
    assert not checked.errors, checked.errors
    return train(checked, out=folder / "run", base=folder, device="cpu", quiet=True).path


def validation_images(run: Path) -> np.ndarray:
    """The validation images of a run of `trained`, uint8 N x 3 x H x W."""
    with np.load(run.parent / "pictures.npz") as arrays:
        images: np.ndarray = arrays["x_val"]
    return images
