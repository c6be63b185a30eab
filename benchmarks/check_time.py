"""How long `specc check` takes as a whole process, from start to exit.

First against a bare Typer-and-lark program that parses the same file with the same grammar (bare/parse.py): both in
turn, so that whatever else the machine does meets both. Then of networks of 1,000 to 10,000 layers. Every process is
run once before any is timed: that compiles Python's modules and fills the caches of parser tables.
"""

import os
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "examples"
BARE = [sys.executable, str(HERE / "bare" / "parse.py")]
CHECK = [sys.executable, "-m", "specc", "check"]
RUNS = 25
RUNS_OF_MANY_LAYERS = 5
LAYERS = (1_000, 3_000, 10_000)
REPEATED = """\
network Deep {{
  input(16, 8x8)
  repeat({turns}) {{
    residual {{ batch_norm -> relu -> conv(16) }}
  }}
  flatten -> dense(10)
}}
"""
# Compiled modules are part of any installation: without them each process would compile all of its own again.
SETTINGS = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def seconds(command: list[str]) -> float:
    """Wall time of a process. Raises `CalledProcessError` where it fails."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=SETTINGS)
    return time.perf_counter() - start


def in_turn(commands: list[list[str]], runs: int) -> list[list[float]]:
    """The seconds of each command, run one after the other so many times, after a round that is not counted."""
    rounds = [[seconds(command) for command in commands] for _ in range(runs + 1)]
    return [list(times) for times in zip(*rounds[1:], strict=True)]


def spread(values: list[float], unit: float, digits: int) -> str:
    """`  178 (170 to 195)`: the median and the quartiles."""
    low, middle, high = (f"{value * unit:.{digits}f}" for value in quantiles(values, n=4))
    return f"{middle:>5} ({low} to {high})"


def against_the_bare_program() -> None:
    print(f"{RUNS} runs, in turn; median (quartiles)\n")
    print(f"{'':24} {'bare, ms':>20} {'specc check, ms':>22} {'ratio':>22}")
    for name in ("densenet121", "resnet50", "digits"):
        file = str(EXAMPLES / f"{name}.cnn")
        bare, check = in_turn([[*BARE, file], [*CHECK, file]], RUNS)
        ratios = [b / a for a, b in zip(bare, check, strict=True)]
        print(f"{name:24} {spread(bare, 1000, 0):>20} {spread(check, 1000, 0):>22} {spread(ratios, 1, 2):>22}")


def of_many_layers() -> None:
    with TemporaryDirectory() as folder:
        files = {}
        for layers in LAYERS:
            turns = (layers - 4) // 4  # four layers a turn: batch_norm, relu, conv, add
            one_by_one = "\n".join(["  conv(16)", "  relu"] * (layers // 2))
            for form, text in (
                ("in a loop", REPEATED.format(turns=turns)),
                ("one by one", f"network Deep {{\n  input(16, 8x8)\n{one_by_one}\n  flatten -> dense(10)\n}}\n"),
            ):
                files[layers, form] = Path(folder) / f"{layers} {form}.cnn"
                files[layers, form].write_text(text)
        times = in_turn([[*CHECK, str(file)] for file in files.values()], RUNS_OF_MANY_LAYERS)
        empty = min(seconds([*CHECK, str(EXAMPLES / "digits.cnn")]) for _ in range(RUNS_OF_MANY_LAYERS))
    print(f"\n{RUNS_OF_MANY_LAYERS} runs, in turn; a layer: beyond the {empty * 1000:.0f} ms of digits.cnn\n")
    print(f"{'layers':24} {'specc check, s':>22} {'a layer, µs':>14}")
    for (layers, form), found in zip(files, times, strict=True):
        middle = quantiles(found, n=4)[1]
        print(f"{f'{layers:,} {form}':24} {spread(found, 1, 2):>22} {(middle - empty) / layers * 1e6:>14.0f}")


def machine() -> str:
    """The processor, the cores that may be used, and the versions that the times depend on."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor() or platform.machine()
    versions = ", ".join(f"{name} {version(name)}" for name in ("lark", "typer"))
    return f"{model}, {os.cpu_count()} cores; {platform.system()}, Python {platform.python_version()}, {versions}"


if __name__ == "__main__":
    print(machine())
    against_the_bare_program()
    of_many_layers()
