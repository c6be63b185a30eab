"""Image files of every kind give the same classes through PyTorch and through the exported file, or a clear refusal."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from specc.backend.onnx.export import export_run
from specc.backend.predict import Predictor, predict
from specc.backend.predict.file import from_file
from specc.backend.predict.run import from_run
from specc.errors import SpeccError
from tests.helpers.tiny_pictures import GRAY, RGB, turned, write_kinds
from tests.helpers.tiny_run import gray_trained, resizing_trained, trained


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_kinds(tmp_path_factory.mktemp("pictures"))


RUNS = {"color": (trained, 1e-5), "gray": (gray_trained, 1e-5), "resizing": (resizing_trained, 1e-3)}


@pytest.fixture(scope="module", params=RUNS)
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Predictor, Predictor, float]:
    """The same model in PyTorch and as a file, and how far their probabilities may be apart."""
    make, allowed = RUNS[request.param]
    run = make(tmp_path_factory.mktemp(request.param))
    (exported,) = export_run(run, device="cpu")
    return from_run(run), from_file(exported.path), allowed


def test_every_kind_of_image_gives_the_same_classes(
    both: tuple[Predictor, Predictor, float], pictures: list[Path]
) -> None:
    ours, theirs, allowed = both
    assert len(pictures) == 21
    for picture in pictures:
        one, other = (predict(classifier, picture, top=3) for classifier in (ours, theirs))
        assert one.resized == other.resized
        found, expected = dict(other.values), dict(one.values)
        assert all(abs(found[name] - expected[name]) <= allowed for name in expected), picture.name
        (first, most), (_, next_) = one.values[:2]
        assert other.values[0][0] == first or most - next_ <= 2 * allowed, picture.name


@pytest.mark.parametrize("turn", range(2, 9))
def test_a_turned_photograph_is_the_upright_one(
    both: tuple[Predictor, Predictor, float], tmp_path: Path, turn: int
) -> None:
    """Each orientation of EXIF undone by hand, without loss."""
    undo = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE", 6: "ROTATE_270",
            7: "TRANSVERSE", 8: "ROTATE_90"}  # fmt: skip
    image = Image.fromarray(RGB)
    image.save(tmp_path / "turned.png", exif=turned(turn))
    image.transpose(Image.Transpose[undo[turn]]).save(tmp_path / "upright.png")
    for classifier in both[:2]:
        one, other = (predict(classifier, tmp_path / name, 3).values for name in ("turned.png", "upright.png"))
        assert one == other


REFUSED = {
    "float.tif": (Image.fromarray(GRAY.astype(np.float32)), "floating-point pixels of unknown range"),
    "integers.tif": (Image.fromarray(GRAY.astype(np.int32)), "32-bit integer pixels of unknown range"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_pixels_of_unknown_range_are_refused(
    both: tuple[Predictor, Predictor, float], tmp_path: Path, name: str
) -> None:
    image, reason = REFUSED[name]
    image.save(tmp_path / name)
    for classifier in both[:2]:
        with pytest.raises(SpeccError, match=reason) as caught:
            predict(classifier, tmp_path / name, 1)
        assert (caught.value.code, caught.value.status) == ("E461", 1)
