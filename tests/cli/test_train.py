"""`specc train` and `specc eval` as a user meets them, on a small network and the real digits."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import Tensor

from specc.backend.engine.trainer import Trainer
from specc.backend.tasks.bound import Records
from tests.helpers.proving import with_forks

SPEC = """
data { source = digits }
network Small(width=8) {
  conv(width) -> batch_norm -> relu
  global_avg_pool -> dense(10)  # allow W512
}
train { epochs = 1; batch = 64; optimizer = adam(lr=1e-2) }
variant wide { network.width = 12 }
"""

Specc = Callable[..., Any]


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A spec in an empty working directory."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "small.cnn"
    path.write_text(SPEC)
    return Path("small.cnn")


def test_shards_that_only_a_comment_names_are_one_for_each_process(specc: Specc, spec: Path) -> None:
    spec.write_text(SPEC + "# shards = 8\n")
    plan = ["train", spec, "--device", "cpu", "--devices", "2", "--plan"]
    words = (
        "train.shards = 2, one for each process, since the spec does not set it: each batch is cut into 2 shards of 32"
    )
    answer = specc(*plan)
    assert answer.status == 0 and words in answer.err, answer.err
    assert re.search(r"^devices +2 +each computes 1 shard of 32 images", answer.out, re.MULTILINE), answer.out
    assert words not in specc(*plan, "--quiet").err
    answer = specc(*plan, "--set", "train.shards=4")
    assert answer.status == 0 and "train.shards" not in answer.err and "computes 2 shards of 16" in answer.out


def test_a_job_that_has_finished_its_run_says_so(specc: Specc, spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "net-7")
    for number in (1, 2):
        answer = specc("train", spec, "--device", "cpu", "--quiet")
        assert answer.status == 0, answer.err
        assert ("runs/Small-1 is finished, and this job (net-7) started it" in answer.err) == (number == 2)
    assert not Path("runs/Small-2").exists()


def test_a_folder_that_holds_a_run_is_refused_before_the_data_are_read(specc: Specc, spec: Path) -> None:
    Path("taken").mkdir()
    Path("taken/run.json").write_text("{}")
    spec.write_text(SPEC.replace("digits", 'folder("missing"); resize = 8x8; channels = gray'))
    answer = specc("train", spec, "--device", "cpu", "--out", "taken")
    assert answer.status == 2 and "error[E435]" in answer.err, answer.err


def test_trains_exports_and_verifies(specc: Specc, spec: Path) -> None:
    answer = specc("train", spec, "--device", "cpu")
    assert answer.status == 0, answer.err
    epoch, best = answer.out.splitlines()[:2]  # for whatever reads it; a terminal shows both in one place
    assert epoch.startswith("epoch 1/1  loss ") and "epoch 1/1" not in answer.err
    assert re.match(r"best validation accuracy \d+\.\d\d% \(95% interval \d+\.\d\d% to ", best)
    assert "runs/Small-1/model.onnx" in answer.out
    assert (Path("runs/Small-1") / "certificate.json").is_file()
    assert answer.out.count("epoch 1/1") == 1
    assert "\r" not in answer.err and "\x1b" not in answer.err

    measured = specc("eval", "runs/Small-1")
    assert measured.status == 0, measured.err
    assert re.search(r"^class +precision +recall +F1 +images$", measured.out, re.MULTILINE)
    assert "classified as" in measured.out

    resumed = specc("train", "--resume", "runs/Small-1", "--quiet")
    assert resumed.status == 0 and resumed.err == ""


def test_the_spec_of_a_run_trains_by_itself(specc: Specc, spec: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (40, 8, 8), dtype=np.uint8)
    Path("data").mkdir()
    np.savez("data/some.npz", x_train=pixels, y_train=np.arange(40) % 10)
    net = SPEC.replace("digits", 'npz("some.npz")').replace("  conv(", "  input(1, 8x8)\n  conv(")
    Path("data/net.cnn").write_text(net)
    first = specc("train", "data/net.cnn", "-q", "--out", "runs/first", "--variant", "wide")
    assert first.status == 0, first.err
    again = specc("train", "runs/first/spec.cnn", "-q", "--out", "runs/again")
    assert again.status == 0, again.err
    assert Path("runs/first/last.safetensors").read_bytes() == Path("runs/again/last.safetensors").read_bytes()
    (Path("runs/first") / "run.json").unlink()
    assert specc("train", "runs/first/spec.cnn", "-q", "--out", "runs/third").status == 2


def test_json_for_programs(specc: Specc, spec: Path) -> None:
    answer = specc("train", spec, "--json", "-q", "--out", "there", "--variant", "wide", "--seed", "7")
    assert answer.status == 0, answer.err
    found = json.loads(answer.out)
    assert found["format"] == 1 and found["finished"] and found["run"] == "there"
    lines = [json.loads(line) for line in Path("there/metrics.jsonl").read_text().splitlines()]
    assert found["best"]["accuracy"] == max(line["val_accuracy"] for line in lines)
    assert answer.err == ""
    text = Path("there/spec.cnn").read_text()
    assert "width=12" in text and "seed      = 7" in text

    measured = json.loads(specc("eval", "there", "--json").out)
    assert measured["format"] == 1 and measured["images"] == 355
    assert measured["accuracy"] == pytest.approx(found["best"]["accuracy"])
    assert sum(score["support"] for score in measured["classes"]) == 355
    assert [score["name"] for score in measured["classes"]] == list("0123456789")
    assert {"truth", "answer", "images"} == measured["confusions"][0].keys()


def test_set_changes_a_setting(specc: Specc, spec: Path) -> None:
    specc("train", spec, "--set", "train.epochs=0.2", "--set", "train.optimizer=sgd(lr=0.1)", "--out", "a", "-q")
    lines = Path("a/metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [4]
    assert "sgd" in Path("a/spec.cnn").read_text()


def test_prove_resume(specc: Specc, spec: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    arguments = (
        "train",
        spec,
        "--prove-resume",
        "--device",
        "cpu",
        "--set",
        "train.ema=0.9",
        "--set",
        "train.shards=4",
    )
    answer = specc(*arguments)
    assert answer.status == 0, answer.err
    assert "saved after step 3, killed (SIGKILL) after step 5" in answer.out
    assert answer.out.count("the same, SHA-256") == 6 and answer.out.endswith("identical, bit for bit\n")
    assert not list(tmp_path.glob("specc*"))

    def nothing_so_far(trainer: Trainer, table: Tensor, most: int | None = None) -> tuple[float, Records]:
        return 0.0, np.zeros((1, trainer.loader.task.columns))

    monkeypatch.setattr(Trainer, "_so_far", nothing_so_far)
    with_forks(monkeypatch, undone=True)
    answer = specc(*arguments, "--json")
    found = json.loads(answer.out)
    assert answer.status == 1 and not found["holds"]
    assert [part["what"] for part in found["parts"] if not part["same"]] == ["1 line of metrics.jsonl"]


@pytest.fixture
def begun(specc: Specc, spec: Path) -> Path:
    """A run of one epoch, adam."""
    assert specc("train", spec, "--out", "run", "-q", "--device", "cpu").status == 0
    return Path("run")


def test_a_changed_spec_goes_on_as_far_as_it_is_safe(specc: Specc, spec: Path, begun: Path) -> None:
    answer = specc("train", spec, "--resume", "run", "--set", "train.epochs=2", "--set", "train.target=99.9%")
    assert answer.status == 0, answer.err
    assert "safe: train.epochs: 1.0 -> 2.0\nsafe: train.target: none -> 99.9%\n" in answer.err
    straight = specc("train", spec, "--set", "train.epochs=2", "--out", "straight", "-q", "--device", "cpu")
    assert straight.status == 0
    assert Path("straight/last.safetensors").read_bytes() == Path("run/last.safetensors").read_bytes()
    assert "epochs    = 2" in Path("run/spec.cnn").read_text()
    (resumed,) = json.loads(Path("run/run.json").read_text())["resumed"]
    assert resumed["exact"] and len(resumed["changed"]) == 2


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("train.optimizer=adam(lr=1e-3)", "train.optimizer.lr: 0.01 -> 0.001"),
        ("train.batch=32", "train.batch: 64 -> 32"),
        ("train.schedule=cosine", "train.schedule"),
    ],
)
def test_what_changes_the_trajectory_needs_a_word(
    specc: Specc, spec: Path, begun: Path, setting: str, words: str
) -> None:
    arguments = ("train", spec, "--resume", "run", "--set", "train.epochs=2", "--set", setting)
    before = Path("run/spec.cnn").read_text()
    answer = specc(*arguments)
    assert answer.status == 1 and "error[E486]" in answer.err and f"changes the trajectory: {words}" in answer.err
    assert Path("run/spec.cnn").read_text() == before
    answer = specc(*arguments, "--resume-inexact")
    assert answer.status == 0, answer.err
    lines = [json.loads(line) for line in Path("run/metrics.jsonl").read_text().splitlines()]
    per_epoch = 45 if "batch" in setting else 22
    assert [(line["epoch"], line["step"]) for line in lines] == [(1.0, per_epoch), (2.0, 2 * per_epoch)]
    assert specc("train", "--resume", "run", "-q").status == 0


def test_a_kill_after_steps_are_counted_otherwise_loses_nothing(
    specc: Specc, spec: Path, begun: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches twice as large: an epoch is 11 steps instead of 22, and the checkpoint is now one of step 11."""

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("specc.backend.engine.trainer.Trainer.run", killed)
        changes = ("--set", "train.epochs=2", "--set", "train.batch=128", "--resume-inexact")
        assert specc("train", spec, "--resume", "run", "-q", *changes).status == 130
    assert sorted(path.name for path in Path("run/checkpoints").iterdir()) == ["00000011.json", "00000011.safetensors"]
    assert specc("train", "--resume", "run", "-q").status == 0
    lines = [json.loads(line) for line in Path("run/metrics.jsonl").read_text().splitlines()]
    assert [(line["epoch"], line["step"]) for line in lines] == [(1.0, 11), (2.0, 22)]


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("network.width=12", "incompatible: layer conv1 (conv) changed"),
        ("train.optimizer=sgd(lr=0.1)", "incompatible: train.optimizer"),
        ("train.ema=0.9", "incompatible: train.ema"),
    ],
)
def test_what_does_not_fit_is_refused(specc: Specc, spec: Path, begun: Path, setting: str, words: str) -> None:
    answer = specc("train", spec, "--resume", "run", "--set", setting, "--resume-inexact")
    assert answer.status == 1 and "error[E488]" in answer.err and words in answer.err
    assert "--start-from run" in answer.err


