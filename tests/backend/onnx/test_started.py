"""A network with weights that others trained becomes the file that is deployed, without a training."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from PIL import Image
from safetensors.torch import save

from specc.backend.build import build
from specc.backend.initialize import initialize
from specc.backend.onnx.started import export_start
from specc.backend.resizing import resize
from specc.backend.run.weights import weights_bytes
from specc.check import Checked, check
from specc.errors import SpeccError
from specc.source import Source
from tests.helpers.checking import fine

SPEC = """\
data { source = none; resize = cover(20x20); view = 16x16; normalize = imagenet }
network Net(classes=3) {
  conv(4) -> batch_norm -> relu
  global_avg_pool -> dense(classes)
}
train { start = weights("w.safetensors") }
"""
CLASSES = ["cat", "dog", "cow"]


def spec(text: str = SPEC) -> Checked:
    return fine(check(Source("net.cnn", text)))


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with the weights."""
    net = build(spec().compiled().graph)
    initialize(net, 3)
    (tmp_path / "w.safetensors").write_bytes(weights_bytes(net.state_dict(), {"classes": CLASSES}))
    return tmp_path


def test_the_file_takes_photographs_and_names_their_classes(specc, here: Path) -> None:
    (here / "net.cnn").write_text(SPEC)
    answer = specc("export", here / "net.cnn")
    assert answer.status == 0, answer.err
    assert "takes raw images\n" in answer.out and "7 of 7 tensors loaded" in answer.out
    draw = np.random.default_rng(0)
    Image.fromarray(draw.integers(0, 256, (33, 50, 3), dtype=np.uint8)).save(here / "a.png")
    prediction = json.loads(specc("predict", here / "net.onnx", here / "a.png", "--json").out)
    assert {one["name"] for one in prediction["predictions"][0]["classes"]} == set(CLASSES)


def test_it_answers_as_the_network_does_on_the_same_pixels(here: Path) -> None:
    made = export_start(spec(), here / "net.onnx", base=here)
    net = build(spec().compiled().graph)
    initialize(net, 3)
    pixels = np.random.default_rng(1).integers(0, 256, (5, 3, 20, 20), dtype=np.uint8)
    given = ort.InferenceSession(here / "net.onnx").run(None, {"images": pixels})[0]
    mean, std = (torch.tensor(row).view(1, 3, 1, 1) for row in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    seen = (torch.from_numpy(pixels[:, :, 2:18, 2:18]) / 255 - mean) / std
    with torch.no_grad():
        assert np.allclose(given, net.eval()(seen).softmax(1).numpy(), atol=1e-6)
    assert made.classes == tuple(CLASSES)


def test_its_certificate_says_what_was_compared(here: Path) -> None:
    export_start(spec(), here / "net.onnx", base=here)
    entries = {entry.key: entry.value for entry in onnx.load(here / "net.onnx").metadata_props}
    certificate = json.loads(entries["specc.certificate"])
    assert certificate["trained"] is False and certificate["start"]["tensors"]["loaded"] == 7
    (provider,) = [one for name, one in certificate["providers"].items() if name == "CPUExecutionProvider"]
    assert provider["largest_difference"] < 1e-5 and len(provider["sizes"]) == 6 and "figures" not in provider


def test_without_names_the_classes_are_numbered_and_that_is_said(specc, here: Path) -> None:
    net = build(spec().compiled().graph)
    (here / "w.safetensors").write_bytes(save(net.state_dict()))
    (here / "net.cnn").write_text(SPEC)
    assert "the classes are numbered" in specc("export", here / "net.cnn").out


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "normalize = imagenet",
            "normalize = standard",
            "`normalize = standard` takes their mean",
        ),
        ("classes=3", "classes=4", "has no weights for `dense1.weight`"),
    ],
)
def test_what_would_have_to_be_learned_first_is_refused(here: Path, old: str, new: str, words: str) -> None:
    with pytest.raises(SpeccError, match=words) as caught:
        export_start(spec(SPEC.replace(old, new)), here / "net.onnx", base=here)
    assert caught.value.code == "E437" and not (here / "net.onnx").exists()


def test_it_is_not_verified_on_data_that_nobody_has(specc, here: Path) -> None:
    export_start(spec(), here / "net.onnx", base=here)
    answer = specc("verify", here / "net.onnx")
    assert answer.status == 1 and "exported without a training" in answer.err


def test_a_graph_that_resizes_otherwise_is_refused(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By more than a level here and there, which float32 may round otherwise."""
    monkeypatch.setattr("specc.backend.onnx.compare.resize", lambda images, how: resize(images[:, :, ::-1], how))
    with pytest.raises(SpeccError) as caught:
        export_start(spec(), here / "net.onnx", base=here)
    assert caught.value.code == "E455"
