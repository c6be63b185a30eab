"""`resize`, `view`, `channels`, `range` and `normalize` on real photographs, from their files to what the network sees.

The same in training, evaluation, the exported graph and `specc predict`, and what an independent reading with Pillow
and NumPy gives.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from specc.backend.data.dataset import DataSet, load
from specc.backend.data.loader import DataLoader, validation_batches
from specc.backend.data.split import Streamed
from specc.backend.images import decode
from specc.backend.onnx.export import export_run
from specc.backend.onnx.exported import card_name
from specc.backend.onnx.model_file import ModelFile, read_model
from specc.backend.onnx.session import open_session, run
from specc.backend.predict import predict
from specc.backend.predict.file import from_file
from specc.backend.predict.run import from_run
from specc.backend.run.load import Run, open_run
from specc.backend.train.job import train
from specc.check import Trainable, check
from specc.source import Source
from tests.helpers.photographs import WINDOW, pillow_pixels, write_photographs
from tests.helpers.tiny_pictures import write_kinds

CPU = torch.device("cpu")
ALLOWED = {"fade": 2}  # levels from Pillow's own; else 1
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
NETWORK = "network N { flatten -> dense(2) }"
CASES: dict[str, tuple[str, int, dict[str, Any]]] = {
    "cover": (
        "resize = cover(32x32, by=bicubic); view = 24x23; normalize = imagenet",
        3,
        {"fit": "cover", "size": (32, 32), "by": "bicubic", "view": (24, 23)},
    ),
    "contain": (
        "resize = contain(28x20, fill=114); channels = gray; normalize = fixed(mean=[0.5], std=[0.25])",
        1,
        {"fit": "contain", "size": (28, 20), "by": "bilinear", "fill": 114},
    ),
    "stretch": (
        "resize = stretch(24, by=nearest); view = 20; channels = gray; normalize = none",
        1,
        {"fit": "stretch", "size": (24, 24), "by": "nearest", "view": (20, 20)},
    ),
}


class Trained(NamedTuple):
    """A trained case. paths: of its photographs, in the order of the training images, which also validate."""

    how: dict[str, Any]
    channels: int
    run: Run
    dataset: DataSet
    file: ModelFile
    paths: list[Path]


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    settings, channels, how = CASES[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    for part in ("train", "val"):
        (folder / "in").mkdir(exist_ok=True)
        for number, path in enumerate(write_photographs(folder / "in")):
            place = folder / part / f"class{number % 2}"
            place.mkdir(parents=True, exist_ok=True)
            (place / path.name).write_bytes(path.read_bytes())
    text = f"""
