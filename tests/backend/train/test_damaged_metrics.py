"""What a resumed run finds damaged: its metrics are written again, and nothing becomes another training."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from specc.backend.progress import Quiet
from specc.backend.run.metrics import read_lines
from specc.backend.train.resume import resume
from tests.helpers.small_run import PER_EPOCH, begin, error_of, figures, same_weights


class Heard(Quiet):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def say(self, text: str) -> None:
        self.notes.append(text)


DAMAGE: dict[str, Callable[[list[str]], list[str]]] = {
    "emptied": lambda lines: [],
    "a line lost": lambda lines: lines[1:],
    "doubled": lambda lines: [line for line in lines for _ in range(2)],
    "in another order": lambda lines: lines[::-1],
    "a figure changed": lambda lines: [lines[0].replace('"val_accuracy": 0.', '"val_accuracy": 0.9'), *lines[1:]],
    "cut within a line": lambda lines: [*lines[:-1], lines[-1][:40]],
    "no text": lambda lines: ["\x00" * 50],
}


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run of two epochs that stopped in the third, and where it comes to."""
    folder = tmp_path_factory.mktemp("half")
    begin("train.epochs=3", out=folder / "half", until=lambda per_epoch, total: 2 * per_epoch + 3)
    shutil.copytree(folder / "half", folder / "whole")
    resume(folder / "whole", quiet=True)
    return folder / "half", folder / "whole"


@pytest.mark.parametrize("damage", [*DAMAGE, "removed"])
def test_damaged_metrics_are_written_again(half: tuple[Path, Path], tmp_path: Path, damage: str) -> None:
    run, heard = Path(shutil.copytree(half[0], tmp_path / "run")), Heard()
    metrics = run / "metrics.jsonl"
    before = metrics.read_text()
    if damage == "removed":
        metrics.unlink()
    else:
        metrics.write_text("".join(DAMAGE[damage](before.splitlines(keepends=True))))
    resume(run, listener=heard)
    assert any("metrics.jsonl was damaged and has been restored" in note for note in heard.notes)
    assert metrics.read_text().startswith(before)  # with the times, too
    assert figures(run) == figures(half[1]) and len(figures(run)) == 3
    assert same_weights(run, half[1]) and same_weights(run, half[1], "best.safetensors")


def test_what_a_kill_leaves_is_no_damage(half: tuple[Path, Path], tmp_path: Path) -> None:
    """A line of an epoch whose checkpoint was not written, and one that is torn."""
    run, heard = Path(shutil.copytree(half[0], tmp_path / "run")), Heard()
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 3.0, "step": 66, "val_loss": 1.0, "val_accuracy": 0.5}\n{"epoch": 4')
    resume(run, listener=heard)
    assert not any("damaged" in note for note in heard.notes)
    assert figures(run) == figures(half[1])


def test_a_run_from_other_weights_is_not_resumed_without_its_first_checkpoint(straight: Path, tmp_path: Path) -> None:
    """It would be another training: one from drawn weights."""
    start = f'train.start=weights("{straight}")'
    run = begin(start, out=tmp_path / "run", until=lambda per_epoch, total: 3).path
    for path in (run / "checkpoints").iterdir():
        path.unlink()
    assert list(read_lines(run / "metrics.jsonl")) == []
    assert error_of(lambda: resume(run, quiet=True)).code == "E438"


def test_a_run_that_ended_is_not_begun_again(straight: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(straight, tmp_path / "run"))
    shutil.rmtree(run / "checkpoints")
    (run / "metrics.jsonl").write_bytes(b"")
    assert PER_EPOCH and error_of(lambda: resume(run, quiet=True)).code == "E438"
