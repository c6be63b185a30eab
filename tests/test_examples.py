"""The specs in examples/: they have no problems, the networks have exactly the size that was published, and those with
data of their own end in a file that gives what reading it by hand gives."""

import csv
import hashlib
import importlib.util
import json
import shlex
import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn.metrics import average_precision_score, balanced_accuracy_score, jaccard_score, mean_absolute_error

FOLDER = Path(__file__).parent.parent / "examples"
PUBLISHED = json.loads((Path(__file__).parent / "expected_counts.json").read_text())
del PUBLISHED["//"]


# The deck begins with a network that does not learn: its first variants are wrong on purpose.
WARNINGS = {"deck_cifar10.cnn": ["W521", "W501", "W502"]}


@pytest.mark.parametrize("file", sorted(path.name for path in FOLDER.glob("*.cnn")))
def test_no_problems_in_any_variant(specc, file):
    answer = specc("check", FOLDER / file, "--json")
    assert answer.status == 0
    assert [found["code"] for found in json.loads(answer.out)["diagnostics"]] == WARNINGS.get(file, [])


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_sizes(specc, name):
    file, *options = shlex.split(name)
    shown = json.loads(specc("show", FOLDER / file, "--json", *options).out)
    published = dict(PUBLISHED[name])
    giga = published.pop("gmacs", None)
    assert {key: shown[key] for key in published} == published
    if giga is not None:  # published with two decimals
        assert shown["macs"] / 1e9 == pytest.approx(giga, rel=0.01, abs=0.005)


# What keeps a training of a moment small: options, the images in each part, and the figure that chooses.
MOMENT = {
    "unet.cnn": ("masks", ["network.width=4", "network.depth=2", "train.batch=6"], 24, "mean_iou"),
    "tags.cnn": ("tags", ["network.width=4"], 130, "map"),
    "angle.cnn": ("angles", ["network.width=4"], 130, "mae"),
    "defects.cnn": ("defects", ["network.width=4"], 130, "balanced_accuracy"),
}


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_data", FOLDER / "make_data.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def levels(path: Path) -> NDArray[np.uint8]:
    return np.asarray(Image.open(path))


def read(data: Path) -> tuple[NDArray[np.uint8], list[str], NDArray[np.uint8]]:
    """The validation images of a set, N x 1 x H x W; what its table says of each, or their masks."""
    if not (data / "labels.csv").is_file():
        files = sorted((data / "images" / "val").iterdir())
        masks = np.stack([levels(data / "masks" / "val" / file.name) for file in files])
        return np.stack([levels(file)[None] for file in files]), [], masks
    with (data / "labels.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.reader(file) if row[-1] == "val"]
    return np.stack([levels(data / row[0])[None] for row in rows]), [row[1] for row in rows], np.zeros(0, np.uint8)


@pytest.mark.parametrize("file", MOMENT)
def test_trains_on_the_data_that_the_script_makes(specc, tmp_path, maker, file):
    name, sets, most, figure = MOMENT[file]
    maker.make(tmp_path / "data", [name], most=most)
    shutil.copy(FOLDER / file, tmp_path / file)
    options = [word for setting in [*sets, "train.epochs=1"] for word in ("--set", setting)]
    answer = specc("train", tmp_path / file, *options, "--device", "cpu", "--out", tmp_path / "run", "-q")
    assert answer.status == 0, answer.err
    images, texts, masks = read(tmp_path / "data" / name)
    session = ort.InferenceSession(tmp_path / "run" / "model.onnx", providers=["CPUExecutionProvider"])
    given = session.run(None, {session.get_inputs()[0].name: images})[0]
    match figure:
        case "mean_iou":
            classes = range(given.shape[1])
            value = jaccard_score(masks.ravel(), given.argmax(axis=1).ravel(), labels=classes, average=None)
            value = value[np.isin(classes, masks) | np.isin(classes, given.argmax(axis=1))].mean()
        case "map":
            truth = np.array([[str(tag) in text.split(";") for tag in range(10)] for text in texts])
            value = average_precision_score(truth, given, average="macro")
        case "mae":
            value = mean_absolute_error(np.array(texts, float), given[:, 0])
        case "balanced_accuracy":
            value = balanced_accuracy_score(texts, np.array(["defect", "good"])[given.argmax(axis=1)])
    certificate = json.loads((tmp_path / "run" / "certificate.json").read_text())
    (provider,) = certificate["providers"].values()
    assert provider["figures"][figure] == pytest.approx(value, rel=1e-6)
    line = json.loads((tmp_path / "run" / "metrics.jsonl").read_text())
    assert line[f"val_{figure}"] == pytest.approx(value, rel=1e-3)


def test_the_script_gives_the_same_pixels_and_no_digit_twice(tmp_path, maker):
    for place, seed in (("a", 0), ("b", 0), ("c", 1)):
        maker.make(tmp_path / place, ["masks", "defects"], seed, most=3)
    digests = [
        hashlib.sha256(
            b"".join(levels(path).tobytes() for path in sorted((tmp_path / place).rglob("*.png")))
        ).hexdigest()
        for place in "abc"
    ]
    assert digests[0] == digests[1] != digests[2]
    digits = [maker.Digits(part, 0).images for part in maker.PARTS]
    assert sum(map(len, digits)) == 1797 == len(np.unique(np.concatenate(digits), axis=0))
    assert not list(tmp_path.rglob("*.unfinished"))
