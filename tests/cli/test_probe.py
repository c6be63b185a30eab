"""`specc probe` as a user meets it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SPEC = """\
data { source = digits }
network Small(act=relu) {
  conv(4) -> batch_norm -> act
  conv(4) -> act
  flatten -> dense(10) -> softmax
}
train { batch = 32 }
variant bent { network.act = sigmoid }
variant dead { network.act = relu; data.normalize = unit }
"""

Specc = Callable[..., Any]


@pytest.fixture(autouse=True)
def _spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.cnn").write_text(SPEC)


def test_the_table(specc: Specc) -> None:
    answer = specc("probe", "net.cnn", "--device", "cpu")
    assert (answer.status, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert lines[0].split() == [
        "layer", "op", "mean", "deviation", "varies", "dead", "saturated", "gradient", "predicted",
    ]  # fmt: skip
    assert [line.split()[0] for line in lines[2:10]] == [
        "images", "conv1", "batch_norm1", "relu1", "conv2", "relu2", "flatten1", "dense1",
    ]  # fmt: skip
    assert "Small: 32 images from digits, seed 0" in answer.out
    assert lines[-1].startswith("verdict: fine: gradients reach the first layer")


def test_json(specc: Specc) -> None:
    answer = specc("probe", "net.cnn", "--device", "cpu", "--json", "--variant", "bent", "--seed", "3")
    assert (answer.status, answer.err) == (0, "")
    shown = json.loads(answer.out)
    assert (shown["format"], shown["variant"], shown["seed"], shown["batch"]) == (1, "bent", 3, 32)
    assert isinstance(shown["verdict"], str) and isinstance(shown["learns"], bool)
    layers = {layer["name"]: layer for layer in shown["layers"]}
    keys = {"name", "activation_mean", "activation_std", "dead", "gradient_norm"}
    assert all(keys <= set(layer) for layer in layers.values())
    first, last = layers["conv1"], layers["dense1"]
    assert shown["end_scale"] < 1  # `auto` lets the last kernel start small
    assert shown["gradient_ratio"] == first["gradient_rms"] / last["gradient_rms"] / shown["end_scale"]
    assert first["gradient_norm"] == pytest.approx(first["gradient_rms"] * 36**0.5)
    assert layers["sigmoid1"]["gradient_norm"] is None and layers["sigmoid1"]["saturated"] is not None
    assert abs(layers["batch_norm1"]["activation_mean"]) < 1e-5
    assert layers["batch_norm1"]["activation_std"] == pytest.approx(1, abs=1e-3)


def test_sets_change_it(specc: Specc) -> None:
    shown = [
        json.loads(specc("probe", "net.cnn", "--device", "cpu", "--json", "--set", f"train.batch={batch}").out)
        for batch in (8, 16)
    ]
    assert [found["batch"] for found in shown] == [8, 16]


def test_every_variant(specc: Specc) -> None:
    answer = specc("probe", "net.cnn", "--device", "cpu", "--all", "--set", "network.init=1")
    assert (answer.status, answer.out) == (1, "")
    answer = specc("probe", "net.cnn", "--device", "cpu", "--all")
    assert answer.status == 0, answer.err
    lines = answer.out.splitlines()
    assert [line.split()[0] for line in lines] == ["variant", "(none)", "bent", "dead"]
    found = json.loads(specc("probe", "net.cnn", "--device", "cpu", "--all", "--json").out)
    assert [one["variant"] for one in found["variants"]] == [None, "bent", "dead"]
    assert found["variants"][1] == {
        key: value
        for key, value in json.loads(
            specc("probe", "net.cnn", "--device", "cpu", "--variant", "bent", "--json").out
        ).items()
        if key != "format"
    }


def test_a_variant_with_errors_is_told_of_and_the_others_are_probed(specc: Specc) -> None:
    Path("net.cnn").write_text(SPEC + "variant wrong { network.act = conv(0) }\n")
    answer = specc("probe", "net.cnn", "--device", "cpu", "--all")
    assert answer.status == 1
    assert "error[E" in answer.err
    assert [line.split()[0] for line in answer.out.splitlines()] == ["variant", "(none)", "bent", "dead"]


def test_the_picture(specc: Specc) -> None:
    answer = specc("probe", "net.cnn", "--device", "cpu", "--picture", "seen")
    assert answer.status == 0
    assert answer.err == "wrote seen.svg\nwrote seen.png\n"
    before = Path("seen.svg").read_bytes()
    assert before.startswith(b"<?xml") and Path("seen.png").read_bytes().startswith(b"\x89PNG")
    assert specc("probe", "net.cnn", "--device", "cpu", "--picture", "again.svg").status == 0
    assert Path("again.svg").read_bytes() == before
    assert not Path("again.png").exists()


def test_a_dead_network_can_be_drawn(specc: Specc) -> None:
    dead = ("--set", "data.normalize=unit")
    Path("net.cnn").write_text(SPEC.replace("conv(4) -> batch_norm", "conv(4, init=constant(-1))"))
    answer = specc("probe", "net.cnn", "--device", "cpu", *dead, "--picture", "dead.png", "--json")
    assert answer.status == 0, answer.err
    found = json.loads(answer.out)
    assert (found["kind"], found["learns"], found["where"]) == ("dead", False, "relu1")
    assert Path("dead.png").exists()


@pytest.mark.parametrize(
    ("spec", "options", "status", "code"),
    [
        (SPEC, ["--picture", "a.pdf"], 2, "E482"),
        (SPEC, ["--picture", "none/a.png"], 2, "E481"),
        (SPEC, ["--all", "--picture", "a.png"], 2, "E475"),
        (SPEC, ["--all", "--variant", "bent"], 2, "E475"),
        (SPEC, ["--device", "cuda:99"], 2, "E430"),
        (SPEC, ["--variant", "bend"], 1, "E213"),
        (SPEC.replace("conv(4)", "conv(0)"), [], 1, "E207"),
        ("network N { input(1, 8x8)\nflatten -> dense(2) }", [], 1, "E437"),
        ("network N { input(1, 8x8)\nflatten -> dense(2) }", ["--all"], 1, "E437"),
        (SPEC.replace("digits", 'npz("a.npz")').replace("conv(4)", "input(1, 8x8)\nconv(4)", 1), [], 2, "E403"),
    ],
)
def test_what_cannot_be_probed(specc: Specc, spec: str, options: list[str], status: int, code: str) -> None:
    Path("net.cnn").write_text(spec)
    answer = specc("probe", "net.cnn", *options)
    assert (answer.status, answer.out) == (status, "") or code == "E481"
    assert f"error[{code}]" in answer.err
    assert not list(Path().glob("*.p[nd]*"))
