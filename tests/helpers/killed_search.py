"""A search whose workers are killed at random, and which is killed itself: by SIGKILL, while they train."""

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from time import monotonic, sleep
from typing import Any

JOURNAL = "suggestions.jsonl"


def lines_of(folder: Path) -> list[dict[str, Any]]:
    """The whole lines of a search's journal."""
    try:
        texts = (folder / JOURNAL).read_text().splitlines(keepends=True)
    except FileNotFoundError:
        return []
    return [json.loads(text) for text in texts if text.endswith("\n")]


def at_work(folder: Path) -> dict[int, int]:
    """The process of each worker whose training has come to an epoch, by the worker's number."""
    working: dict[int, tuple[int, int, bool]] = {}  # process, trial, whether there was an epoch
    for line in lines_of(folder):
        if line["what"] == "started":
            working[line["worker"]] = line["pid"], line["trial"], False
        elif line["what"] == "epoch":
            working = {
                worker: (pid, trial, some or trial == line["trial"]) for worker, (pid, trial, some) in working.items()
            }
        elif line["what"] in ("trained", "ended", "killed"):
            working = {worker: found for worker, found in working.items() if found[1] != line["trial"]}
    return {worker: pid for worker, (pid, _, some) in working.items() if some}


def killed(folder: Path) -> Counter[int]:
    """How often each worker was killed while it trained."""
    return Counter(line["worker"] for line in lines_of(folder) if line["what"] == "killed" and line["status"] == -9)


def search_with_kills(
    command: Sequence[str], folder: Path, workers: int, each: int, seed: int, pauses: tuple[float, float], own: int = 1
) -> Counter[int]:
    """Run `specc search` until every worker was killed `each` times at work, and the search itself `own` times; then to
    its end. Gives how often each worker was killed.

    pauses: the shortest and the longest time between two kills, in seconds.
    """
    draw = random.Random(seed)  # noqa: S311 - no secret
    arguments = [sys.executable, "-m", "specc", *command]
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    left, end = own, monotonic() + 3600
    while True:
        assert monotonic() < end
        counts = killed(folder)
        missing = [worker for worker in range(1, workers + 1) if counts[worker] < each]
        if not missing and not left:
            break
        assert process.poll() is None, process.communicate()
        working = at_work(folder)
        targets = [working[worker] for worker in missing if worker in working]
        if not missing:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            left -= 1
            process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        elif targets:
            sleep(draw.uniform(*pauses))
            pid = draw.choice(targets)
            if pid in at_work(folder).values():
                os.kill(pid, signal.SIGKILL)
        sleep(0.05)
    _, err = process.communicate(timeout=3600)
    assert process.returncode == 0, err
    return killed(folder)
