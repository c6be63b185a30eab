"""What a message offers where something was nearly right, and what from files reaches the terminal."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from specc.backend.run.lock import Lock
from specc.backend.run.weights import open_weights
from specc.errors import SpeccError
from tests.helpers.torch_files import saved

SPEC = """\
data { source = digits }
network Small(width=4) {
  conv(width, bias=true) -> batch_norm -> relu
  flatten -> dense(10)
}
train { epochs = 0.1; batch = 64 }
variant wide { network.width = 6 }
"""
Specc = Callable[..., Any]


@pytest.fixture(autouse=True)
def _spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.cnn").write_text(SPEC)


@pytest.mark.parametrize(
    ("text", "code", "help"),
    [
        ("data { source = digits; validation = 20% }", "E207", "did you mean split(20%)?"),
        ("data { source = digits; validation = 500 }", "E207", "did you mean split(500)?"),
        ("data { source = digits }\ntrain { start = runs }", "E202", "available: pretrained, weights, none"),
        (
            "data { source = digits }\nsearch { train.optimizer = adam(lr=log_uniform(1e-4, 1e-1)) }",
            "E202",
            "search the argument: train.optimizer.lr = log_uniform(1e-4, 1e-1)",
        ),
        (
            "data { source = digits }\nsearch { train.optimizer = sgd(choice(0.1, 0.2)) }",
            "E202",
            "search the argument: train.optimizer.lr = choice(0.1, 0.2)",
        ),
    ],
)
def test_in_a_spec(specc: Specc, text: str, code: str, help: str) -> None:
    Path("net.cnn").write_text(text + "\nnetwork N { flatten -> dense(10) }\n")
    answer = specc("check", "net.cnn")
    assert answer.status == 1 and f"error[{code}]" in answer.err
    assert f"= help: {help}\n" in answer.err


@pytest.mark.parametrize(
    ("setting", "example"),
    [
        ("train { start = weights(3) }", "runs/Digits-1"),
        ("train { start = pretrained(3) }", "timm/resnet50.a1_in1k"),
        ("data { source = csv(3, label=a) }", "data/birds.csv"),
        ('data { source = masks("a", 3) }', "cells/masks"),
    ],
)
def test_the_example_of_a_text_fits_its_parameter(specc: Specc, setting: str, example: str) -> None:
    Path("net.cnn").write_text("network N { input(1, 8x8); flatten -> dense(10) }\n" + setting)
    assert f'must be a quoted string, such as "{example}", found 3' in specc("check", "net.cnn").err


@pytest.mark.parametrize(
    ("arguments", "help"),
    [
        (("train", "net.cnn", "--epochs", "3"), "did you mean --set train.epochs=3?"),
        (("train", "net.cnn", "--batch=64"), "did you mean --set train.batch=64?"),
        (("train", "net.cnn", "--early-stop", "5"), "did you mean --set train.early_stop=5?"),
        (("probe", "net.cnn", "--resize", "32x32"), "did you mean --set data.resize=32x32?"),
        (("train", "net.cnn", "--epochs"), "did you mean --set train.epochs=…?"),
        (("check", "net.cnn", "--epochs", "3"), "run `specc check --help` to list the options"),
    ],
)
def test_on_the_command_line(specc: Specc, arguments: tuple[str, ...], help: str) -> None:
    answer = specc(*arguments)
    assert answer.status == 2 and "error[E483]" in answer.err and f"help: {help}\n" in answer.err


def test_a_single_number_is_no_answer_for_any_source(specc: Specc) -> None:
    network = "network N { input(3, 8x8); flatten -> dense(1) -> sigmoid }\n"
    Path("net.cnn").write_text('data { source = folder("flowers") }\n' + network)
    answer = specc("check", "net.cnn")
    assert answer.status == 1 and "error[E306]" in answer.err and "end with dense(2) -> softmax" in answer.err


def test_training_shows_lints_once(specc: Specc) -> None:
    for more in ((), ("--fit",), ("--variant", "wide")):
        answer = specc("train", "net.cnn", "--device", "cpu", "-q", *more)
        assert answer.status == 0 and answer.err.count("warning[W504]") == 1
    Path("net.cnn").write_text(SPEC.replace("-> relu", "-> relu  # allow W504"))
    assert "warning" not in specc("train", "net.cnn", "--device", "cpu", "-q").err


def test_an_image_before_the_run(specc: Specc) -> None:
    Path("run").mkdir()
    Image.new("L", (8, 8)).save("cat.jpg")
    answer = specc("predict", "cat.jpg", "run")
    assert answer.status == 2 and "error[E483]" in answer.err and "help: specc predict run cat.jpg\n" in answer.err


def test_what_is_given_as_weights() -> None:
    saved(Path("new.pth"), {"a": torch.zeros(2)})
    saved(Path("old.pth"), {"a": torch.zeros(2)}, old=True)
    Path("plain.pkl").write_bytes(b"\x80\x04}\x94\x8c\x01a\x94K\x01s.")
    Path("keras.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    np.save("array.npy", np.zeros(3))
    Path("model.onnx").write_bytes(b"\x08\x0a" + bytes(100))
    Path("broken.safetensors").write_bytes(b"\xff" * 100)
    said = {}
    for path in sorted(Path().glob("*.*")):
        if path.suffix != ".cnn":
            with pytest.raises(SpeccError) as caught, open_weights(path):
                pass
            assert caught.value.code == "E443"
            said[path.name] = caught.value.message
            convert = f"specc import {path} --as ZOO --out {path.stem}.safetensors"
            assert (convert in caught.value.help) == (path.suffix in (".pth", ".pkl"))
    assert all("pickle" in said[name] for name in ("new.pth", "old.pth", "plain.pkl"))
    assert "HDF5" in said["keras.h5"] and "NumPy" in said["array.npy"] and "an ONNX model" in said["model.onnx"]
    assert said["broken.safetensors"].endswith("is damaged")


def test_a_run_in_use_advises_what_the_command_takes(specc: Specc) -> None:
    assert specc("train", "net.cnn", "--device", "cpu", "-q", "--out", "run").status == 0
    lock = Lock(Path("run"))
    try:
        resumed, begun = specc("train", "--resume", "run"), specc("train", "net.cnn", "--out", "run")
    finally:
        lock.release()
    assert "error[E485]" in resumed.err and "--out" not in resumed.err
    assert "error[E485]" in begun.err and "--out" in begun.err


def test_nothing_from_a_run_moves_the_cursor(specc: Specc) -> None:
    assert specc("train", "net.cnn", "--device", "cpu", "-q", "--out", "run").status == 0
    path = Path("run/run.json")
    info = json.loads(path.read_text())
    bad = "\x1b[2J\x1b]0;owned\x07"

    def spoiled(value: Any) -> Any:
        """Every text of it with control characters, but for those that are held against something."""
        if isinstance(value, dict):
            return {name: spoiled(one) if name not in KEPT else one for name, one in value.items()}
        if isinstance(value, list):
            return [spoiled(one) for one in value]
        return value + bad if isinstance(value, str) else value

    path.write_text(json.dumps(spoiled(info)))
    Image.new("L", (8, 8)).save("cat.png")
    answers = [
        specc(*line.split())
        for line in (
            "eval run",
            "predict run cat.png",
            "train --resume run",
            "train --resume run --resume-inexact",
            "export run",
            "diff run net.cnn",
            "train net.cnn --start-from run",
        )
    ]
    for answer in answers:
        assert "defect" not in answer.err
        assert "\x1b" not in answer.out + answer.err and "\x07" not in answer.out + answer.err
    assert any("\\x1b" in answer.out + answer.err for answer in answers)


KEPT = ("task", "spec_sha256", "data_sha256", "format", "base", "data_dir", "device", "started", "ended")
