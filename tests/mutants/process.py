"""Work in a process of its own: a fork of one that has imported the heavy packages, but nothing of specc."""

import gc
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from importlib import import_module
from math import ceil
from pathlib import Path

HEAVY = ("torch", "numpy", "onnx", "onnxruntime", "PIL.Image", "sklearn", "scipy.stats", "hypothesis", "lark", "typer")
BROKEN = 70


def warm_up() -> None:
    """Import what every process needs, so that its forks begin at once."""
    for name in HEAVY:
        import_module(name)
    gc.freeze()  # what is collected in a fork is what the fork makes
    assert "specc" not in sys.modules, "the forks would run another specc than that of their tree"


def run(root: Path, work: Callable[[], int], seconds: float) -> int | None:
    """What `work` gives in a fork of this process in the tree at `root`.

    None where it takes more than so many seconds of the processor, or ten times as many altogether. The fork's output
    goes to the file `.output` of the tree.
    """
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        _child(root, work, seconds)
    while time.monotonic() - start < 10 * seconds:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            ended = os.waitstatus_to_exitcode(status)
            return None if ended == -signal.SIGXCPU else ended
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _child(root: Path, work: Callable[[], int], seconds: float) -> None:
    """Never returns."""
    status = BROKEN
    try:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CPU, (ceil(seconds), ceil(seconds) + 5))
        output = os.open(root / ".output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for stream in (1, 2):
            os.dup2(output, stream)
        sys.stdout = sys.stderr = os.fdopen(output, "w", buffering=1)
        os.chdir(root)
        os.environ["PYTHONPATH"] = str(root)
        sys.path[:0] = [str(root)]
        for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
            del sys.modules[name]  # the tree has its own
        status = work()
    except BaseException:  # noqa: BLE001 - the parent is told by the status
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)
