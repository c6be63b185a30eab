import json

import pytest

from specc.ops import OPS
from specc.tricks import COMPONENTS


def test_lists_every_layer_and_trick(specc):
    answer = specc("ops")
    assert answer.status == 0
    listed = {line.split()[0] for line in answer.out.splitlines() if line.startswith("  ")}
    assert set(OPS) <= listed
    assert {name for tricks in COMPONENTS.values() for name in tricks} <= listed


def test_one_layer(specc):
    out = specc("ops", "conv").out
    assert out.startswith("conv(filters, kernel=3x3, stride=1x1, padding=same")
    assert "[convolution]" in out
    assert "  filters     the number of output channels (an integer of at least 1; required)" in out
    assert (
        "  conv(64, 3x3, stride=2)\n  # 8 x 16 x 16 -> 64 x 8 x 8, 4,672 parameters, 294,912 multiply-accumulates"
        in out
    )


def test_a_layer_with_a_body(specc):
    assert specc("ops", "add").out.startswith("add { | … | … }    [taking a body]")


def test_a_group(specc):
    out = specc("ops", "optimizer").out
    assert out.startswith("optimizer\n  sgd")
    assert "conv" not in out


def test_a_name_that_means_two_things_shows_both(specc):
    out = specc("ops", "constant").out
    assert "constant(v)    [init]" in out
    assert "constant(epochs=none)    [schedule]" in out


def test_a_section(specc):
    out = specc("ops", "train").out
    assert out.startswith("train { … }    [section]")
    assert "  batch " in out


@pytest.mark.parametrize(
    ("name", "help"), [("conf", "did you mean `conv`?"), ("zzzz", "run `specc ops` to list everything")]
)
def test_an_unknown_name(specc, name, help):
    answer = specc("ops", name)
    assert (answer.status, answer.out) == (2, "")
    assert answer.err == f"error[E477]: nothing is called `{name}`\n  = help: {help}\n"


def test_json(specc):
    answer = json.loads(specc("ops", "conv", "--json").out)
    assert answer["format"] == 1
    (conv,) = answer["ops"]
    assert conv["parameters"][:2] == [
        {
            "name": "filters",
            "needs": "an integer of at least 1",
            "symbols": [],
            "required": True,
            "default": None,
            "doc": "the number of output channels",
        },
        {
            "name": "kernel",
            "needs": OPS["conv"].params[1].kind.needs,
            "symbols": [],
            "required": False,
            "default": "3x3",
            "doc": "the size of the window",
        },
    ]


def test_json_holds_everything(specc):
    names = {entry["name"] for entry in json.loads(specc("ops", "--json").out)["ops"]}
    assert names >= {*OPS, "adam", "cosine", "data", "train", "export"}
