"""How fast specc trains beside hand-written loops, Lightning and Keras.

    python benchmarks/train_speed.py [--peers PYTHON] [--turns 3]

Every contestant trains the same network on the same images of $SPECC_DATA in batches of 128, each in a process of its
own, in turns; after each turn the ratios are taken, and the table shows their median and their extremes. `--peers`
names the Python of an environment with benchmarks/requirements.txt installed; without it Keras and Lightning are left
out. Where there is a CUDA device all train on it, and larger networks.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent / "training"
PEERS = ("keras", "lightning")


class Trial(NamedTuple):
    """One training: images a second, seconds from the start of the process to the end of the first step, MB at most."""

    speed: float
    first: float
    memory: float


class Contest(NamedTuple):
    """One table: a network, a variant of its spec, how many images, and against whom: its target ratio, or 0."""

    title: str
    network: str
    variant: str
    images: int
    peers: dict[str, float]


CONTESTS = (
    Contest("VGG with batch norm on CIFAR-10", "vgg", "", 6400, {"plain": 2.2, "tuned": 0.97, "keras": 0}),
    Contest(
        "small network on Fashion-MNIST",
        "small",
        "",
        60_000,
        {"plain": 0, "tuned": 0, "loader": 2.5, "lightning": 2.5, "keras": 4.5},
    ),
    Contest("the VGG with flip, crop and noise", "vgg", "augmented", 6400, {"augmenting_loader": 0}),
)
ON_CUDA = (
    Contest("ResNet-18 on CIFAR-10", "resnet18", "", 50_000, {"plain": 0, "tuned": 0.95}),
    Contest("the deck's largest network on CIFAR-10", "deck", "", 50_000, {"plain": 0, "tuned": 0.95}),
    Contest("VGG with batch norm on CIFAR-10", "vgg", "", 50_000, {"plain": 0, "tuned": 0.95, "keras": 2}),
)


def run(command: list[str]) -> Trial | str:
    """Run a contestant; the last line of what it says where it fails."""
    began = time.time()
    with tempfile.TemporaryFile("w+") as err:  # a pipe that nobody reads meanwhile would stop the child once it is full
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=err, text=True)
        assert child.stdout
        out = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            err.seek(0)
            return (err.read().strip().splitlines() or ["failed"])[-1]
    said = json.loads(out.splitlines()[-1])
    return Trial(said["images_per_second"], said["first_step"] - began, usage.ru_maxrss / 1e3)


def commands(contest: Contest, peers: str | None) -> dict[str, list[str]]:
    ours = [sys.executable, str(HERE / "ours.py"), contest.network, contest.variant, str(contest.images)]
    found = {"specc": ours}
    for name in contest.peers:
        python = peers if name in PEERS else sys.executable
        if python:
            found[name] = [python, str(HERE / "loops.py"), name, contest.network, str(contest.images), "0"]
    return found


def hold(contest: Contest, peers: str | None, turns: int) -> None:
    """Let all contestants run in turns, and print the table."""
    print(f"\n{contest.title}: {contest.images:,} images, {turns} turns\n")
    found: dict[str, list[Trial]] = {}
    for _ in range(turns):
        for name, command in commands(contest, peers).items():
            trial = run(command)
            if isinstance(trial, str):
                print(f"{name} failed: {trial}")
            else:
                found.setdefault(name, []).append(trial)
    ours = found["specc"]
    print(
        "| contestant | images/s | specc is faster by | target | first step after | memory |\n|---|---|---|---|---|---|"
    )
    for name, trials in found.items():
        ratios = [mine.speed / other.speed for mine, other in zip(ours, trials, strict=False)]
        spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})" if name != "specc" else ""
        target = contest.peers.get(name, 0)
        print(
            f"| {name} | {statistics.median(trial.speed for trial in trials):,.0f} | {spread} | {target or ''} "
            f"| {statistics.median(trial.first for trial in trials):.1f} s "
            f"| {statistics.median(trial.memory for trial in trials):,.0f} MB |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", help="the Python that has Keras and Lightning")
    parser.add_argument("--turns", type=int, default=3)
    asked = parser.parse_args()
    if "SPECC_DATA" not in os.environ:
        print("nothing was measured: set SPECC_DATA to the folder that holds fashion-mnist and cifar-10-batches-bin")
        return
    import torch

    for contest in ON_CUDA if torch.cuda.is_available() else CONTESTS:
        hold(contest, asked.peers, asked.turns)


if __name__ == "__main__":
    main()
