"""`specc runs`: what lies in a folder, in which state; and `specc diff` of two runs."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specc.backend.run.lock import Lock, is_held
from tests.helpers.tiny_run import trained


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, one that was stopped, one of which weights are missing, and one that never began."""
    place = tmp_path_factory.mktemp("runs")
    run = trained(place)
    home = place / "home"
    home.mkdir()
    for name in ("finished", "stopped", "lost", "torn"):
        shutil.copytree(run, home / name)
    info = json.loads((home / "stopped" / "run.json").read_text())
    for key in ("finished", "ended", "best", "figures"):
        info.pop(key)
    (home / "stopped" / "run.json").write_text(json.dumps(info))
    (home / "lost" / "best.safetensors").unlink()
    (home / "torn" / "run.json").write_text("{")
    (home / "never").mkdir()
    for file in ("spec.cnn", "metrics.jsonl"):
        (home / "never" / file).touch()
    (home / "notes").mkdir()
    return home


def test_a_row_for_each_run(specc: Callable[..., Any], folder: Path) -> None:
    answer = specc("runs", folder)
    assert (answer.status, answer.err) == (0, "")
    lines = {line.split()[0]: line for line in answer.out.splitlines() if line}
    assert re.search(
        r"^finished +Tiny +finished +accuracy +[\d.]+% \([\d.]+% to [\d.]+%\) +2 +[\d.]+ s$", lines["finished"]
    )
    assert re.search(r"^stopped +Tiny +can be resumed +2 ", lines["stopped"])
    assert "lost: best.safetensors is missing" in answer.out
    assert re.search(r"^torn: .*run.json cannot be read", answer.out, re.MULTILINE)
    assert "never: " in answer.out and "notes" not in answer.out
    assert "5 runs: " in answer.out and "1 can be resumed" in answer.out and "3 damaged" in answer.out


def test_as_json(specc: Callable[..., Any], folder: Path) -> None:
    found = {Path(one["path"]).name: one for one in json.loads(specc("runs", folder, "--json").out)["runs"]}
    assert found["finished"]["state"] == "finished" and found["finished"]["epochs"] == 2
    known = json.loads((folder / "finished" / "run.json").read_text())["figures"]["validation"]["figures"]
    assert found["finished"]["figures"]["validation"]["accuracy"] == known["accuracy"]
    assert found["torn"]["state"] == "damaged" and found["torn"]["damage"] and found["torn"]["task"] is None


def test_a_run_that_is_trained_now(folder: Path, specc: Callable[..., Any]) -> None:
    lock = Lock(folder / "stopped")
    try:
        assert is_held(folder / "stopped") and not is_held(folder / "finished")
        assert re.search(r"^stopped +Tiny +training ", specc("runs", folder).out, re.MULTILINE)
    finally:
        lock.release()
    assert not is_held(folder / "stopped") and not (folder / "stopped" / ".lock").exists()


def test_a_folder_without_runs(specc: Callable[..., Any], tmp_path: Path) -> None:
    for place, words in ((tmp_path, "there is no run in"), (tmp_path / "none", "does not exist")):
        answer = specc("runs", place)
        assert answer.status == 2 and "error[E532]" in answer.err and words in answer.err


def test_diff_shows_the_figures_of_two_runs(specc: Callable[..., Any], folder: Path) -> None:
    other = folder.parent / "other"
    shutil.copytree(folder / "finished", other)
    info = json.loads((other / "run.json").read_text())
    accuracy = info["figures"]["validation"]["figures"]["accuracy"]
    was = accuracy["value"]
    accuracy.update(value=was + 0.125, low=None, high=None)
    (other / "run.json").write_text(json.dumps(info))
    answer = specc("diff", folder / "finished", other)
    assert answer.status == 0 and "no differences" in answer.out
    line = next(line for line in answer.out.splitlines() if line.startswith("validation accuracy"))
    assert line.endswith(f"{was + 0.125:.2%}  +12.50 points") and f"{was:.2%} (" in line
    assert "top-5" not in answer.out and "in parentheses: 95% intervals" in answer.out
    found = json.loads(specc("diff", folder / "finished", other, "--json").out)
    assert found["equal"] and found["same_images"]
    assert found["figures"][0] == {
        "part": "validation", "figure": "accuracy", "a": {**accuracy, "value": was, **_ends(folder)}, "b": accuracy,
    }  # fmt: skip
    info["data_sha256"] = "0" * 64
    (other / "run.json").write_text(json.dumps(info))
    assert "not validated on the same images" in specc("diff", folder / "finished", other).out
    alone = specc("diff", folder / "finished", folder / "stopped").out
    assert re.search(r"^validation accuracy +[\d.]+% \(.*\)  –           –$", alone, re.MULTILINE)
    assert "figure" not in specc("diff", folder / "stopped", folder / "stopped").out


def _ends(folder: Path) -> dict[str, float]:
    known = json.loads((folder / "finished" / "run.json").read_text())["figures"]["validation"]["figures"]["accuracy"]
    return {end: known[end] for end in ("low", "high")}
