"""Tags, numbers and masks of image files: the same from a run and from its exported file, and as read by hand."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from PIL import Image

from specc.backend.onnx.export import export_run
from specc.backend.predict import UNSEEN, predict, to_image
from specc.backend.predict.file import from_file
from specc.backend.predict.masks import overlaid, palette
from specc.backend.predict.run import from_run
from specc.tricks.resize import Resize
from specc.values import Size
from tests.helpers.task_runs import SIDE, pictures, trained

TASKS = ("multi-label", "regression", "segmentation")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {task: trained(tmp_path_factory.mktemp("run"), task) for task in TASKS}
    for run in made.values():
        export_run(run, device="cpu")
    return made


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image of the networks' size, as a file."""
    path = tmp_path_factory.mktemp("images") / "one.png"
    Image.fromarray(pictures()[3].transpose(1, 2, 0)).save(path)
    return path


def given(run: Path, image: Path) -> np.ndarray:
    """What the exported file gives for an image, by Pillow and onnxruntime alone."""
    session = ort.InferenceSession(str(run / "model.onnx"), providers=["CPUExecutionProvider"])
    with Image.open(image) as opened:
        pixels = np.asarray(opened.convert("RGB")).transpose(2, 0, 1)[None]
    outputs: np.ndarray = session.run(None, {"images": pixels})[0][0]
    return outputs


