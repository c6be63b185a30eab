"""A run that is resumed comes to the same end as if it had never stopped, or says why it cannot."""

import errno
import json
import os
import signal
import subprocess
import sys
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch

from specc.backend.evaluation.of_run import evaluate_run
from specc.backend.interrupt import Interrupt
from specc.backend.run.checkpoint import load_checkpoint
from specc.backend.run.load import open_run
from specc.backend.run.manifest import read_info, sha256_of
from specc.backend.run.metrics import read_lines
from specc.backend.train.resume import resume
from tests.helpers.small_run import PER_EPOCH, SPEC, begin, error_of, figures, same_weights, train_with_other_spec


class StopAt(Interrupt):
    """A Ctrl-C that comes after so many steps."""

    left = 0

    @property
    def signal(self) -> signal.Signals | None:
        StopAt.left -= 1
        return signal.SIGINT if StopAt.left < 0 else None

    @signal.setter
    def signal(self, value: object) -> None:
        pass


@pytest.mark.parametrize("stops", [[5], [PER_EPOCH - 1], [30, 3, 1]])
def test_stopping_and_going_on_changes_nothing(
    straight: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stops: list[int]
) -> None:
    monkeypatch.setattr("specc.backend.train.job.Interrupt", StopAt)
    run = tmp_path / "run"
    StopAt.left = stops[0]
    outcome = begin(out=run)
    for steps in [*stops[1:], 1000]:
        assert outcome.status == 130
        assert not read_info(run)["finished"]
        StopAt.left = steps
        outcome = resume(run, quiet=True)
    assert outcome.status == 0 or StopAt.left > 0
    assert same_weights(straight, run) and same_weights(straight, run, "best.safetensors")
    assert figures(straight) == figures(run)
    _, first, _, _ = load_checkpoint(straight / "checkpoints")
    _, second, _, _ = load_checkpoint(run / "checkpoints")
    assert first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


