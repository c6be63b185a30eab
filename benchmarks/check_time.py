"""How long `specc check` takes as a whole process, from start to exit: the median of 15 runs after one to warm up.

The first run after an installation also works out the parser's tables (a tenth of a second) and is not counted.
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

EXAMPLES = Path(__file__).parent.parent / "examples"
RUNS = 15


def seconds(command: list[str]) -> float:
    """Wall time of a process."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def median(command: list[str]) -> float:
    seconds(command)
    return statistics.median(seconds(command) for _ in range(RUNS))


def main() -> None:
    print(f"{'bare Python':24} {median([sys.executable, '-c', 'pass']) * 1000:6.0f} ms")
    for name in ("digits", "resnet20_cifar10", "resnet50", "deck_cifar10"):
        command = [sys.executable, "-m", "specc", "check", str(EXAMPLES / f"{name}.cnn")]
        print(f"{f'specc check {name}':24} {median(command) * 1000:6.0f} ms")


if __name__ == "__main__":
    main()
