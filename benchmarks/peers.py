"""Every task beside plain PyTorch: the same data, network and settings, several seeds each.

    python benchmarks/peers.py [--tasks tags,angle] [--seeds 5] [--epochs N] [--images N]

The data are those of examples/make_data.py, the specs those of examples/. The peer is a training loop as one writes it
by hand: Pillow reads the files, the network is the source that `specc emit` prints, started with the normal
distributions that `specc show --init` prints, and scikit-learn computes the figures. Batches, shifts and first weights
are drawn by generators of its own, so that only the distribution of the results can be the same. What is compared is
the validation figure after the last epoch. The interval of the difference is Welch's, at 95%.

--epochs and --images make all trainings shorter, for a machine that has no hour.
"""

import argparse
import csv
import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from math import cos, pi, sqrt
from pathlib import Path
from statistics import fmean, stdev, variance
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from scipy.stats import t
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score, average_precision_score, jaccard_score, mean_absolute_error
from torch import Tensor, nn
from torch.nn import functional as F

from specc.backend.run.metrics import read_lines
from specc.backend.train.job import train
from specc.check import Checked, check
from specc.emit import emit
from specc.report.init import init_json
from specc.source import Source

EXAMPLES = Path(__file__).parent.parent / "examples"
IGNORED = 255


class Task(NamedTuple):
    """What the peer is told of a task.

    folder: of its data; "" for scikit-learn's digits as they are. figure: as metrics.jsonl calls it. shift: pixels, at
    most. read: a table's cell as a number or numbers. loss, value: of outputs and labels; the value is the figure.
    is_share: it runs from 0 to 1.
    """

    folder: str
    figure: str
    shift: int
    read: Callable[[str], Any]
    loss: Callable[[Tensor, Tensor], Tensor]
    value: Callable[[Any, Any], float]
    is_share: bool = True


def dice(outputs: Tensor, labels: Tensor) -> Tensor:
    """1 - 2 sum(p g) / sum(p + g), a mean over the images and the classes that their masks have."""
    counts = (labels != IGNORED)[:, None]
    truth = (labels[:, None] == torch.arange(outputs.shape[1]).view(1, -1, 1, 1)).float()
    p = outputs.softmax(1) * counts
    each = 1 - 2 * (p * truth).sum((2, 3)) / (p.sum((2, 3)) + truth.sum((2, 3))).clamp(min=1e-12)
    present = truth.sum((2, 3)) > 0
    return ((each * present).sum(1) / present.sum(1)).mean()


TASKS = {
    "unet": Task(
        "masks", "mean_iou", 4, str,
        lambda outputs, labels: F.cross_entropy(outputs, labels, ignore_index=IGNORED) + 0.5 * dice(outputs, labels),
        lambda outputs, labels: jaccard_score(labels.ravel(), outputs.argmax(1).ravel(), average="macro"),
    ),
    "tags": Task(
        "tags", "map", 3, lambda cell: [float(str(tag) in cell.split(";")) for tag in range(10)],
        F.binary_cross_entropy_with_logits,
        lambda outputs, labels: average_precision_score(labels, outputs, average="macro"),
    ),
    "angle": Task(
        "angles", "mae", 2, lambda cell: [float(cell)],
        F.huber_loss,
        mean_absolute_error,
        is_share=False,
    ),
    "digits": Task(
        "", "accuracy", 1, int,
        F.cross_entropy,
        lambda outputs, labels: accuracy_score(labels, outputs.argmax(1)),
    ),
}  # fmt: skip


class Part(NamedTuple):
    images: Tensor  # float32 N x 1 x H x W, 0 to 1
    labels: Tensor


def read_part(task: Task, data: Path, part: str) -> Part:
    if not task.folder:
        return digits(part)
    folder = data / task.folder
    if task.folder == "masks":
        files = sorted((folder / "images" / part).iterdir())
        labels = torch.tensor(
            np.stack([np.asarray(Image.open(folder / "masks" / part / f.name)) for f in files])
        ).long()
    else:
        with (folder / "labels.csv").open(encoding="utf-8") as file:
            rows = [row for row in csv.reader(file) if row[-1] == part]
        files, labels = [folder / row[0] for row in rows], torch.tensor([task.read(row[1]) for row in rows])
    images = np.stack([np.asarray(Image.open(file)) for file in files])
    return Part(torch.tensor(images)[:, None].float() / 255, labels)


def digits(part: str) -> Part:
    """Every fifth image of each digit validates."""
    found = load_digits()
    validates = np.zeros(len(found.target), bool)
    for digit in range(10):
        validates[np.flatnonzero(found.target == digit)[4::5]] = True
    chosen = validates if part == "val" else ~validates
    images = np.rint(found.images[chosen] * 255 / 16) / 255
    return Part(torch.tensor(images)[:, None].float(), torch.tensor(found.target[chosen]).long())


def shifted(x: Tensor, most: int, corners: Tensor, fill: float) -> Tensor:
    """Images, N x H x W, each moved by its own number of pixels."""
    height, width = x.shape[1:]
    padded = F.pad(x, (most,) * 4, value=fill)
    return torch.stack(
        [
            image[top : top + height, left : left + width]
            for image, (top, left) in zip(padded, corners.tolist(), strict=True)
        ]
    )


