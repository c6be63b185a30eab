"""Fashion-MNIST and CIFAR-10 as arrays, read from the folder $SPECC_DATA: what every contestant trains on."""

import gzip
import os
from pathlib import Path

import numpy as np


def load(name: str) -> tuple[np.ndarray, np.ndarray]:
    """The training images, uint8 N x C x H x W, and their labels, int64 N."""
    folder = Path(os.environ["SPECC_DATA"])
    if name == "fashion_mnist":
        raw, results = (
            gzip.decompress((folder / "fashion-mnist" / f"train-{part}-ubyte.gz").read_bytes())
            for part in ("images-idx3", "labels-idx1")
        )
        pixels = np.frombuffer(raw, np.uint8, offset=16).reshape(-1, 1, 28, 28)
        return pixels.copy(), np.frombuffer(results, np.uint8, offset=8).astype(np.int64)
    files = sorted((folder / "cifar-10-batches-bin").glob("data_batch_*.bin"))
    rows = np.concatenate([np.fromfile(file, np.uint8).reshape(-1, 3073) for file in files])
    return rows[:, 1:].reshape(-1, 3, 32, 32).copy(), rows[:, 0].astype(np.int64)


def normalized(images: np.ndarray) -> np.ndarray:
    """float32, with mean 0 and deviation 1 in each channel."""
    pixels = images.astype(np.float32) / 255
    return (pixels - pixels.mean((0, 2, 3), keepdims=True)) / pixels.std((0, 2, 3), keepdims=True)
