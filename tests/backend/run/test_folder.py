"""A run's folder belongs to one process, and nothing in it is written over."""

import json
import os
from pathlib import Path

from specc.backend.run.folder import RunFolder, create
from specc.backend.run.load import open_run
from specc.backend.train.resume import resume
from tests.helpers.small_run import begin, error_of


def test_runs_are_numbered(here: Path) -> None:
    assert [create(None, "Net", "").path.name for _ in range(2)] == ["Net-1", "Net-2"]
    (here / "runs" / "Net-11").mkdir()
    (here / "runs" / "Net-x").mkdir()
    assert create(None, "Net", "").path == Path("runs/Net-12")
    assert create(None, "Other", "").path == Path("runs/Other-1")


def test_a_run_is_not_written_over(straight: Path) -> None:
    error = error_of(lambda: begin(out=straight))
    assert error.code == "E435" and "--resume" in error.help


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert error_of(lambda: begin(out=tmp_path / "file" / "run")).code == "E481"
    assert error_of(lambda: begin(out=tmp_path / "file")).code == "E481"


def test_a_spec_of_the_users_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "spec.cnn").write_text("network Mine {}")
    assert error_of(lambda: begin(out=tmp_path)).code == "E435"
    assert (tmp_path / "spec.cnn").read_text() == "network Mine {}"
    assert {path.name for path in tmp_path.iterdir()} == {"spec.cnn"}


def test_two_trainings_into_one_folder_are_refused(copied: Path) -> None:
    first = RunFolder(copied)
    error = error_of(lambda: resume(copied, quiet=True))
    assert error.code == "E485" and f"process {os.getpid()}" in error.message
    assert error_of(lambda: begin(out=copied)).code == "E485"
    first.lock.release()
    assert resume(copied, quiet=True).status == 0
    assert not (copied / ".lock").exists()


def test_a_lock_that_a_killed_process_left_is_no_lock(copied: Path) -> None:
    (copied / ".lock").write_text("4711\n")
    (copied / ".best.safetensors.abc.part").write_bytes(b"half")
    assert resume(copied, quiet=True).status == 0
    assert not any(path.name.startswith(".") for path in copied.iterdir())


def test_a_finished_run_without_its_weights_is_not_to_be_continued(copied: Path) -> None:
    (copied / "best.safetensors").unlink()
    info = json.loads((copied / "run.json").read_text())
    for is_finished, words in ((True, "restore it; the last weights are in"), (False, "no epoch was finished")):
        (copied / "run.json").write_text(json.dumps(info | {"finished": is_finished}))
        error = error_of(lambda: open_run(copied))
        assert error.code == "E442" and words in error.help
