"""A process that dies or hangs: the others end with it, and all go on from the newest checkpoint to the same bits."""

import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest

from specc.backend.launch.watch import ORPHANED
from tests.helpers.faults import fingerprint
from tests.helpers.launched import lives, steps_of, train

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")

KILLS = int(os.environ.get("SPECC_KILLS", "1"))


def test_after_two_deaths_without_progress_fewer_processes_go_on(folder: Path, straight: Path) -> None:
    run = folder / "fewer"
    started = train(
        folder, "small.cnn", "--out", str(run), "--devices", "4", "--max-restarts", "3", fault="epoch.middle:3@2/2"
    )
    ended = started.end()
    assert ended.status == 0, ended.err
    first, second = [line for line in ended.err.splitlines() if "restart" in line]
    assert first == "rank 2 of 4 was killed (SIGKILL); starting again with 4 processes (restart 1 of 3)"
    assert "with 3 processes instead of 4, which made no progress 2 times in a row (restart 2 of 3)" in second
    assert fingerprint(run) == fingerprint(straight)


def test_a_process_that_hangs_is_found_and_named(folder: Path, straight: Path) -> None:
    run = folder / "hung"
    options = ["--devices", "3", "--max-restarts", "1", "--hang-timeout", "5"]
    ended = train(folder, "small.cnn", "--out", str(run), *options, fault="epoch.middle:9@1=stop").end()
    assert ended.status == 0, ended.err
    (line,) = [line for line in ended.err.splitlines() if "restart" in line]
    assert line.startswith("rank 1 of 3 (process ") and "has not answered for 5 seconds; resuming after step 6" in line
    assert fingerprint(run) == fingerprint(straight)


def test_without_restarts_the_dead_process_is_named(folder: Path) -> None:
    run = folder / "dead"
    ended = train(folder, "small.cnn", "--out", str(run), "--devices", "3", fault="checkpoint.between@0").end()
    assert ended.status == 2
    assert ended.err.startswith("error[E507]: rank 0 of 3 was killed (SIGKILL)\n"), ended.err
    assert "there is no checkpoint yet" in ended.err


def test_no_process_outlives_its_launcher(folder: Path, straight: Path) -> None:
    run = folder / "orphans"
    options = ["--out", str(run), "--devices", "3", "--set", "train.epochs=1000"]
    started = train(folder, "small.cnn", *options)
    started.wait_until(lambda: bool(steps_of(run)))
    children = started.children()
    assert len(children) == 3
    started.process.kill()
    started.end()
    deadline = time.monotonic() + ORPHANED + 15  # of a slow machine
    while any(map(lives, children)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(lives, children)), started.err.read_text()
    assert steps_of(run)  # what was there is kept, and they saved before they ended
    assert not (run / ".lock").exists()


@pytest.mark.parametrize("seed", range(KILLS))
def test_random_kills(folder: Path, straight: Path, seed: int) -> None:
    """SIGKILL of any process at any time, of the launcher, too; whoever resumes ends with the same bits.

    SPECC_KILLS=20 makes them twenty.
    """
    draw = random.Random(seed)  # noqa: S311 - no secret
    run = folder / f"random{seed}"
    new = ["small.cnn", "--out", str(run)]
    count = draw.choice((3, 4))
    started = train(folder, *new, "--devices", str(count), "--max-restarts", "1")
    started.wait_until(run.exists)
    time.sleep(draw.uniform(0, 1.5))
    victims = [*started.children(), started.process.pid]
    victim = draw.choice(victims)
    if lives(victim):
        os.kill(victim, signal.SIGKILL)
    if started.end().status != 0:
        again = ["--resume", str(run)] if (run / "run.json").exists() else new
        for child in victims:
            deadline = time.monotonic() + 30
            while lives(child) and time.monotonic() < deadline:
                time.sleep(0.1)
        ended = train(folder, *again, "--devices", str(draw.choice((3, 4)))).end()
        assert ended.status == 0, ended.err
    assert fingerprint(run) == fingerprint(straight)
