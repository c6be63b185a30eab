"""A training from its beginning to its end, and what it refuses. On the real digits."""

import json
from pathlib import Path

import pytest
import torch

from specc.backend.progress import Quiet
from specc.backend.run.checkpoint import load_checkpoint
from specc.backend.run.load import open_run
from specc.backend.run.manifest import read_info
from specc.backend.run.metrics import read_lines
from specc.backend.train.job import train
from specc.check import check
from specc.source import Source
from tests.helpers.small_run import PER_EPOCH, SPEC, begin, error_of, figures, same_weights


def test_leaves_all_its_files(straight: Path) -> None:
    names = {path.name for path in straight.iterdir()}
    assert names == {"spec.cnn", "run.json", "metrics.jsonl", "checkpoints", "best.safetensors", "last.safetensors"}
    assert [path.name for path in sorted((straight / "checkpoints").iterdir())] == [
        "00000022.json",
        "00000022.safetensors",
        "00000044.json",
        "00000044.safetensors",
    ]


def test_metrics_have_a_line_an_epoch(straight: Path) -> None:
    lines = [json.loads(line) for line in (straight / "metrics.jsonl").read_text().splitlines()]
    wanted = {
        "epoch", "step", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "images_per_second", "seconds",
    }  # fmt: skip
    assert all(wanted <= line.keys() for line in lines)
    assert [(line["epoch"], line["step"]) for line in lines] == [(1.0, PER_EPOCH), (2.0, 2 * PER_EPOCH)]


def test_run_json_says_what_it_was(straight: Path) -> None:
    info = read_info(straight)
    assert info["finished"] and info["step"] == 44 and info["steps_per_epoch"] == PER_EPOCH
    assert info["best"]["accuracy"] == max(line["val_accuracy"] for line in read_lines(straight / "metrics.jsonl"))
    assert info["applied"] == [
        (
            "34 of 1,442 training images are left out of each epoch, different ones each time, "
            "so that every batch is full: 22 of 64"
        ),
        "l2(1e-4): 2 kernels, 152 weights; not 2 norm tensors and 1 bias",
        "ema 0.9: 5 weight tensors and 2 running statistics; these averages are evaluated, saved and exported",
    ]
    assert info["device"] == "cpu" and info["precision"] == "fp32" and info["threads"] == 1
    assert info["classes"] == list("0123456789")
    assert info["images"] == {"train": 1442, "validation": 355}
    assert len(info["spec_sha256"]) == len(info["data_sha256"]) == 64
    assert {"specc", "python", "torch", "onnx"} <= info["versions"].keys()
    assert info["started"] <= info["ended"]


def test_the_spec_in_a_run_trains_to_the_same(straight: Path, tmp_path: Path) -> None:
    """Two trainings with one seed give the same weights bit for bit, the second from the first one's spec.cnn."""
    again = begin(out=tmp_path / "again", text=(straight / "spec.cnn").read_text())
    assert same_weights(straight, again.path) and same_weights(straight, again.path, "best.safetensors")
    assert figures(straight) == figures(again.path)


def test_set_and_variant_are_in_the_runs_spec(tmp_path: Path) -> None:
    text = SPEC + "variant wide { train.batch = 128 }\n"
    checked = check(Source("small.cnn", text), variant="wide", sets=["train.epochs=0.5", "train.seed=3"])
    outcome = train(checked, out=tmp_path / "run", quiet=True)
    settings = open_run(outcome.path).spec.train
    assert (settings.batch, settings.epochs, settings.seed) == (128, 0.5, 3)
    assert read_info(outcome.path)["variant"] == "wide"


def test_quiet_says_nothing(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    begin("train.epochs=0.1", out=tmp_path / "run")
    assert capfd.readouterr() == ("", "")
    with Quiet() as quiet:
        quiet.say("nothing")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "cpu:5", ""])
def test_a_device_that_is_not_there_lists_those_that_are(tmp_path: Path, name: str) -> None:
    error = error_of(lambda: begin(out=tmp_path / "run", device=name))
    assert error.code == "E430" and "cpu" in error.help
    assert not (tmp_path / "run").exists()


def test_a_spec_without_data_cannot_be_trained(tmp_path: Path) -> None:
    text = "network Net { input(1, 8x8); global_avg_pool -> dense(10) }"
    assert error_of(lambda: begin(out=tmp_path / "run", text=text)).code == "E437"


def test_a_spec_with_errors_cannot_be_trained(tmp_path: Path) -> None:
    error = error_of(lambda: begin("train.epochs=0", out=tmp_path / "run"))
    assert error.code == "E440" and "epochs" in error.message


@pytest.mark.parametrize(
    ("setting", "code"),
    [
        ("train.precision=fp16", "E431"),
        ("train.loss=cross_entropy(weights=[1, 2])", "E440"),
        ("train.freeze=[boddy]", "E440"),
        ("train.freeze=[conv1, batch_norm1, dense1]", "E440"),
        ("train.accumulate=100", "E444"),
        ("train.optimizer=sgd(lr=1e30)", "E436"),
    ],
)
def test_settings_that_do_not_go(tmp_path: Path, setting: str, code: str) -> None:
    assert error_of(lambda: begin(setting, out=tmp_path / "run", device="cpu")).code == code


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("DefaultCPUAllocator: can't allocate memory: 1 bytes")],
)
def test_too_little_memory_says_what_would_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: RuntimeError
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("specc.backend.engine.trainer.Trainer.step", fail)
    found = error_of(lambda: begin(out=tmp_path / "run"))
    assert found.code == "E448" and "64 images" in found.message and "batch = 32" in found.help


def test_a_diverging_run_keeps_its_last_checkpoint(tmp_path: Path) -> None:
    run = tmp_path / "run"
    schedule = "train.schedule=constant(epochs=1) -> one_cycle(from=1e30, peak=50%)"
    error = error_of(lambda: begin(schedule, "train.ema=none", out=run))
    assert error.code == "E436" and "at step 2" in error.message
    _, tensors, scalars, _ = load_checkpoint(run / "checkpoints")
    assert scalars["step"] == PER_EPOCH
    assert all(value.isfinite().all() for value in tensors.values())
    assert open_run(run).classes == list("0123456789")


DEEP = """
data { source = digits }
network Deep {
  conv(8) -> relu
  conv(8, init=normal(std=1e38)) -> relu
  global_avg_pool -> dense(10, init=he_normal)
}
train { epochs = 1; batch = 64 }
"""


@pytest.mark.parametrize(
    ("text", "sets", "words"),
    [
        (DEEP, (), "at step 1 in the output of `conv2` (small.cnn:5:3), its input up to"),
        (DEEP.replace("1e38", "1e10"), ("train.optimizer=sgd(lr=1e30)",), "at step 1 in the weights `conv1.weight`"),
        (DEEP.replace(", init=normal(std=1e38)", ""), ("train.optimizer=sgd(lr=1e30)",), "at step 2 in the output of"),
    ],
)
def test_the_layer_where_numbers_go_wrong_is_named(
    tmp_path: Path, text: str, sets: tuple[str, ...], words: str
) -> None:
    error = error_of(lambda: begin(*sets, text=text, out=tmp_path / "run", device="cpu"))
    assert error.code == "E436" and words in error.message