def peer(task: Task, checked: Checked, data: Path, seed: int) -> float:
    """Train in plain PyTorch; the validation figure at the end."""
    torch.manual_seed(seed)
    spec = checked.trainable()
    settings, options = spec.train, spec.train.optimizer.args
    learned, validation = read_part(task, data, "train"), read_part(task, data, "val")
    mean, std = learned.images.mean(), learned.images.std(correction=0)
    labels, center, spread = learned.labels, 0.0, 1.0
    if task.figure == "mae":
        center, spread = float(labels.mean()), float(labels.std(correction=0))
        labels = (labels - center) / spread
    net = network(checked)
    kernels = [weight for weight in net.parameters() if weight.ndim > 1]
    others = [weight for weight in net.parameters() if weight.ndim == 1]
    decay = getattr(options, "weight_decay", 0.0)
    groups = [{"params": kernels, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=options.lr)
    steps = len(labels) // settings.batch
    total = int(steps * settings.epochs)
    warm = steps if settings.schedule[0].name == "warmup" else 0
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, warm, total))
    for _ in range(int(settings.epochs)):
        net.train()
        order = torch.randperm(len(labels))
        for number in range(steps):
            chosen = order[number * settings.batch : (number + 1) * settings.batch]
            corners = torch.randint(0, 2 * task.shift + 1, (len(chosen), 2))
            images = shifted(learned.images[chosen, 0], task.shift, corners, 0)[:, None]
            truth = labels[chosen]
            if task.folder == "masks":
                truth = shifted(truth, task.shift, corners, IGNORED)
            loss = task.loss(net((images - mean) / std), truth)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    net.eval()
    with torch.no_grad():
        outputs = torch.cat([net((some - mean) / std) for some in validation.images.split(64)]) * spread + center
    return float(task.value(outputs.numpy(), validation.labels.numpy()))


def rate(step: int, warm: int, total: int) -> float:
    """The factor of the learning rate: up for `warm` steps, then down along half a cosine."""
    return step / warm if step < warm else (1 + cos(pi * (step - warm) / (total - warm))) / 2


def network(checked: Checked) -> nn.Module:
    """The emitted network, each kernel started by the normal distribution by which specc starts it."""
    graph = checked.graph
    assert graph is not None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "emitted.py"
        file.write_text(emit(checked, graph, []), encoding="utf-8")
        spec = importlib.util.spec_from_file_location("emitted", file)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    net: nn.Module = getattr(module, checked.name)()
    for kernel in init_json(checked, graph)["kernels"]:
        assert "normal" in kernel["init"], kernel
        layer = net.get_submodule(kernel["name"])
        assert isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)
        nn.init.normal_(layer.weight, std=kernel["size"])
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return net


def ours(checked: Checked, base: Path, out: Path, figure: str) -> float:
    run = train(checked, out=out, device="cpu", base=base, quiet=True).path
    return float(list(read_lines(run / "metrics.jsonl"))[-1][f"val_{figure}"])


def difference(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float, float]:
    """Mean difference, and the ends of Welch's 95% interval (Welch, 1947)."""
    squares = [variance(values) / len(values) for values in (ours, theirs)]
    mean = fmean(ours) - fmean(theirs)
    if not sum(squares):
        return mean, mean, mean
    freedom = sum(squares) ** 2 / sum(
        square**2 / (len(values) - 1) for square, values in zip(squares, (ours, theirs), strict=True)
    )
    half = float(t.ppf(0.975, freedom)) * sqrt(sum(squares))
    return mean, mean - half, mean + half


def row(name: str, task: Task, ours: Sequence[float], theirs: Sequence[float]) -> str:
    mean, low, high = difference(ours, theirs)
    if task.is_share:
        scale, unit = 100.0, " points"
    else:  # in percent of the peer's error
        scale, unit = 100 / fmean(theirs), " %"
    shown = 100 if task.is_share else 1
    both = [f"{shown * fmean(values):.2f} ± {shown * stdev(values):.2f}" for values in (ours, theirs)]
    gap = f"{scale * mean:+.2f} ({scale * low:+.2f} to {scale * high:+.2f}){unit}"
    return f"| {name} | {task.figure} | {both[0]} | {both[1]} | {gap} |"


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--images", type=int, help="at most so many in each part")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        names = given.tasks.split(",")
        make = [sys.executable, str(EXAMPLES / "make_data.py"), str(base / "data")]
        make += ["--most", str(given.images)] if given.images else []
        for name in filter(lambda name: TASKS[name].folder, names):
            subprocess.run([*make, "--only", TASKS[name].folder], check=True, stdout=sys.stderr)
        print("| example | figure | specc | PyTorch | difference |\n|---|---|---|---|---|", flush=True)
        for name in names:
            task, source = TASKS[name], Source(f"{name}.cnn", (EXAMPLES / f"{name}.cnn").read_text(encoding="utf-8"))
            sets = [f"train.epochs={given.epochs}"] if given.epochs else []
            results: tuple[list[float], list[float]] = ([], [])
            for seed in range(given.seeds):
                checked = check(source, sets=[*sets, f"train.seed={seed}"])
                results[0].append(ours(checked, base, base / f"{name}-{seed}", task.figure))
                results[1].append(peer(task, checked, base / "data", seed))
                print(f"{name}, seed {seed}: {results[0][-1]:.4f}, {results[1][-1]:.4f}", file=sys.stderr, flush=True)
            print(row(name, task, *results), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
