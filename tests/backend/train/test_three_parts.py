"""Train, validation, test: what chooses does not measure, and what measures is looked at once."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from specc.backend.evaluation.intervals import wilson
from specc.backend.evaluation.of_run import evaluate_run
from specc.backend.onnx.export import export_run
from specc.backend.run.load import open_run
from specc.backend.run.looks import read_looks
from specc.backend.train.job import Outcome, train
from specc.backend.train.prove import prove
from specc.backend.train.resume import resume
from specc.check import Checked, check
from specc.errors import SpeccError
from specc.source import Source
from tests.helpers.proving import with_forks
from tests.helpers.tiny_data import levels

SPEC = """
data { source = npz("a.npz") }
network N { input(1, 5x5); conv(4) -> relu; global_avg_pool -> dense(3) }
train { epochs = 2; batch = 20; optimizer = adam(lr=1e-2) }
"""


def write(folder: Path, **changed: Any) -> None:
    """60 images to train on, 24 to validate on and 30 to test on, of three classes. None takes an array away."""
    labels = np.arange(60) % 3
    arrays: dict[str, Any] = {"x_train": levels(60, 5, 5), "y_train": labels, "classes": ["a", "b", "c"]}
    arrays |= {"x_val": levels(24, 5, 5, seed=1), "y_val": labels[:24]}
    arrays |= {"x_test": levels(30, 5, 5, seed=2), "y_test": labels[:30]}
    np.savez(folder / "a.npz", **{name: value for name, value in (arrays | changed).items() if value is not None})


@pytest.fixture
def here(tmp_path: Path) -> Path:
    write(tmp_path)
    return tmp_path


def spec(*sets: str) -> Checked:
    return check(Source("n.cnn", SPEC), sets=sets)


def begin(here: Path, *sets: str, name: str = "run", **options: Any) -> Outcome:
    return train(spec(*sets), out=here / name, base=here, device="cpu", quiet=True, **options)


def info_of(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "run.json").read_text())
    return found


def test_a_training_ends_with_the_figures_of_the_test_part(here: Path) -> None:
    outcome = begin(here)
    (look,) = read_looks(outcome.path)
    info = info_of(outcome.path)
    assert info["figures"]["test"] == look == outcome.figures["test"]
    assert (look["by"], look["measured_on"], look["images"]) == ("specc train", "the test part, 30 images", 30)
    assert info["validated_on"] == "the validation part, 24 images" and info["validation_part"] == "validation"
    assert "the test part, 30 images: measured once, after the training" in info["applied"]
    accuracy = look["figures"]["accuracy"]
    assert (accuracy["low"], accuracy["high"]) == wilson(round(30 * accuracy["value"]), 30)
    validation = info["figures"]["validation"]
    assert validation["epochs"] == 2 and "the best of 2 epochs, chosen on these images" in validation["optimistic"]
    assert validation["figures"]["accuracy"]["value"] == info["best"]["accuracy"]

    run = open_run(outcome.path)
    again = evaluate_run(run, device="cpu", part="test")
    assert again.figures.as_dict() == look["figures"] and again.optimistic == "" and again.looks == 2
    assert [one["by"] for one in read_looks(outcome.path)] == ["specc train", "specc eval"]
    assert read_looks(outcome.path)[1]["weights_sha256"] == look["weights_sha256"]
    assert evaluate_run(run, device="cpu").optimistic == validation["optimistic"]
    assert evaluate_run(run, device="cpu", part="train").figures.images == 60
    assert len(read_looks(outcome.path)) == 2


@pytest.mark.parametrize(
    ("validation", "part", "images", "train_images", "looks"),
    [
        ("auto", "validation", 24, 60, 1),
        ("given", "validation", 24, 60, 1),
        ("split(25%)", "train", 15, 45, 1),
        ("test", "test", 30, 60, 0),
        ("fold(2, of=5)", "train", 12, 48, 0),
    ],
)
def test_what_chooses_and_what_measures(
    here: Path, validation: str, part: str, images: int, train_images: int, looks: int
) -> None:
    outcome = begin(here, f"data.validation={validation}")
    info = info_of(outcome.path)
    assert info["validation_part"] == part and info["images"] == {"train": train_images, "validation": images}
    assert len(read_looks(outcome.path)) == looks and ("test" in info["figures"]) == (looks == 1)
    unused = [note for note in info["applied"] if note.startswith("not used")]
    named = {"split(25%)": "validation part, 24", "test": "validation part, 24", "fold(2, of=5)": "validation part, 24"}
    assert [note for note in unused if "validation part" in note] == (
        [f"not used: the {named[validation]} images"] if validation in named else []
    )
    assert ("not used: the test part, 30 images" in unused) == (validation == "fold(2, of=5)")


def test_without_a_validation_part_the_test_part_chooses_and_it_is_said(here: Path) -> None:
    write(here, x_val=None, y_val=None)
    outcome = begin(here)
    info = info_of(outcome.path)
    why = "the best of 2 epochs, chosen on the test part itself, so optimistic: no other images measure it"
    assert info["validation_part"] == "test" and info["figures"]["validation"]["optimistic"] == why
    run = open_run(outcome.path)
    assert evaluate_run(run, device="cpu").optimistic == why
    measured = evaluate_run(run, device="cpu", part="test")
    assert measured.optimistic == why and measured.looks == 1
    (made,) = export_run(outcome.path, device="cpu")
    assert made.certificate.as_dict()["optimistic"] == why and why in (outcome.path / "card.md").read_text()
    assert made.certificate.test is None


def test_card_and_certificate_have_the_test_figures_of_these_weights(here: Path) -> None:
    outcome = begin(here)
    export_run(outcome.path, device="cpu")
    found = json.loads((outcome.path / "certificate.json").read_text())
    figure = outcome.figures["test"]["figures"]["accuracy"]
    assert found["test"]["figures"]["accuracy"] == figure and found["best_of_epochs"] == 2
    assert tuple(found["accuracy_interval"]) == wilson(found["correct"], 24)
    card = (outcome.path / "card.md").read_text()
    assert f"which chose nothing: accuracy {figure['value']:.2%} ({figure['low']:.2%} to {figure['high']:.2%})" in card
    assert "The run has looked at that part once." in card
    info = info_of(outcome.path)
    info["figures"]["test"]["weights_sha256"] = "0" * 64
    (outcome.path / "run.json").write_text(json.dumps(info))
    assert export_run(outcome.path, device="cpu")[0].certificate.test is None
    assert "which chose nothing" not in (outcome.path / "card.md").read_text()


def test_a_finished_run_that_is_resumed_does_not_look_again(here: Path) -> None:
    outcome = begin(here)
    assert resume(outcome.path, quiet=True).figures["test"] == outcome.figures["test"]
    assert len(read_looks(outcome.path)) == 1
    longer = resume(outcome.path, quiet=True, spec=spec("train.epochs=6"), base=here, inexact=True)
    looks = read_looks(outcome.path)
    changed = looks[-1]["weights_sha256"] != looks[0]["weights_sha256"]
    assert longer.figures["test"] == looks[-1] and len(looks) == 1 + changed


def test_what_does_not_end_does_not_look(here: Path) -> None:
    stopped = begin(here, until=lambda per_epoch, total: per_epoch)
    assert not read_looks(stopped.path) and "test" not in info_of(stopped.path)["figures"]
    assert resume(stopped.path, quiet=True).figures["test"] and len(read_looks(stopped.path)) == 1


def test_a_proof_does_not_look(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specc.backend.train.job.look_at_test", None)
    with_forks(monkeypatch)
    assert prove(spec(), device="cpu", data_dir=None, base=here).holds


def test_another_test_part_is_refused(here: Path) -> None:
    outcome = begin(here)
    write(here, x_test=levels(30, 5, 5, seed=9))
    for use in (
        lambda: evaluate_run(open_run(outcome.path), device="cpu", part="test"),
        lambda: resume(outcome.path, quiet=True),
    ):
        with pytest.raises(SpeccError, match=r"this is not the test part that .* was begun with") as caught:
            use()
        assert caught.value.code == "E441"
    assert evaluate_run(open_run(outcome.path), device="cpu").figures.images == 24
    assert len(read_looks(outcome.path)) == 1


def test_a_test_part_that_nothing_can_measure_stops_no_training(here: Path) -> None:
    write(here, y_train=np.arange(60) % 2, y_val=np.arange(24) % 2)
    outcome = begin(here)
    assert outcome.refusal is None and not read_looks(outcome.path)
    notes = info_of(outcome.path)["applied"]
    assert "not used: the test part, 30 images; there is no image to train on in c" in notes
    with pytest.raises(SpeccError, match="`npz` has no labeled test part") as caught:
        evaluate_run(open_run(outcome.path), device="cpu", part="test")
    assert caught.value.code == "E408"


def test_pictures_of_the_test_part_that_are_trained_on_are_named(here: Path) -> None:
    images = levels(30, 5, 5, seed=2)
    images[:2], images[2] = levels(60, 5, 5)[:2], levels(24, 5, 5, seed=1)[2]
    write(here, x_test=images)
    notes = info_of(begin(here).path)["applied"]
    assert any(note.startswith("2 of 30 test images are training images, too: ") for note in notes)
    assert any(note.startswith("1 of 30 test images are validation images, too: ") for note in notes)


def test_a_look_that_cannot_be_recorded_gives_no_figures(here: Path) -> None:
    (here / "run").mkdir()
    (here / "run" / "looks.jsonl").mkdir()
    outcome = begin(here)
    assert outcome.refusal is not None and outcome.refusal.code == "E481" and "test" not in outcome.figures
    assert (outcome.path / "best.safetensors").exists()
