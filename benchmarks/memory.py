"""Trains examples/digits.cnn for many epochs in one process and watches its memory.

python benchmarks/memory.py 200
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from specc.backend.progress import Quiet
from specc.backend.run.metrics import EpochResult
from specc.backend.train.job import train
from specc.check import check
from specc.source import Source

SPEC = Path(__file__).parent.parent / "examples" / "digits.cnn"


class Watch(Quiet):
    """Notes the process's memory, in MB, at the end of each epoch."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def epoch(self, result: EpochResult, line: dict[str, Any], best: bool) -> None:
        for line_ in Path("/proc/self/status").read_text().splitlines():
            if line_.startswith("VmRSS:"):
                self.seen.append(int(line_.split()[1]) / 1000)


def main() -> None:
    epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    checked = check(Source(str(SPEC), SPEC.read_text()), sets=[f"train.epochs={epochs}"])
    watch = Watch()
    with TemporaryDirectory() as place:
        train(checked, out=Path(place) / "run", device="cpu", listener=watch)
    half = len(watch.seen) // 2
    early, late = (sum(part) / len(part) for part in (watch.seen[half // 2 : half], watch.seen[half:]))
    print(
        f"{epochs} epochs: {watch.seen[0]:.0f} MB after the first, {watch.seen[-1]:.0f} MB after the last, "
        f"{max(watch.seen):.0f} MB at most; the second half {late - early:+.1f} MB over the second quarter"
    )


if __name__ == "__main__":
    main()