def test_start_from_takes_what_fits(specc: Specc, spec: Path, begun: Path) -> None:
    spec.write_text(SPEC.replace("global_avg_pool", "conv(width) -> relu; global_avg_pool"))
    answer = specc("train", spec, "--start-from", "run", "--out", "next")
    assert answer.status == 0, answer.err
    assert "run: 7 of 9 tensors loaded, 2 new (conv2.weight, conv2.bias)\n" in answer.err
    info = json.loads(Path("next/run.json").read_text())
    assert any("7 of 9 tensors loaded" in note for note in info["applied"])
    assert info["start"]["tensors"] == {"loaded": 7, "new": 2, "ignored": 1}


def test_start_from_what_fits_nowhere(specc: Specc, spec: Path, begun: Path) -> None:
    spec.write_text("data { source = digits }\nnetwork Other { flatten -> dense(9) -> dense(10) }\n")
    answer = specc("train", spec, "--start-from", "run")
    assert answer.status == 1 and "error[E489]" in answer.err and not Path("runs").exists()


def test_fit_finds_the_batch_and_writes_it(specc: Specc, spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specc.backend.memory.free_memory", lambda: 200_000)
    answer = specc("train", spec, "--fit", "--out", "run", "--device", "cpu")
    assert answer.status == 0, answer.err
    assert "and train.accumulate = 4 instead of 64\n" in answer.err
    assert "batch      = 16" in Path("run/spec.cnn").read_text()


def test_errors_in_the_spec_are_shown_and_nothing_is_written(specc: Specc, spec: Path) -> None:
    answer = specc("train", spec, "--set", "train.epoch=3")
    assert answer.status == 1
    assert "epochs" in answer.err
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "a spec or a run is needed"),
        (("small.cnn", "--resume", "run", "--out", "there"), "--out cannot be combined"),
        (("small.cnn", "--resume", "run"), "run does not exist"),
        (("--resume", "run", "--seed", "1"), "--seed cannot be combined with --resume"),
        (("--resume", "run", "--set", "train.epochs=1"), "--set cannot be combined"),
        (("--resume", "nowhere"), "does not exist"),
        (("--resume", "small.cnn"), "is a file"),
        (("nothing.cnn",), "not found"),
        (("small.cnn", "--device", "gpu"), "device `gpu` is not available"),
        (("small.cnn", "--out", "small.cnn"), "cannot be written"),
    ],
)
def test_wrong_calls(specc: Specc, spec: Path, arguments: tuple[str, ...], words: str) -> None:
    answer = specc("train", *arguments)
    assert answer.status == 2
    assert words in answer.err and answer.out == ""
    assert not Path("runs").exists()


