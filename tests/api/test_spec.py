"""A spec in Python: loaded, asked, built and emitted."""

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import specc
from tests.helpers.sent import packet, received, sent

NET = """data { source = digits }
network Small(width=4) {
  conv(width) -> relu
  flatten -> dense(10)
}
train { epochs = 2 }
variant wide { network.width = 8 }
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "net.cnn"
    file.write_text(NET)
    return file


def test_a_spec_tells_its_graph(path: Path) -> None:
    spec = specc.load(path)
    assert (spec.name, spec.variant, spec.variants, spec.problems) == ("Small", None, ("wide",), [])
    assert spec.graph.input == (1, 8, 8) and spec.graph.output_shape == (10,)
    assert "conv1" in str(spec) and "Small: 1 x 8 x 8 -> 10" in str(spec)
    assert repr(spec) == f"<specc.Spec {path}: Small>"


def test_a_graph_says_what_it_is(path: Path) -> None:
    assert repr(specc.load(path).graph) == "<Graph Small: 4 layers, 1 x 8 x 8 -> 10, 2,610 parameters>"


def test_a_spec_goes_to_other_processes(path: Path) -> None:
    """With its variant, its settings and its problems, whatever becomes of its files and the folder."""
    path.with_name("more.cnn").write_text(f'extends "{path.name}"\ntrain {{ batch = 64 }}\n')
    for name, options in ((path, {"variant": "wide"}), (path.with_name("more.cnn"), {"set": {"train.seed": 3}})):
        spec = specc.load(name, **options)
        again = sent(spec)
        assert (again.text, again.variant, again.path) == (spec.text, spec.variant, spec.path)
        assert again.problems == spec.problems and again.emit() == spec.emit()
    kept = packet(spec)
    path.write_text(NET.replace("width=4", "width=5"))
    assert received(kept, spec).text == spec.text
    path.write_text("network N { input(1, 8x8) conv(-1) }")
    broken = sent(specc.load(path))
    with pytest.raises(specc.SpecError) as caught:
        broken.build()
    error = sent(caught.value)
    assert (str(error), error.code, error.problems) == (str(caught.value), caught.value.code, caught.value.problems)


def test_torch_s_own_draws_and_threads_are_the_caller_s(path: Path) -> None:
    before = torch.get_rng_state()
    specc.load(path).build()
    assert torch.equal(torch.get_rng_state(), before)


def test_variants_and_settings(path: Path) -> None:
    wide = specc.load(path, variant="wide", set={"train.epochs": 7})
    assert wide.graph.nodes[1].shape == (8, 8, 8)
    assert "epochs = 7" in wide.text
    again = wide.with_(set={"network.width": 2})
    assert again.graph.nodes[1].shape == (2, 8, 8) and "epochs = 7" in again.text
    assert wide.graph.nodes[1].shape == (8, 8, 8)  # a spec never changes


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (3, "3"),
        (True, "true"),
        (None, "none"),
        (0.1234567891, "0.1234567891"),
        (1e-9, "1e-09"),
        ("sgd(lr=0.1)", "sgd(lr=0.1)"),
        ((1, 2), "(1, 2)"),
        ((1,), "(1,)"),
        ([0.5, 2], "[0.5, 2]"),
        (np.int64(3), "3"),
        (np.float64(0.1), "0.1"),
        (np.float32(0.5), "0.5"),
    ],
)
def test_values_are_written_in_the_language(value: Any, written: str) -> None:
    from specc.api.spec import settings_of

    assert settings_of({"train.x": value}) == (f"train.x={written}",)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1}, Path("x")])
def test_other_values_are_refused(path: Path, value: object) -> None:
    with pytest.raises(TypeError, match=r"`train.epochs` cannot be set to"):
        specc.load(path, set={"train.epochs": value})  # type: ignore[dict-item]


@pytest.mark.parametrize("given", ["train.epochs=3", ["train.epochs=3"]])
def test_settings_that_are_no_mapping(path: Path, given: Any) -> None:
    with pytest.raises(TypeError, match=r"`set` must be a Mapping, not a (str|list): give paths"):
        specc.load(path, set=given)


def test_problems_are_told_and_raised_where_the_spec_is_used(path: Path) -> None:
    path.write_text(NET.replace("conv(width)", "conw(width)").replace("flatten", "flaten"))
    spec = specc.load(path)
    assert [problem.code for problem in spec.problems] == ["E201", "E201"]
    first = spec.problems[0]
    assert (first.severity, first.line, first.column) == ("error", 3, 3) and "conv" in first.help
    assert str(first).startswith("error[E201]: ") and "^^^^" in str(first)
    for use in (spec.build, spec.emit, lambda: spec.graph):
        with pytest.raises(specc.SpecError) as caught:
            use()
        assert str(caught.value) == str(spec)
        assert str(caught.value).endswith("2 errors") and caught.value.problems == spec.problems


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(specc.SpeccError, match="not found") as caught:
        specc.load(tmp_path / "other.cnn")
    assert caught.value.code == "E470"
    assert any("specc new" in note for note in caught.value.__notes__)


def test_the_module_begins_as_a_training_does(path: Path) -> None:
    net = specc.load(path).build()
    assert net.training and net(torch.zeros(2, 1, 8, 8)).shape == (2, 10)
    same, other = specc.load(path).build(), specc.load(path, set={"train.seed": 1}).build()
    kernels = [one.state_dict()["conv1.weight"] for one in (net, same, other)]
    assert kernels[0].equal(kernels[1]) and not kernels[0].equal(kernels[2])


def test_the_emitted_source_has_the_same_keys(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = specc.load(path)
    path.with_name("small_source.py").write_text(spec.emit())
    monkeypatch.syspath_prepend(path.parent)
    source = importlib.import_module("small_source")
    assert list(source.Small().state_dict()) == list(spec.build().state_dict())


def test_a_zoo_network() -> None:
    spec = specc.load("zoo:resnet18", set={"network.classes": 5})
    assert spec.graph.output_shape == (5,)


def test_in_a_notebook(path: Path) -> None:
    page = specc.load(path)._repr_html_()
    assert page.count("<tr>") == 1 + len(specc.load(path).graph.nodes)
    assert "Small: 1 x 8 x 8 -&gt; 10" in page and "<svg" in page and "data { source = digits }" in page
    path.write_text("network <b> { }")
    page = specc.load(path)._repr_html_()
    assert "<b>" not in page and "&lt;b&gt;" in page and "<svg" not in page


def test_a_notebook_shows_the_first_layers_of_many_and_the_warnings(path: Path) -> None:
    path.write_text(NET.replace("conv(width)", "repeat(40) { conv(width) -> sigmoid }"))
    page = specc.load(path)._repr_html_()
    assert page.count("<tr>") == 61 and "the first 60 of 84 rows" in page and "warning[" in page


def test_unknown_names() -> None:
    with pytest.raises(AttributeError, match="module `specc` has no attribute `loda`"):
        specc.loda  # type: ignore[attr-defined]  # noqa: B018
    assert {"load", "train", "open_run"} <= set(dir(specc))


def test_import_and_load_do_without_torch(path: Path) -> None:
    code = f"""
import sys, specc
before = set(sys.modules)
assert not {{"lark", "torch", "numpy", "typer"}} & before, before
spec = specc.load({str(path)!r})
spec.graph, spec.problems, spec.emit(), str(spec)
assert not {{"torch", "numpy", "onnx", "onnxruntime", "typer"}} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