def answers(specc: Any, *arguments: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    answer = specc("predict", *arguments, "--json")
    assert answer.status == 0, answer.err
    found = json.loads(answer.out)
    return found, found["predictions"][0]


def test_tags_over_a_threshold(specc: Any, runs: dict[str, Path], image: Path) -> None:
    run = runs["multi-label"]
    wanted = given(run, image)
    names = from_file(run / "model.onnx").outputs
    for model in (run, run / "model.onnx"):
        found, one = answers(specc, model, image, "--threshold", "0")
        assert (found["task"], found["threshold"]) == ("multi-label", 0)
        assert [tag["name"] for tag in one["tags"]] == [names[i] for i in np.argsort(-wanted, kind="stable")]
        assert {tag["name"]: tag["probability"] for tag in one["tags"]} == pytest.approx(
            dict(zip(names, map(float, wanted), strict=True)), abs=1e-5
        )
    bound = float(np.sort(wanted)[-2:].mean())
    _, one = answers(specc, run, image, "--threshold", str(bound))
    assert [tag["name"] for tag in one["tags"]] == [names[wanted.argmax()]]
    assert "no tag of at least 100%" in specc("predict", run, image, "--threshold", "1").out


def test_numbers_with_their_names(specc: Any, runs: dict[str, Path], image: Path) -> None:
    run = runs["regression"]
    wanted = given(run, image)
    for model in (run, run / "model.onnx"):
        _, one = answers(specc, model, image)
        assert [number["name"] for number in one["numbers"]] == ["year", "share"]
        assert [number["value"] for number in one["numbers"]] == pytest.approx(wanted.tolist(), rel=1e-6)
    lines = specc("predict", run, image).out.splitlines()
    assert lines[0] == str(image) and lines[1].split() == ["year", f"{wanted[0]:.6g}"]


def test_masks_are_written_at_the_size_of_the_image(
    specc: Any, runs: dict[str, Path], image: Path, tmp_path: Path
) -> None:
    run, large = runs["segmentation"], tmp_path / "large.jpg"
    with Image.open(image) as opened:
        opened.resize((4 * SIDE, 3 * SIDE), Image.Resampling.NEAREST).save(large, quality=95)
    for model in (run, run / "model.onnx"):
        found, one = answers(specc, model, image, large, "--out", tmp_path / "masks")
        assert found["task"] == "segmentation" and one["mask"] == str(tmp_path / "masks" / "one.png")
        with Image.open(one["mask"]) as mask:
            assert mask.mode == "P" and mask.size == (SIDE, SIDE)
            assert np.array_equal(np.asarray(mask), given(run, image).argmax(axis=0))
            assert np.array_equal(np.array(mask.getpalette()).reshape(-1, 3)[:3], palette()[:3])
            shares = np.bincount(np.asarray(mask).reshape(-1), minlength=3) / SIDE**2
        assert [entry["name"] for entry in one["classes"]] == ["ground", "cell", "edge"]
        assert [entry["share"] for entry in one["classes"]] == pytest.approx(shares.tolist())
        with Image.open(image) as opened, Image.open(one["overlay"]) as overlay:
            mask = given(run, image).argmax(axis=0)
            raw, shown = np.asarray(opened).astype(float), np.asarray(overlay)
        mixed = np.rint(raw / 2 + palette()[mask].astype(float) / 2)
        assert np.array_equal(shown, np.where(mask[:, :, None] > 0, mixed, raw))
        with (
            Image.open(tmp_path / "masks" / "large.png") as mask,
            Image.open(found["predictions"][1]["overlay"]) as over,
        ):
            assert mask.size == over.size == (4 * SIDE, 3 * SIDE)
    text = specc("predict", run, image).out
    assert [line.split()[0] for line in text.splitlines()[1:]] == ["ground", "cell", "edge"]


def test_options_that_a_task_has_no_use_for_are_refused(
    specc: Any, runs: dict[str, Path], image: Path, tmp_path: Path
) -> None:
    options = {"--top": "3", "--threshold": "0.5", "--out": str(tmp_path)}
    for task, own in zip(TASKS, ("--threshold", "", "--out"), strict=True):
        for option, value in options.items():
            answer = specc("predict", runs[task], image, option, value)
            assert answer.status == (0 if option == own else 2), (task, option)
            assert option == own or ("E475" in answer.err and f"was trained for {task}" in answer.err)


def test_masks_never_lie_over_images_or_each_other(
    specc: Any, runs: dict[str, Path], image: Path, tmp_path: Path
) -> None:
    before = image.read_bytes()
    answer = specc("predict", runs["segmentation"], image, "--out", image.parent)
    assert answer.status == 2 and "is one of the images" in answer.err and image.read_bytes() == before
    other = tmp_path / "one.png"
    other.write_bytes(before)
    answer = specc("predict", runs["segmentation"], image, other, "--out", tmp_path / "masks")
    assert answer.status == 2 and "would both be written" in answer.err and not (tmp_path / "masks").exists()
    (tmp_path / "file").write_text("")
    third = tmp_path / "third.png"
    third.write_bytes(before)
    answer = specc("predict", runs["segmentation"], image, third, "--out", tmp_path / "file", "--json")
    assert answer.status == 2 and answer.err.count("error[E481]") == 1
    assert "stopped there: 1 image not looked at" in answer.err and json.loads(answer.out)["predictions"] == []


@pytest.mark.parametrize("how", [Resize(Size(6, 8)), Resize(Size(6, 8), "cover"), Resize(Size(6, 8), "contain")])
def test_mask_goes_back_to_where_the_image_was(how: Resize) -> None:
    """A mark in an image lies under the class that the network gives at its place."""
    size, seen = Size(30, 20), Size(4, 6)
    mask = np.arange(24, dtype=np.uint8).reshape(seen)
    found = to_image(mask, size, how)
    assert found.shape == (30, 20)
    rows, columns = how.axes(size)
    for y in range(30):
        for x in range(20):
            row = int((y + 0.5) * rows.new / 30) - rows.start - (6 - 4) // 2
            column = int((x + 0.5) * columns.new / 20) - columns.start - (8 - 6) // 2
            inside = 0 <= row < 4 and 0 <= column < 6
            assert found[y, x] == (mask[row, column] if inside else UNSEEN)


def test_what_was_cropped_away_has_no_class(specc: Any, tmp_path: Path, image: Path) -> None:
    run = trained(tmp_path, "segmentation", data="resize = cover(12x12)", size=(20, 15))
    wide = tmp_path / "wide.png"
    with Image.open(image) as opened:
        opened.resize((40, 20)).save(wide)
    answer = specc("predict", run, wide, "--out", tmp_path / "masks")
    assert answer.status == 0 and "50% of" in answer.err and "was cropped away" in answer.err
    mask = predict(from_run(run), wide).mask
    assert mask is not None and (mask == UNSEEN).mean() == 0.5
    assert np.array_equal(overlaid(np.zeros((3, 1, 2), np.uint8), np.array([[UNSEEN, 1]], np.uint8))[0, 0], [0, 0, 0])
