import json
from typing import Any

import pytest

NET = """\
network Net(c=8) {
  input(3, 16x16)
  conv(c) -> relu
  flatten -> dense(10)
}
train { epochs = 10 }
variant wide { network.c = 16; train.epochs = 20 }
variant wider extends wide { network.c = 32 }
"""


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.cnn").write_text(NET)
    (tmp_path / "b.cnn").write_text(NET.replace("relu", "batch_norm -> relu"))
    return tmp_path


def test_two_files(specc):
    answer = specc("diff", "a.cnn", "b.cnn")
    assert (answer.status, answer.err) == (0, "")
    assert (
        answer.out
        == """\
a: a.cnn
b: b.cnn

layers: 1 added, 1 changed, 4 unchanged

   layer        op          output       parameters    MACs  arguments
   -----------  ----------  -----------  ----------  ------  -------------------
~  conv1        conv        8 x 16 x 16  224 -> 216  55,296  bias: true -> false
+  batch_norm1  batch_norm  8 x 16 x 16          16

                          a       b       difference
                     ------  ------  ---------------
layers                    5       6      +1 (+20.0%)
parameters           20,714  20,722       +8 (+0.0%)
parameters exported  20,714  20,722       +8 (+0.0%)
MACs                 75,776  75,776
activation bytes     27,688  35,880  +8,192 (+29.6%)
"""
    )


def test_a_file_and_itself(specc):
    assert specc("diff", "a.cnn", "a.cnn") == (0, "a: a.cnn\nb: a.cnn\n\nno differences\n", "")


def shown(answer) -> dict[str, Any]:
    assert (answer.status, answer.err) == (0, "")
    values = json.loads(answer.out)
    assert values["format"] == 1
    return values


def test_a_file_and_its_variant(specc):
    values = shown(specc("diff", "a.cnn", "--variant", "wide", "--json"))
    assert values["a"] == {"file": "a.cnn", "network": "Net", "variant": None}
    assert values["b"] == {"file": "a.cnn", "network": "Net", "variant": "wide"}
    assert values["equal"] is False
    assert values["settings"] == {"network.c": ["8", "16"], "train.epochs": ["10.0", "20.0"]}
    assert values["totals"]["parameters"] == [20714, 16 * 28 + 16 * 256 * 10 + 10]
    assert values["shapes"] == {"input": ["3 x 16 x 16"] * 2, "output": ["10", "10"]}
    first = values["layers"][0]
    assert (first["change"], first["arguments"]) == ("changed", {"filters": ["8", "16"]})
    assert first["b"] == {"name": "conv1", "op": "conv", "output": [16, 16, 16], "parameters": 448, "macs": 110592}
    assert values["same_layers"] == 1
    assert "train.epochs  10.0  20.0" in specc("diff", "a.cnn", "--variant", "wide").out


def test_two_variants(specc):
    values = shown(specc("diff", "a.cnn", "--variant", "wide", "--variant", "wider", "--json"))
    assert (values["a"]["variant"], values["b"]["variant"]) == ("wide", "wider")
    assert values["layers"][0]["arguments"] == {"filters": ["16", "32"]}
    assert values["settings"] == {"network.c": ["16", "32"]}


def test_a_file_and_itself_with_a_setting(specc):
    answer = specc("diff", "a.cnn", "--set", "train.seed=7")
    assert answer.out.startswith("a: a.cnn\nb: a.cnn, train.seed=7\n")
    assert "train.seed  0  7" in answer.out


def test_a_variant_of_the_second_file(specc):
    values = shown(specc("diff", "a.cnn", "b.cnn", "--variant", "wide", "--json"))
    assert (values["a"]["variant"], values["b"]["variant"]) == (None, "wide")


def test_a_run_is_the_spec_that_it_keeps(specc, files):
    (files / "run").mkdir()
    (files / "run" / "spec.cnn").write_text(NET)
    assert "no differences" in specc("diff", "a.cnn", "run").out


def test_errors_of_both_sides(specc, files):
    (files / "a.cnn").write_text("network N { input(3, 8x8) -> conw(3) }")
    (files / "b.cnn").write_text("network N { input(3, 8x8) -> rely }")
    answer = specc("diff", "a.cnn", "b.cnn")
    assert (answer.status, answer.out) == (1, "")
    assert "a.cnn:1:" in answer.err
    assert "b.cnn:1:" in answer.err


def test_an_unknown_variant(specc):
    answer = specc("diff", "a.cnn", "--variant", "wid")
    assert (answer.status, answer.out) == (1, "")
    assert "did you mean `wide`?" in answer.err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [("a.cnn", "E483"), ("a.cnn --variant wide --variant wide --variant wide", "E483"), ("a.cnn c.cnn", "E470")],
)
def test_what_cannot_be_compared(specc, arguments, code):
    answer = specc("diff", *arguments.split())
    assert (answer.status, answer.out) == (2, "")
    assert f"error[{code}]" in answer.err


def test_selected_weights_are_written_as_in_a_spec(specc, files):
    (files / "f.cnn").write_text(NET.replace("epochs = 10", "epochs = 10; freeze = freeze(conv1, kernels, until=1)"))
    assert "freeze(conv1, kernels, until=1)" in specc("diff", "a.cnn", "f.cnn").out
