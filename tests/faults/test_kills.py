"""Killed at any point, gone on with, killed again, gone on with: the same run as one that was never stopped."""

import os
import re
from pathlib import Path

import pytest

import specc
from tests.helpers.faults import Driver, fingerprint
from tests.helpers.thorough import some

pytestmark = pytest.mark.skipif(os.name != "posix", reason="SIGKILL and fork are POSIX's")

# Files in the order in which they are written: 1 spec.cnn, 2 metrics.jsonl, 3 run.json; then for each epoch (a line is
# added to metrics.jsonl first) best.safetensors where it is the best, last.safetensors, and a checkpoint's two.
POINTS = [
    *[f"write.before:{n}" for n in (1, 3, 4, 6, 7)],
    *[f"write.middle:{n}" for n in (1, 2, 3, 4, 5, 6, 7)],
    *[f"rename.before:{n}" for n in (1, 3, 6, 7)],
    *[f"rename.after:{n}" for n in (1, 2, 3, 4, 5, 6, 7)],
    "checkpoint.before",
    "checkpoint.before:2",
    "checkpoint.between",
    "checkpoint.between:2",
    "sweep.before:2",
    "sweep.middle",
    "sweep.middle:2",
    "metrics.after",
    "metrics.after:2",
    "epoch.middle",
    "epoch.middle:12",
    "evaluation",
    "evaluation:3",
]
# The first of each name, and some that are reached later.
FIRST = {point.partition(":")[0]: point for point in reversed(POINTS)}.values()
TRIED = [*reversed(FIRST), *some([point for point in POINTS if point not in FIRST], 6)]
EXPORT_POINTS = ["export", "write.middle:1", "rename.after:1"]


def test_every_point_that_the_code_reaches_is_killed_at_and_no_other() -> None:
    folder = Path(specc.__file__).parent
    reached = {
        point for path in folder.rglob("*.py") for point in re.findall(r'\breach\("([\w.]+)"\)', path.read_text())
    }
    assert reached == {point.partition(":")[0] for point in [*POINTS, *EXPORT_POINTS]}


@pytest.mark.parametrize("point", TRIED)
def test_killed_twice_and_gone_on_with(driver: Driver, straight: Path, point: str) -> None:
    run = driver.folder / point.replace(":", "-")
    assert driver.train(run, point) == -9
    again = driver.train(run, point)
    assert again in (-9, 0)
    assert driver.train(run) == 0
    assert fingerprint(run) == fingerprint(straight)
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == sorted(
        path.name for path in (straight / "checkpoints").iterdir()
    )
    assert {path.name for path in run.iterdir()} == {path.name for path in straight.iterdir()} - EXPORTED


EXPORTED = {"model.onnx", "certificate.json", "card.md"}


@pytest.mark.parametrize("point", EXPORT_POINTS)
def test_killed_in_the_export(driver: Driver, straight: Path, point: str) -> None:
    run = driver.folder / f"export-{point.replace(':', '-')}"
    assert driver.train(run) == 0
    counts = 2 if ":" in point else 0  # a finished run that is gone on with writes metrics.jsonl and run.json
    name, _, number = point.partition(":")
    assert driver.train(run, f"{name}:{int(number or 1) + counts}" if number else point, export=True) == -9
    assert driver.train(run, export=True) == 0
    assert fingerprint(run) == fingerprint(straight)
    assert (run / "model.onnx").read_bytes() == (straight / "model.onnx").read_bytes()
    assert {path.name for path in run.iterdir()} == {path.name for path in straight.iterdir()}


def test_every_point_is_there(driver: Driver) -> None:
    """A point that nothing reaches would be survived by itself."""
    assert driver.train(driver.folder / "unreached", "no.such.point") == 0
