"""`specc train` in several processes, which fail as they are told to."""

import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_digits

from tests.helpers.faults import environment

SPEC = """
data { source = npz("small.npz"); augment = shift(1) -> mixup }

network Small {
  input(1, 8x8)
  conv(4) -> batch_norm -> relu -> dropout(20%)
  flatten -> dense(10)
}

train {
  epochs = 3
  batch = 24  # allow W509
  shards = 12
  ema = 0.9
}
"""
PER_EPOCH = 6  # steps
SECONDS = 240  # which no training here takes


class Ended(NamedTuple):
    """What a command left. seconds: that it took."""

    status: int
    out: str
    err: str
    seconds: float


def write_spec(folder: Path) -> None:
    """The data and the spec `small.cnn` that are trained here."""
    images, labels = load_digits().images[:160], load_digits().target[:160]
    np.savez(folder / "small.npz", images=(images * 15).astype(np.uint8), labels=labels)
    (folder / "small.cnn").write_text(SPEC)


class Started:
    """A command line in a process of its own, in a folder that gets its output."""

    def __init__(
        self, folder: Path, arguments: list[str], fault: str = "", more: Mapping[str, str] | None = None
    ) -> None:
        self.folder, self.began = folder, time.monotonic()
        faults = {"SPECC_FAULT": fault} if fault else {}
        names = [folder / f"{id(self)}.{name}" for name in ("out", "err")]
        with names[0].open("wb") as out, names[1].open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=folder,
                env={**environment(), **faults, **(more or {})},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        self.out, self.err = names

    def end(self, seconds: float = SECONDS) -> Ended:
        """Wait for its end; what it printed."""
        try:
            status = self.process.wait(seconds)
        finally:
            if self.process.poll() is None:
                self.process.kill()
        return Ended(status, self.out.read_text(), self.err.read_text(), time.monotonic() - self.began)

    def wait_until(self, holds: Callable[[], bool], seconds: float = SECONDS) -> None:
        """Wait until something holds. The process has to live till then."""
        deadline = time.monotonic() + seconds
        while not holds():
            assert self.process.poll() is None, self.err.read_text()
            assert time.monotonic() < deadline, self.err.read_text()
            time.sleep(0.02)

    def children(self) -> list[int]:
        """The processes that it has started."""
        return children_of(self.process.pid)


def children_of(parent: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent and fields[0] != "Z":
            found.append(int(status.parent.name))
    return found


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def train(folder: Path, *arguments: str, fault: str = "") -> Started:
    return Started(folder, ["specc", "train", "--device", "cpu", "-q", *arguments], fault)


def steps_of(run: Path) -> list[int]:
    """The steps of a run's checkpoints."""
    return sorted(int(path.stem) for path in (run / "checkpoints").glob("*.json"))
