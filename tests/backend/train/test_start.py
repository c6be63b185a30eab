"""A training that begins with trained weights: its run stands by itself, and all that follows knows of them."""

import json
import shutil
from pathlib import Path

import pytest

from specc.backend.onnx.export import export_run
from specc.backend.probe import probe
from specc.backend.train.job import train
from specc.backend.train.prove import prove
from specc.backend.train.resume import resume
from specc.check import check
from specc.source import Source
from tests.helpers.proving import with_forks
from tests.helpers.small_run import error_of

SPEC = """\
data { source = digits }
network Small { conv(4) -> batch_norm -> relu -> global_avg_pool -> dense(10) }
train { epochs = 1; batch = 256; optimizer = adam(lr=1e-2) }
"""
BEGUN = SPEC.replace("train {", '# what was learned before\ntrain { start = weights("first");')


def begin(text: str, out: Path, base: Path, *sets: str) -> Path:
    return train(check(Source("small.cnn", text), sets=sets), out=out, base=base, quiet=True, device="cpu").path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, `first`, and one that began with its weights, `second`."""
    folder = tmp_path_factory.mktemp("begun")
    begin(SPEC, folder / "first", folder)
    begin(BEGUN, folder / "second", folder, "train.freeze=freeze(backbone)")
    return folder


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (BEGUN, "# what was learned before"),
        ('let place = "first"\n' + BEGUN.replace('weights("first")', "weights(place)"), "let place"),
    ],
)
def test_the_spec_of_a_run_trains_again_from_anywhere(place: Path, tmp_path: Path, text: str, kept: str) -> None:
    """Its path is absolute, the rest stays as it was written, and a resumed run takes it for the same."""
    run = begin(text, tmp_path / "run", place)
    spec = (run / "spec.cnn").read_text()
    assert f'weights("{place / "first"}")' in spec and kept in spec
    again = begin(spec, tmp_path / "again", tmp_path)
    assert (again / "last.safetensors").read_bytes() == (run / "last.safetensors").read_bytes()
    assert resume(run, spec=check(Source("small.cnn", text)), base=place, quiet=True).status == 0


def test_certificate_and_card_say_where_it_started(place: Path) -> None:
    start = json.loads((place / "second" / "run.json").read_text())["start"]
    export_run(place / "second", device="cpu")
    certificate = json.loads((place / "second" / "certificate.json").read_text())
    assert certificate["start"] == {"from": start["from"], "sha256": start["sha256"]}
    assert certificate["frozen"] == 36 + 8
    card = (place / "second" / "card.md").read_text()
    assert f"Training started from `{start['from']}`, SHA-256 `{start['sha256']}`." in card
    assert "44 parameters never learned" in card


def test_what_is_frozen_until_the_end_never_learned(place: Path, tmp_path: Path) -> None:
    for until, frozen in (("0.5", 0), ("1", 44)):
        run = begin(BEGUN, tmp_path / until, place, f"train.freeze=freeze(backbone, until={until})")
        assert json.loads((run / "run.json").read_text())["frozen"] == frozen


def test_a_run_is_not_gone_on_with_when_freeze_is_another(place: Path) -> None:
    other = check(Source("small.cnn", BEGUN), sets=["train.freeze=freeze(backbone, until=1)"])
    error = error_of(lambda: resume(place / "second", spec=other, base=place, quiet=True))
    assert error.code == "E488" and "train.freeze" in str(error.message)


def test_probe_measures_with_these_weights(place: Path) -> None:
    begun, drawn = (probe(check(Source("small.cnn", text)), device="cpu", base=place) for text in (BEGUN, SPEC))
    assert begun.start.startswith("starts from ") and begun.start.endswith("first: 7 of 7 tensors loaded")
    assert not drawn.start and begun.loss != drawn.loss


def test_the_proof_of_resuming_passes_the_boundary(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """5 steps an epoch: the process is killed after the fourth, in the third epoch of one step."""
    with_forks(monkeypatch)
    sets = ["train.batch=1024", "train.epochs=4", "train.freeze=freeze(backbone, until=2)", "train.ema=0.9"]
    proof = prove(check(Source("small.cnn", BEGUN), sets=sets), device="cpu", data_dir=None, base=place)
    assert proof.holds and (proof.steps, proof.saved, proof.killed) == (4, 1, 3)


def test_a_study_does_not_take_its_runs_for_those_of_other_weights(place: Path, tmp_path: Path, specc: object) -> None:
    assert callable(specc)
    spec, weights = tmp_path / "net.cnn", tmp_path / "w.safetensors"
    spec.write_text(BEGUN.replace('"first"', '"w.safetensors"'))
    arguments = ("study", str(spec), "--device", "cpu", "--seeds", "1", "--subset", "130", "--out", str(tmp_path / "s"))
    counts = []
    for source in ("first", "first", "second"):
        shutil.copy(place / source / "last.safetensors", weights)
        assert specc(*arguments).status == 0
        counts.append(len(list((tmp_path / "s" / "runs").iterdir())))
    assert counts == [1, 1, 2]
    run = next((tmp_path / "s" / "runs").iterdir())
    assert f'weights("{weights}")' in (run / "spec.cnn").read_text()
