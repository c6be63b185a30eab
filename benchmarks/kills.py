"""Kills trainings of examples/digits.cnn at random times (SIGKILL), goes on with each until it ends, and compares.

    python benchmarks/kills.py 50

Needs fork, so Linux or macOS. PyTorch is imported once; each training is a process of its own.
"""

import hashlib
import json
import os
import random
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer
from time import perf_counter

import torch
import torch._dynamo  # an optimizer would import it in each process

from specc.backend.run.files import INFO
from specc.backend.run.metrics import read_lines
from specc.backend.train.job import train
from specc.backend.train.resume import resume
from specc.check import check
from specc.source import Source

SPEC = Path(__file__).parent.parent / "examples" / "digits.cnn"
SETS = ["train.epochs=6", "train.ema=0.99"]
TIMED = ("seconds", "images_per_second")


def start(run: Path) -> int:
    """Begin a run, or go on with it, in a new process; its number."""
    child = os.fork()
    if child == 0:
        status = 99
        try:
            torch.set_num_threads(1)
            if (run / INFO).exists():
                status = resume(run, quiet=True).status
            else:
                checked = check(Source(str(SPEC), SPEC.read_text()), sets=SETS)
                status = train(checked, out=run, device="cpu", quiet=True).status
        finally:
            os._exit(status)
    return child


def fingerprint(run: Path) -> str:
    """The SHA-256 of weights, moving average, optimizer and metrics."""
    found = hashlib.sha256()
    for path in (
        run / "best.safetensors",
        run / "last.safetensors",
        *sorted((run / "checkpoints").glob("*.safetensors")),
    ):
        found.update(path.read_bytes())
    lines = [{k: v for k, v in line.items() if k not in TIMED} for line in read_lines(run / "metrics.jsonl")]
    found.update(json.dumps(lines).encode())
    return found.hexdigest()


def main() -> None:
    wanted, draws = int(sys.argv[1]) if len(sys.argv) > 1 else 50, random.Random(0)  # noqa: S311
    with TemporaryDirectory() as place:
        straight = Path(place) / "straight"
        begun = perf_counter()
        assert os.waitpid(start(straight), 0)[1] == 0
        takes = perf_counter() - begun
        kills = runs = equal = 0
        while kills < wanted:
            run, runs = Path(place) / f"run-{runs}", runs + 1
            while True:
                child = start(run)
                timer = Timer(draws.uniform(0.1, takes) if kills < wanted else 3600, os.kill, (child, signal.SIGKILL))
                timer.start()
                status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
                timer.cancel()
                kills += status == -signal.SIGKILL
                if status == 0:
                    break
                assert status == -signal.SIGKILL, f"ended with status {status}"
            equal += fingerprint(run) == fingerprint(straight)
    print(
        f"{kills} kills at random times in {runs} trainings of {takes:.1f} s: "
        f"{equal} ended bit for bit as one never stopped"
    )
    sys.exit(equal != runs)


if __name__ == "__main__":
    main()
