"""A driver that trains in processes of its own, and what two runs must have in common."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

from specc.backend.run.metrics import read_lines

SPEC = """
data { source = npz("small.npz"); augment = shift(1) -> noise(0.02) }

network Small {
  input(1, 8x8)
  conv(4) -> batch_norm -> relu -> dropout(20%)
  flatten -> dense(10)
}

train {
  epochs = 3
  batch = 16
  optimizer = adam(lr=1e-2)
  schedule = plateau(patience=0) -> cosine
  ema = 0.9
  lookahead = lookahead(steps=3)
  freeze = freeze(backbone, until=1)
}
"""
TIMED = ("seconds", "images_per_second")


def untimed(values: dict[str, Any]) -> dict[str, Any]:
    """Without what a clock says, or follows from it."""
    return {name: value for name, value in values.items() if name not in (*TIMED, "sha256")}


def fingerprint(run: Path) -> dict[str, str]:
    """The hash of each thing that a resumed run must share with one that was never stopped, to the last bit."""
    lines = list(map(untimed, read_lines(run / "metrics.jsonl")))
    newest = max((run / "checkpoints").glob("*.json"))
    about = untimed(json.loads(newest.read_text()))
    about["lines"] = list(map(untimed, about["lines"]))
    content = {
        "metrics": json.dumps(lines).encode(),
        "best": (run / "best.safetensors").read_bytes(),
        "last": (run / "last.safetensors").read_bytes(),
        "checkpoint": newest.with_suffix(".safetensors").read_bytes(),
        "about it": json.dumps(about, sort_keys=True).encode(),
    }
    return {name: hashlib.sha256(value).hexdigest() for name, value in content.items()}


class Driver:
    """Trainings in processes of their own; see fault_driver.py."""

    def __init__(self, folder: Path) -> None:
        images, labels = load_digits().images[:160], load_digits().target[:160]
        np.savez(folder / "small.npz", images=(images * 15).astype(np.uint8), labels=labels)
        self.folder, self.spec = folder, folder / "small.cnn"
        self.spec.write_text(SPEC)
        arguments = [sys.executable, str(Path(__file__).with_name("fault_driver.py")), str(self.spec)]
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder, env=environment()
        )

    def train(self, run: Path, fault: str = "", export: bool = False) -> int:
        """Begin a run or go on with it; the exit status, -9 where it was killed at the point `fault`."""
        assert self.process.stdin is not None and self.process.stdout is not None
        job: dict[str, Any] = {"run": str(run), "fault": fault, "export": export}
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def close(self) -> None:
        self.process.communicate(timeout=60)


def environment() -> dict[str, str]:
    """The package of this checkout."""
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
