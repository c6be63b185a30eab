"""Opening a run again, and what is not one."""

from pathlib import Path

import pytest

from specc.backend.onnx.export import export_run
from specc.backend.predict.run import from_run
from specc.backend.run.load import open_run
from specc.backend.train.resume import resume
from tests.helpers.small_run import error_of, train_with_other_spec


def test_what_is_not_a_run(tmp_path: Path, straight: Path) -> None:
    assert error_of(lambda: open_run(tmp_path / "nowhere")).code == "E439"
    assert error_of(lambda: open_run(tmp_path)).code == "E439"
    (tmp_path / "run.json").write_text("{")
    assert error_of(lambda: open_run(tmp_path)).code == "E439"
    (tmp_path / "run.json").write_text('{"format": 999}')
    error = error_of(lambda: open_run(tmp_path))
    assert error.code == "E447" and "999" in error.message
    assert straight.name in error_of(lambda: open_run(straight.parent)).help


@pytest.mark.parametrize("damage", ["gone", "empty", "truncated", "other network"])
def test_weights_that_cannot_be_used(copied: Path, damage: str) -> None:
    path = copied / "best.safetensors"
    match damage:
        case "gone":
            path.unlink()
        case "empty":
            path.write_bytes(b"")
        case "truncated":
            path.write_bytes(path.read_bytes()[:-10])
        case _:
            train_with_other_spec(copied)
    codes = {"gone": "E442", "empty": "E443", "truncated": "E443", "other network": "E445"}
    assert error_of(lambda: open_run(copied)).code == codes[damage]


def test_a_spec_that_was_changed_after_the_training(copied: Path) -> None:
    spec = copied / "spec.cnn"
    text = spec.read_text()
    spec.write_text(text.replace("epochs", "epochs ", 1))
    calls = (open_run, from_run, export_run, lambda run: resume(run, quiet=True))
    for call in calls:
        assert error_of(lambda: call(copied)).code == "E434"  # noqa: B023
    spec.write_bytes(text.replace("\n", "\r\n").encode())
    open_run(copied)
