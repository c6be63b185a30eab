"""What flip, crop and noise cost: images a second beside a per-image DataLoader, and their share of a training step.

    SPECC_DATA=FOLDER python benchmarks/augment_speed.py

The images are CIFAR-10's, the network is benchmarks/training/vgg.cnn, all in one process, in turns. Both ways give
normalized float32 batches of 128 on the CPU.
"""

import os
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch

HERE = Path(__file__).parent / "training"
sys.path.insert(0, str(HERE))
import images as pictures  # noqa: E402
from loops import BATCH, Rows  # noqa: E402

from specc.backend.device import describe  # noqa: E402
from specc.backend.engine.trainer import Trainer  # noqa: E402
from specc.backend.train.prepare import Request, prepare  # noqa: E402
from specc.check import check  # noqa: E402
from specc.source import Source  # noqa: E402

TURNS, BATCHES, STEPS = 5, 60, 8


def ours() -> Trainer:
    """The training of the VGG with its variant `augmented`, before its first step."""
    path = HERE / "vgg.cnn"
    checked = check(Source(str(path), path.read_text()), variant="augmented")
    return prepare(Request(checked.trainable(), "cpu", base=path.parent)).trainer


def seconds_of(batches: Iterator[object], count: int) -> float:
    """Of one of `count` batches; the first one is not counted."""
    next(batches)
    began = time.perf_counter()
    for _ in range(count):
        next(batches)
    return (time.perf_counter() - began) / count


def main() -> None:
    if "SPECC_DATA" not in os.environ:
        print("nothing was measured: set SPECC_DATA to the folder that holds cifar-10-batches-bin")
        return
    trainer = ours()
    rows = Rows(*pictures.load("cifar10"), augmented=True)
    trainer.state.net.train()
    trainer.step()
    found: list[tuple[float, float, float]] = []
    for _ in range(TURNS):
        batches = (trainer.loader.training(0, number) for number in range(1 + BATCHES))
        loader = iter(torch.utils.data.DataLoader(rows, BATCH, shuffle=True, drop_last=True))
        began = time.perf_counter()
        for _ in range(STEPS):
            trainer.step()
        step = (time.perf_counter() - began) / STEPS
        found.append((seconds_of(batches, BATCHES), seconds_of(loader, BATCHES // 4), step))
    print(f"{describe(torch.device('cpu'))}; batches of {BATCH} images of CIFAR-10, {TURNS} turns\n")
    print("| flip, crop, noise | images/s |\n|---|---|")
    for name, column in ("specc", 0), ("a DataLoader, image by image", 1):
        print(f"| {name} | {BATCH / statistics.median(turn[column] for turn in found):,.0f} |")
    ratios = [loader / loader for loader, loader, _ in found]
    print(f"\nratio {statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f}), at least 10 wanted")
    shares = [loader / step for loader, _, step in found]
    print(f"share of a step of the VGG {statistics.median(shares):.1%}, at most {max(shares):.1%}; 3% wanted")


if __name__ == "__main__":
    main()
