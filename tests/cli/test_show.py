"""`specc show`: the layers for people and for programs, and the defaults."""

import json
from pathlib import Path

import pytest

from specc.tricks.sections import SECTIONS

NET = """\
network Net(width=8, act=relu) {
  input(3, 16x16)
  conv(width, stride=2) -> batch_norm -> act
  head(aux) { global_avg_pool -> dense(4) }
  global_avg_pool -> dense(4)
}
variant wide { network.width = 16 }
"""


@pytest.fixture
def net(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.cnn").write_text(NET)
    return "net.cnn"


def test_table(specc, net):
    answer = specc("show", net)
    assert (answer.status, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert lines[0].split() == ["layer", "op", "output", "parameters", "MACs", "receptive", "field", "memory"]
    row = next(line for line in lines if line.startswith("conv1"))
    assert row.split() == ["conv1", "conv", "8", "x", "8", "x", "8", "216", "13,824", "3x3", "2.05", "kB"]
    assert lines[-1].startswith("Net: 3 x 16 x 16 -> 4; 304 parameters (268 exported)")


def test_how_kernels_start(specc, net):
    answer = specc("show", net, "--init", "--set", "network.act=leaky_relu(0.2)")
    assert (answer.status, answer.err) == (0, "")
    head, _, *rows, gap, guide = answer.out.splitlines()
    assert [row.split() for row in (head, *rows)] == [
        ["layer", "op", "init", "why", "size"],
        ["conv1", "conv", "he_normal(slope=0.2)", "before", "leaky_relu1", "0.267"],
        ["aux.dense1", "(aux)", "dense", "normal(0.01)", "gives", "the", "logits", "0.01"],
        ["dense1", "dense", "normal(0.01)", "gives", "the", "logits", "0.01"],
    ]
    assert gap == "" and guide.startswith("size: ")


def test_how_kernels_start_as_json(specc, net, tmp_path):
    text = NET.replace("act\n", "concat { | tanh | conv(8) | act -> conv(8, init=normal(0.5)) }\n")
    (tmp_path / "net.cnn").write_text(text)
    shown = json.loads(specc("show", net, "--init", "--json").out)
    assert (shown["format"], shown["network"], shown["variant"]) == (1, "Net", None)
    first, _, written, head, last = shown["kernels"]
    assert first == {
        "name": "conv1",
        "op": "conv",
        "init": "he_normal",
        "chosen_by": "auto",
        "gives_logits": False,
        "followed_by": [
            {"kind": "rectifier", "layer": "relu1"},
            {"kind": "saturating", "layer": "tanh1"},
            {"kind": "linear", "layer": "conv2"},
        ],
        "why": "before relu1 (also before tanh1, before conv2, without an activation)",
        "size": pytest.approx((2 / 27) ** 0.5),
        "line": 3,
        "head": None,
    }
    assert (written["init"], written["chosen_by"], written["why"], written["size"]) == (
        "normal(0.5)",
        "spec",
        "as written",
        0.5,
    )
    assert (head["head"], head["gives_logits"], last["gives_logits"]) == ("aux", True, True)


def test_a_kernel_that_depends_on_the_images_and_a_network_without_kernels(specc, tmp_path):
    file = tmp_path / "net.cnn"
    file.write_text("network N { input(3, 8x8) -> conv(24, 2x2, init=whiten) -> relu }")
    assert "from images" in specc("show", file, "--init").out
    file.write_text("network N { input(3, 8x8) -> relu }")
    assert "no layer" in specc("show", file, "--init").out


def test_frozen_weights_count_and_are_said(specc, net):
    """By `freeze`, and by `trainable=false`."""
    sets = ("--set", "train.freeze=norms")
    assert (
        specc("show", net, *sets).out.splitlines()[-1].startswith("Net: 3 x 16 x 16 -> 4; 304 parameters (16 frozen, ")
    )
    assert json.loads(specc("show", net, "--json", *sets).out)["parameters_frozen"] == 16
    Path(net).write_text(NET.replace("conv(width", "conv(width, trainable=false"))
    shown = json.loads(specc("show", net, "--json").out)
    assert (shown["parameters"], shown["parameters_frozen"], shown["layers"][0]["parameters"]) == (304, 216, 216)


def test_json(specc, net):
    answer = specc("show", net, "--json")
    assert (answer.status, answer.err) == (0, "")
    shown = json.loads(answer.out)
    expected = {
        "format": 1, "network": "Net", "variant": None, "input": [3, 16, 16], "output": [4],
        "parameters": 304, "parameters_exported": 268, "parameters_frozen": 0, "macs": 13_824 + 32,
    }  # fmt: skip
    assert {key: shown[key] for key in expected} == expected
    conv = {"name": "conv1", "op": "conv", "output": [8, 8, 8], "parameters": 216, "macs": 13_824,
            "receptive_field": [3, 3], "line": 3}  # fmt: skip
    assert {key: shown["layers"][0][key] for key in conv} == conv
    assert [layer["op"] for layer in shown["layers"]] == [
        "conv", "batch_norm", "relu", "global_avg_pool", "dense", "global_avg_pool", "dense",
    ]  # fmt: skip
    assert sum(layer["parameters"] for layer in shown["layers"]) == shown["parameters"]


def test_variant_and_set(specc, net):
    shown = json.loads(specc("show", net, "--json", "--variant", "wide").out)
    assert (shown["variant"], shown["layers"][0]["output"]) == ("wide", [16, 8, 8])
    shown = json.loads(specc("show", net, "--json", "--set", "network.width=5", "--set", "network.act=tanh").out)
    assert (shown["variant"], shown["layers"][0]["output"], shown["layers"][2]["op"]) == (None, [5, 8, 8], "tanh")
    shown = json.loads(specc("show", net, "--json", "--variant", "wide", "--set", "network.width=5").out)
    assert shown["layers"][0]["output"] == [5, 8, 8]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--variant", "wid"], "E213"),
        (["--set", "network.widht=3"], "E217"),
        (["--set", "network.width"], "E107"),
        (["--set", "network.width=0"], "E207"),
        (["--set", "network.width=("], None),
        (["--set", "train.epochs=0"], "E207"),
    ],
)
def test_wrong_changes_are_the_users(specc, net, options, code):
    answer = specc("show", net, *options)
    assert (answer.status, answer.out) == (1, "")
    assert f"error[{code or 'E10'}" in answer.err


