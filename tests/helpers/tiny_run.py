"""Trained runs for tests: 16 x 16 (or other) RGB images of three classes in an npz file, a small network, one epoch."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from specc.backend.run.files import BEST
from specc.backend.run.manifest import read_info
from specc.backend.run.same_data import meaning_of
from specc.backend.run.weights import weights_bytes
from specc.backend.train.job import train
from specc.check import check
from specc.source import Source

SPEC = """
data {{
  source    = npz("pictures.npz")
  normalize = standard
  {data}
}}

network Tiny {{
  {body}
}}

train {{
  epochs = 2
  batch  = 16
  {train}
}}

export {{
  {export}
}}
"""
BODY = """\
conv(8) -> batch_norm -> relu -> dropout(20%)
  conv(8, 3x3, stride=2) -> batch_norm -> relu
  global_avg_pool -> dense(3, init=he_normal)"""
CLASSES = ["red", "green", "blue"]


def write_pictures(folder: Path, size: tuple[int, int] = (16, 16), seed: int = 0) -> None:
    """Noise in which the class's channel is a little brighter."""
    draw = np.random.default_rng(seed)
    labels = np.arange(96) % 3
    images = draw.integers(0, 200, (96, 3, *size))
    images[np.arange(96), labels] += 25
    parts = {"x_train": images[:60], "x_test": images[60:]}
    arrays: dict[str, Any] = {name: part.astype(np.uint8) for name, part in parts.items()}
    np.savez(folder / "pictures.npz", **arrays, y_train=labels[:60], y_test=labels[60:], classes=np.array(CLASSES))


def trained(
    folder: Path,
    data: str = "",
    train_with: str = "",
    export: str = "",
    network_input: str = "",
    body: str = BODY,
    source: str = 'npz("pictures.npz")',
) -> Path:
    """A run in `folder`/run of SPEC with more settings in its sections; the pictures lie in `folder`."""
    if not (folder / "pictures.npz").exists():
        write_pictures(folder)
    text = SPEC.replace('npz("pictures.npz")', source)
    text = text.format(data=data, train=train_with, export=export, body=body)
    text = text.replace("network Tiny {", f"network Tiny {{\n  {network_input or 'input(3, 16x16)'}")
    checked = check(Source("tiny.cnn", text))
    assert not checked.errors, checked.errors
    return train(checked, out=folder / "run", base=folder, device="cpu", quiet=True).path


def gray_trained(folder: Path) -> Path:
    """A run on gray images of 16 x 16."""
    write_pictures(folder)
    with np.load(folder / "pictures.npz") as arrays:
        values = {name: value[:, :1] if name.startswith("x_") else value for name, value in arrays.items()}
    np.savez(folder / "pictures.npz", **values)
    return trained(folder, network_input="input(1, 16x16)")


def resizing_trained(folder: Path) -> Path:
    """A run on images of another size, with `resize`."""
    write_pictures(folder, (21, 34))
    return trained(folder, data="resize = 16x16")


def files_trained(folder: Path) -> Path:
    """A run on gray 16-bit files with a range, of which the center is seen once they cover a square."""
    write_pictures(folder, (21, 34))
    with np.load(folder / "pictures.npz") as arrays:
        images, labels = arrays["x_train"][:30, 0], arrays["y_train"][:30]
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        (folder / "files" / CLASSES[label]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.astype(np.uint16) * 16).save(folder / "files" / CLASSES[label] / f"{number}.png")
    data = "channels = gray; range = (100, 3000); resize = cover(20, by=bicubic); view = 16; validation = split(30%)"
    return trained(folder, data=data, network_input="input(1, 16x16)", source='folder("files")')


def change_weights(run: Path, change: Callable[[dict[str, Tensor]], object]) -> None:
    """Change the best weights of a run, as if it had trained them."""
    weights = load_file(run / BEST)
    change(weights)
    (run / BEST).write_bytes(weights_bytes(weights, meaning_of(read_info(run))))
