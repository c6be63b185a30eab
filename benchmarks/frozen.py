"""Training a new last layer on a frozen backbone: specc, which computes the backbone's features once, beside a plain
PyTorch loop that computes them in every step and every validation.

    python benchmarks/frozen.py [--images 160] [--epochs 10] [--size 128]

Both train the same EfficientNet-Lite0 (drawn weights, which take as long as trained ones) on the same batches of random
images in memory, with Adam, on one thread, and validate after each epoch on half as many images. The ratio counts
everything from the first step to the last validation; the last layers that come out are compared.
"""

import argparse
import tempfile
from copy import deepcopy
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from specc.backend.build import Net
from specc.backend.data.batches import epoch_order
from specc.backend.data.loader import DataLoader
from specc.backend.device import describe, seed_generators
from specc.backend.engine.state import TrainState
from specc.backend.engine.step import step_seed
from specc.backend.interrupt import Interrupt
from specc.backend.progress import Quiet
from specc.backend.train.prepare import Request, prepare
from specc.reading import check_spec
from specc.source import Source

CPU = torch.device("cpu")
BATCH, CLASSES, LR = 16, 5, 1e-3
SPEC = """
extends "zoo:efficientnet_lite0"
network {{ classes = {classes}; path_drop = 0 }}
data {{ source = npz("images.npz"); resize = none; view = none; validation = given }}
train {{
  epochs = {epochs}; batch = {batch}; optimizer = adam(lr={lr}); freeze = [backbone]
  precision = fp32; plan = plan(threads=1)
}}
"""


class Nothing:
    """Keeps nothing of a training."""

    def epoch(self, state: TrainState, line: dict[str, Any]) -> None:
        """Forget an epoch."""

    def pause(self, state: TrainState) -> None:
        """Forget a state."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=160)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--size", type=int, default=128)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        write_images(Path(place) / "images.npz", options.images, options.size)
        text = SPEC.format(classes=CLASSES, epochs=options.epochs, batch=BATCH, lr=LR)
        checked = check_spec(Source(str(Path(place) / "frozen.cnn"), text))
        job = prepare(Request(checked.trainable(), "cpu", base=Path(place)))
    trainer = job.trainer
    assert isinstance(trainer.loader, DataLoader) and trainer.features is not None, job.about["plan"]
    other = deepcopy(trainer.state.net)
    began = perf_counter()
    trainer.run(Nothing(), Quiet(), Interrupt())
    ours = perf_counter() - began
    began = perf_counter()
    plain(other, trainer.loader, options.epochs, trainer.settings.seed)
    theirs = perf_counter() - began
    apart = max(
        float((value - other.state_dict()[name]).abs().max()) for name, value in trainer.state.net.state_dict().items()
    )
    print(f"EfficientNet-Lite0 at {options.size}x{options.size}, {options.images} training images, {describe(CPU)}")
    print(f"plan: {job.about['plan']['features']['because']}")
    print(f"plain PyTorch {theirs:6.1f} s, specc {ours:6.1f} s for {options.epochs} epochs: {theirs / ours:.1f}x")
    print(f"largest difference of a weight: {apart:.1e}")


def plain(net: Net, loader: DataLoader, epochs: int, seed: int) -> None:
    """What a tutorial writes for images that lie in memory, normalized; the draws of dropout are those of specc."""
    x, labels = next(iter(loader.in_order())), loader.dataset.train.labels
    x = torch.cat(list(loader.in_order()))[: len(labels)]
    measured = list(loader.validation())
    optimizer = torch.optim.Adam([weight for weight in net.parameters() if weight.requires_grad], lr=LR, fused=True)
    step = 0
    for epoch in range(epochs):
        net.train()
        for rows in epoch_order(seed, epoch, len(labels)).split(BATCH):
            seed_generators(step_seed(seed, step), CPU)
            loss = F.cross_entropy(net(x[rows]), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
        net.eval()
        with torch.no_grad():
            sum(int((net(images).argmax(1) == wanted).sum()) for images, wanted in measured)


def write_images(path: Path, count: int, size: int) -> None:
    rng = np.random.default_rng(0)
    parts = {"train": count, "val": count // 2}
    arrays = {f"x_{part}": rng.integers(0, 256, (n, 3, size, size), dtype=np.uint8) for part, n in parts.items()}
    arrays |= {f"y_{part}": np.arange(n) % CLASSES for part, n in parts.items()}
    np.savez(path, **arrays)


if __name__ == "__main__":
    main()