def test_eval_of_what_is_no_run(specc: Specc, spec: Path) -> None:
    answer = specc("eval", "nowhere")
    assert answer.status == 2
    assert "error[E439]" in answer.err


VIEWS = """
data { source = digits }
network Small {
  conv(8, 2x2, init=whiten) -> batch_norm -> relu -> conv(4) -> relu
  flatten -> dense(10)
}
train {
  epochs = 1
  groups = group(norms.bias, lr=0.05)
}
variant views {
  train.groups   = [group(conv2, optimizer=muon(lr=0.02)), group(norms.bias, scale=2, until=50%)]
  train.freeze   = [conv1.weight]
  train.evaluate = tta(flip, shift=1)
}
"""


def test_views_and_groups_are_told_apart_from_what_is_exported(specc: Specc, spec: Path) -> None:
    spec.write_text(VIEWS)
    answer = specc("train", spec, "--variant", "views", "--out", "run", "--device", "cpu")
    assert answer.status == 0, answer.err
    assert "group(conv2): 1 kernel, 288 weights: muon, lr 0.02\n" in answer.err
    assert "group(norms.bias): 1 norm tensors" not in answer.err
    assert "group(norms.bias): 1 norm tensor, 8 weights: adam, lr 0.002, until 50%\n" in answer.err
    assert " with tta(flip, shift=1), after epoch 1\nwith a single view" in answer.out
    info = json.loads(Path("run/run.json").read_text())
    assert info["applied"][1:3] == [
        "whiten: conv1, from 1,442 training images",
        "frozen by conv1.weight: 1 kernel, 32 weights",
    ]
    (line,) = (json.loads(text) for text in Path("run/metrics.jsonl").read_text().splitlines())
    certificate = json.loads(Path("run/certificate.json").read_text())
    assert line["val_accuracy_one_view"] == pytest.approx(certificate["accuracy"])

    measured = specc("eval", "run", "--device", "cpu")
    assert f"with a single view, as in the exported file: {certificate['accuracy']:.2%}" in measured.out
    found = json.loads(specc("eval", "run", "--json", "--device", "cpu").out)
    assert found["accuracy"] == pytest.approx(line["val_accuracy"])
    assert found["accuracy_one_view"] == pytest.approx(certificate["accuracy"])
    assert specc("train", "--resume", "run", "--quiet").status == 0