def test_a_spec_with_errors_shows_nothing(specc, net, tmp_path):
    (tmp_path / "net.cnn").write_text(NET.replace("dense(4)", "dense(in.depth)"))
    for options in ([], ["--json"]):
        answer = specc("show", net, *options)
        assert (answer.status, answer.out) == (1, "")
        assert "E212" in answer.err


def test_a_mistake_of_a_variant_that_is_not_shown_does_not_matter(specc, net, tmp_path):
    (tmp_path / "net.cnn").write_text(NET + "variant bad { network.width = 0 }")
    assert specc("show", net).status == 0
    assert specc("show", net, "--variant", "bad").status == 1


def test_defaults(specc, tmp_path):
    answer = specc("show", "--defaults")
    assert (answer.status, answer.err) == (0, "")
    for section, params in SECTIONS.items():
        assert f"{section} {{" in answer.out
        for param in params:
            assert f"  {param.name} " in answer.out
    assert "init=auto" in answer.out


def test_defaults_as_json(specc):
    shown = json.loads(specc("show", "--defaults", "--json").out)
    assert shown["format"] == 1
    names = {section: [entry["name"] for entry in entries] for section, entries in shown["sections"].items()}
    assert names == {section: [param.name for param in params] for section, params in SECTIONS.items()}
    defaults = {entry["name"]: entry["default"] for entry in shown["sections"]["data"]}
    assert (defaults["source"], defaults["normalize"], defaults["augment"]) == (None, "standard(per=set)", "none")


def test_defaults_are_a_spec(specc, tmp_path):
    """What `--defaults` prints, with the one setting that has none, checks and changes nothing."""
    text = specc("show", "--defaults").out.replace("= …", "= digits")
    network = "network N { conv(8) -> relu -> global_avg_pool -> dense(10) }\n"
    (tmp_path / "net.cnn").write_text(text + network)
    answer = specc("check", tmp_path / "net.cnn", "--json")
    assert [found for found in json.loads(answer.out)["diagnostics"] if found["severity"] == "error"] == []


def test_what_cannot_be_shown(specc, tmp_path):
    assert specc("show").status == 2
    assert specc("show", tmp_path / "none.cnn").status == 2