data {{ source = folder("{folder}"); range = {WINDOW}; {settings} }}
network N {{ conv(4) -> relu; conv(4, 3x3, stride=2) -> relu; global_avg_pool -> dense(2) }}
train {{ epochs = 1; batch = 4 }}
"""
    checked = check(Source("photos.cnn", text))
    assert not checked.errors, checked.errors
    path = train(checked, out=folder / "run", base=folder, device="cpu", quiet=True).path
    (exported,) = export_run(path, device="cpu")
    opened = open_run(path)
    dataset = load(opened.spec.data, base=folder)
    names = sorted(folder.glob("val/*/*"))
    return Trained(how, channels, opened, dataset, read_model(exported.path), names)


def expected(case: Trained, path: Path) -> NDArray[np.float64]:
    """What the network sees of a photograph, C x H x W: an independent reading, normalized."""
    pixels = pillow_pixels(path, case.channels, **case.how).astype(np.float64)
    match case.run.spec.data.normalize.name:
        case "imagenet":
            return (pixels / 255 - np.reshape(MEAN, (3, 1, 1))) / np.reshape(STD, (3, 1, 1))
        case "fixed":
            return (pixels / 255 - 0.5) / 0.25
        case _:
            return pixels


def level(case: Trained) -> float:
    """What one gray level is to the network, at most."""
    return {"imagenet": 1 / 255 / 0.224, "fixed": 1 / 255 / 0.25, "none": 1.0}[case.run.spec.data.normalize.name]


def test_the_network_takes_what_the_settings_say(case: Trained) -> None:
    spec = case.run.spec
    view = case.how.get("view", case.how["size"])
    assert spec.graph.input == (case.channels, *view)
    assert case.dataset.shape == (case.channels, *case.how["size"])


@pytest.mark.parametrize("memory", [None, 0], ids=["resident", "streamed"])
def test_evaluation_sees_what_pillow_gives(case: Trained, memory: int | None) -> None:
    spec = case.run.spec
    dataset = load(spec.data, base=case.run.base, memory=memory)
    assert isinstance(dataset.validation, Streamed) == (memory == 0)
    batches = [images for images, _ in validation_batches(dataset, spec.data, 4, CPU)]
    for seen, path in zip(torch.cat(batches).numpy(), case.paths, strict=True):
        apart = np.abs(seen - expected(case, path)).max()
        assert apart <= 1.01 * level(case) * ALLOWED.get(path.stem, 1), path.name


def test_training_sees_what_evaluation_does(case: Trained) -> None:
    """Where nothing is augmented: the same photographs, in another order."""
    spec = case.run.spec
    loader = DataLoader(case.dataset, spec.data, len(case.paths), 0, CPU)
    seen, _ = loader.training(1, 0)
    evaluated = torch.cat([images for images, _ in validation_batches(case.dataset, spec.data, 4, CPU)])
    sums = [images.double().sum((1, 2, 3)).sort().values for images in (seen, evaluated)]
    assert seen.shape == evaluated.shape and torch.equal(*sums)


def test_graph_and_predict_answer_for_files_of_any_size(case: Trained) -> None:
    """onnxruntime on raw pixels, `specc predict` with file and run: what the network gives for what Pillow reads."""
    session, net = open_session(case.file.path), case.run.net.eval()
    file, own = from_file(case.file.path), from_run(case.run.path)
    for path in case.paths:
        raw = decode(path, case.channels, case.run.spec.data.range)[None]
        with torch.inference_mode():
            logits = net(torch.from_numpy(expected(case, path)[None]).float())
        answer = logits.softmax(1)[0].numpy()
        scale = level(case) * ALLOWED.get(path.stem, 1)
        given = run(session, raw)[0]
        assert np.abs(given - answer).max() < 0.3 * scale, path.name
        for classifier in (file, own):
            found = dict(predict(classifier, path, top=2).values)
            assert [found[name] for name in case.dataset.classes] == pytest.approx(given.tolist(), abs=1e-4), path.name


def test_the_file_says_what_it_takes(case: Trained) -> None:
    assert case.file.size is None and case.file.range == WINDOW and case.file.channels == case.channels
    text = case.file.path.with_name(card_name(case.file.path)).read_text()
    assert case.run.spec.data.resize and f"`{case.run.spec.data.resize}`" in text
    assert "16-bit gray files: 200 becomes 0, 3,300 becomes 255" in text
    assert ("the center 24 x 23" in text) == (case.how.get("view") == (24, 23))


def trainable(text: str) -> Trainable:
    return check(Source("a.cnn", text)).trainable()


@pytest.mark.parametrize(
    ("settings", "note"),
    [
        ("", "in `data` uses all"),
        ("range = (0, 4080)", None),
        ("range = (100, 3000)", "1 of 1 image of 16 bits have values outside of `range`, which are clipped"),
    ],
)
def test_what_16_bits_are_used_for_is_said(tmp_path: Path, settings: str, note: str | None) -> None:
    for number, path in enumerate(write_photographs(tmp_path)):
        (tmp_path / f"class{number % 2}").mkdir(exist_ok=True)
        if path.parent == tmp_path:
            path.rename(tmp_path / f"class{number % 2}" / path.name)
    data = f'data {{ source = folder("{tmp_path}"); validation = split(3); resize = 9x9; {settings} }}'
    notes = load(trainable(f"{data}\n{NETWORK}").data).notes
    about = [text for text in notes if "16 bits" in text or "16-bit" in text]
    assert [text for text in about if note is None or note not in text] == []
    assert bool(about) == (note is not None)


def test_a_range_without_16_bit_files_is_said_and_16_bit_colors_are_refused(tmp_path: Path) -> None:
    (tmp_path / "kinds").mkdir()
    deep = [path for path in write_kinds(tmp_path / "kinds") if path.name.startswith("deep_rgb")]
    assert len(deep) == 2
    for path in deep:
        assert decode(path, 3).shape[0] == 3
        with pytest.raises(ValueError, match="has 16-bit colors, of which only the upper 8 bits are read"):
            decode(path, 3, (0, 4095))
    for number, name in enumerate(("rgb.png", "gray.png", "two_levels.png", "turned3.jpg")):
        (tmp_path / f"class{number % 2}").mkdir(exist_ok=True)
        (tmp_path / "kinds" / name).rename(tmp_path / f"class{number % 2}" / name)
    data = f'data {{ source = folder("{tmp_path}"); validation = split(1); range = (0, 4095); resize = 9x9 }}'
    (tmp_path / "kinds").rename(tmp_path / ".kinds")
    assert "no image has 16 bits: `range` changes nothing" in load(trainable(f"{data}\n{NETWORK}").data).notes