SCRIPT = """
import sys
from pathlib import Path
from time import sleep
import torch
from specc.backend.train.job import train
from specc.backend.engine.trainer import Trainer
from specc.check import check
from specc.source import Source
path = Path(sys.argv[1])
step = Trainer.step
Trainer.step = lambda loop: (step(loop), sleep(0.02))  # so that the signal finds it at work
outcome = train(check(Source("small.cnn", (path / "small.cnn").read_text())), out=path / "run")
sys.exit(outcome.status)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_a_killed_process_is_gone_on_with_to_the_same_end(
    straight: Path, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    (tmp_path / "small.cnn").write_text(SPEC)
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, tmp_path], stderr=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("epoch 1/"):
            break
    process.send_signal(number)
    assert process.wait(timeout=60) == status
    process.stderr.close()
    assert resume(tmp_path / "run", quiet=True).status == 0
    assert same_weights(straight, tmp_path / "run")
    assert figures(straight) == figures(tmp_path / "run")


def test_going_on_with_a_finished_run_changes_nothing(straight: Path) -> None:
    before = (straight / "last.safetensors").read_bytes()
    assert resume(straight, quiet=True).step == 44
    assert (straight / "last.safetensors").read_bytes() == before
    assert len(list(read_lines(straight / "metrics.jsonl"))) == 2


def test_a_torn_line_and_lines_after_the_checkpoint_are_written_again(
    straight: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("specc.backend.train.job.Interrupt", StopAt)
    run = tmp_path / "run"
    StopAt.left = 25
    begin(out=run)
    with (run / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"step": 44, "epoch": 2.0}) + '\n{"step": 66, "epo')
    StopAt.left = 1000
    resume(run, quiet=True)
    assert figures(straight) == figures(run)


@pytest.mark.parametrize("is_written", [False, True])
def test_a_kill_while_a_changed_spec_is_taken_on(copied: Path, is_written: bool) -> None:
    """`run.json` knows the spec that comes next before `spec.cnn` is written: either of the two can be gone on with."""
    text, info = (copied / "spec.cnn").read_text(), read_info(copied)
    following = {"spec_sha256": sha256_of(text + "\n"), "base": info["base"], "resumed": [{"exact": True}]}
    (copied / "run.json").write_text(json.dumps({**info, "resumed": [], "next": following}))
    if is_written:
        (copied / "spec.cnn").write_text(text + "\n")
    open_run(copied)
    resume(copied, quiet=True)
    info = read_info(copied)
    assert "next" not in info and len(info["resumed"]) == (2 if is_written else 1)
    assert info["spec_sha256"] == sha256_of((copied / "spec.cnn").read_text())


def test_a_checkpoint_of_another_network(copied: Path) -> None:
    train_with_other_spec(copied)
    assert error_of(lambda: resume(copied, quiet=True)).code == "E445"


def test_data_that_have_changed(copied: Path) -> None:
    info = read_info(copied)
    (copied / "run.json").write_text(json.dumps({**info, "data_sha256": "0" * 64}))
    found = error_of(lambda: resume(copied, quiet=True))
    assert (
        found.code == "E441"
        and "the same number of images and the same classes, but different content" in found.message
    )
    assert f"SHA-256 {'0' * 16}… before, {info['data_sha256'][:16]}… now" in found.message
    images = {"train": 7, "validation": info["images"]["validation"]}
    changed = {"data_sha256": "0" * 64, "images": images, "classes": ["x", *info["classes"][1:]]}
    (copied / "run.json").write_text(json.dumps({**info, **changed}))
    words = error_of(lambda: resume(copied, quiet=True)).message
    assert f"`x` before, `{info['classes'][0]}` now, 7 training images before, " in words and "validation" not in words
    (copied / "run.json").write_text(json.dumps({**info, **changed, "classes": info["classes"]}))
    assert error_of(lambda: evaluate_run(open_run(copied))).code == "E441"


def test_a_run_without_checkpoints(copied: Path) -> None:
    for path in (copied / "checkpoints").iterdir():
        path.unlink()
    assert error_of(lambda: resume(copied, quiet=True)).code == "E438"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"device_name": "Abacus, 1 thread"}, "the device was Abacus, 1 thread"),
        ({"versions": {"torch": "1.0", "numpy": "1", "specc": "0"}}, "torch was 1.0"),
    ],
)
def test_another_place_is_refused_without_a_word(copied: Path, changed: dict[str, Any], words: str) -> None:
    before = read_info(copied)
    (copied / "run.json").write_text(json.dumps({**before, **changed}))
    error = error_of(lambda: resume(copied, quiet=True))
    assert (error.code, error.status) == ("E486", 1) and words in error.message and "--resume-inexact" in error.help
    assert resume(copied, quiet=True, inexact=True).status == 0
    after = read_info(copied)
    assert {name: after[name] for name in changed} == {name: before[name] for name in changed}
    resumed = after["resumed"][-1]
    assert resumed["exact"] is False and words in resumed["changed"][0] and resumed["step"] == 44
    assert resume(copied, quiet=True).status == 0  # it is at home here now


def test_threads_and_precision_are_those_of_the_run(copied: Path) -> None:
    info = read_info(copied)
    name = info["device_name"].replace("1 thread", "2 threads")
    (copied / "run.json").write_text(json.dumps({**info, "threads": 2, "precision": "bf16", "device_name": name}))
    assert resume(copied, quiet=True).status == 0
    assert torch.get_num_threads() == 2
    after = read_info(copied)
    assert (after["threads"], after["precision"]) == (2, "bf16")
    assert after["plan"]["precision"] == {"is": "bf16", "because": "as when the run started"}


@pytest.mark.parametrize("refused", range(9))
@pytest.mark.parametrize("what", ["fsync", "replace"])
def test_a_full_disk_stops_and_loses_nothing(
    straight: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, refused: int
) -> None:
    """The disk takes so many files and no more; with room again the run comes to the same end."""
    run, calls, real = tmp_path / "run", count(), os.fsync if what == "fsync" else Path.replace

    def full(*arguments: Any) -> Any:
        if next(calls) >= refused:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(*arguments)

    monkeypatch.setattr(os if what == "fsync" else Path, what, full)
    error = error_of(lambda: begin(out=run))
    assert (error.code, error.status) == ("E481", 2) and "No space left" in error.message
    monkeypatch.undo()
    if (run / "run.json").exists():
        assert "--resume" in error.help
        assert resume(run, quiet=True).status == 0
    else:
        begin(out=run)
    assert figures(straight) == figures(run)
    assert same_weights(straight, run) and same_weights(straight, run, "best.safetensors")
    assert not any(path.name.startswith(".") for path in run.rglob("*"))
