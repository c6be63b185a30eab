"""Every damaged image that is given to `specc predict` is met by its own error."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from specc.backend.images import BadImage, decode
from specc.backend.predict import predict
from specc.backend.predict.file import from_file
from tests.helpers.damaged_images import IMAGES, saved
from tests.helpers.tiny_model import sealed, tiny_body


@pytest.mark.parametrize("name", IMAGES)
def test_an_image(name: str, tmp_path: Path, meets: Callable[..., None]) -> None:
    make, code, phrase = IMAGES[name]
    (tmp_path / "model.onnx").write_bytes(sealed(tiny_body()))
    path = tmp_path / "a\nerror[E000]: b\x1b.png"
    path.write_bytes(make) if isinstance(make, bytes) else make(path)
    classifier = from_file(tmp_path / "model.onnx")
    meets(code, phrase, lambda: predict(classifier, path, 1))


def test_an_image_that_says_it_is_upright_a_million_times(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "a.jpg"
    path.write_bytes(saved("jpeg", exif=exif)[:-2] + bytes(1_000_000))
    try:
        assert decode(path, 3).shape == (3, 4, 4)
    except BadImage as error:
        assert "is damaged" in str(error)  # noqa: PT017 - either will do
