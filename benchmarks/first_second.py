"""The first second: how much longer commands take than the import of the library that they cannot do without.

    [SPECC_DATA=data] python benchmarks/first_second.py [--turns 5]

Whole processes, in turn with those that only import, so that whatever else the machine does meets both; every one is
run once before any is timed. `train` ends with its first step, the other commands by themselves. `probe` takes the
deck's network for CIFAR-10, and is left out where there are no data.
"""

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
FIRST_STEP = """
import os, sys
from torch.optim.optimizer import register_optimizer_step_post_hook
register_optimizer_step_post_hook(lambda *_: os._exit(0))
from specc.cli.app import run
run(["train", *sys.argv[1:], "--device", "cpu", "--quiet"])
"""
SPECC = [sys.executable, "-m", "specc"]


class Case(NamedTuple):
    """A command, the imports that it is held against, and how long it may take: `factor` times these and `more` s."""

    name: str
    command: Sequence[str]
    imports: str
    factor: float
    more: float


def seconds(command: Sequence[str], folder: Path) -> float:
    """Wall time of a process in the folder. Raises SystemExit where it fails."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # compiled modules are part of any installation
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    taken = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return taken


def cases(folder: Path) -> list[Case]:
    """What is measured; prepares what it needs in the folder."""
    digits = ROOT / "examples" / "digits.cnn"
    run = [*SPECC, "train", str(digits), "--out", "run", "--device", "cpu", "--quiet", "--set", "train.epochs=1"]
    subprocess.run(run, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False, capture_output=True)
    from PIL import Image

    Image.new("L", (8, 8), 100).save(folder / "digit.png")
    found = [
        Case("train digits, first step", [sys.executable, "-c", FIRST_STEP, str(digits)], "torch", 1, 0.7),
        Case("check digits", [*SPECC, "check", str(digits)], "typer, lark", 1.5, 0),
        Case("predict", [*SPECC, "predict", "run/model.onnx", "digit.png"], "onnxruntime", 1, 0.3),
    ]
    data = os.environ.get("SPECC_DATA")
    if data and any(Path(data).glob("cifar-10*")):
        deck = [*SPECC, "probe", str(ROOT / "examples" / "deck_cifar10.cnn"), "--device", "cpu"]
        found.append(Case("probe the deck", [*deck, "--data-dir", str(Path(data).absolute())], "torch", 1, 3))
    else:
        print("probe: not measured: $SPECC_DATA holds no CIFAR-10")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=5)
    turns = parser.parse_args().turns
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores; seconds, median of {turns}\n")
    with TemporaryDirectory() as name:
        folder = Path(name)
        head = ("command", "imports", "alone, s", "command, s", "allowed, s", "")
        print("{:26}{:14}{:>10}{:>12}{:>12}  {}".format(*head))
        for case in cases(folder):
            bare, whole = [sys.executable, "-c", f"import {case.imports}"], []
            alone = []
            for turn in range(turns + 1):
                times = seconds(bare, folder), seconds(case.command, folder)
                if turn:
                    alone.append(times[0])
                    whole.append(times[1])
            allowed = case.factor * median(alone) + case.more
            word = "met" if median(whole) <= allowed else "missed"
            figures = f"{median(alone):>10.2f}{median(whole):>12.2f}{allowed:>12.2f}"
            print(f"{case.name:26}{case.imports:14}{figures}  {word}", flush=True)


if __name__ == "__main__":
    main()
