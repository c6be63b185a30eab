"""A look at image files in bounded time."""

import pytest
from PIL import Image

from specc.backend.data.raw import Files
from specc.backend.starter import pictures
from specc.backend.starter.pictures import look, spread
from specc.errors import SpeccError
from specc.values import Size
from tests.helpers.tiny_data import levels
from tests.helpers.tiny_pictures import turned, write_kinds


def test_every_kind_of_file(tmp_path):
    names = [path.name for path in write_kinds(tmp_path)]
    seen = look(Files(tmp_path, names))
    assert (seen.decoded, seen.broken, seen.is_sampled, seen.is_gray) == (len(names), {}, False, False)
    assert set(seen.sizes) == {Size(24, 18), Size(18, 24), Size(16, 16)}
    assert seen.deep is None  # there are 16-bit colors among them


def test_an_image_that_is_gray_in_color(tmp_path):
    gray = Image.fromarray(levels(9, 7))
    gray.convert("RGB").save(tmp_path / "1.png")
    gray.save(tmp_path / "2.png")
    gray.save(tmp_path / "3.jpg", exif=turned(6))
    seen = look(Files(tmp_path, ["1.png", "2.png", "3.jpg"]))
    assert seen.is_gray and seen.copies == ((0, 1),)
    assert seen.sizes == (Size(9, 7), Size(9, 7), Size(7, 9))


def test_a_sample_is_decoded(tmp_path, monkeypatch):
    for number in range(20):
        Image.fromarray(levels(10, 10, 3)).save(tmp_path / f"{number}.png")
    (tmp_path / "7.png").write_bytes(b"no")
    monkeypatch.setattr(pictures, "MOST_DECODED", 500)
    seen = look(Files(tmp_path, [f"{number}.png" for number in range(20)]))
    assert (seen.decoded, len(seen.sizes), list(seen.broken)) == (5, 19, [7])
    assert seen.is_sampled
    monkeypatch.setattr(pictures, "MOST_FILES", 4)
    assert len(look(Files(tmp_path, [f"{number}.png" for number in range(20)])).sizes) == 4


def test_large_files_are_not_read_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "LIGHT", 1_000)
    for suffix in ("png", "jpg", "tif"):
        Image.fromarray(levels(50, 40, 3)).save(tmp_path / f"1.{suffix}")
    assert look(Files(tmp_path, ["1.png", "1.jpg", "1.tif"])).sizes == (Size(50, 40),) * 3


def test_nothing_that_can_be_used(tmp_path):
    (tmp_path / "1.png").write_bytes(b"no")
    with pytest.raises(SpeccError) as caught:
        look(Files(tmp_path, ["1.png", "2.png"]))
    assert caught.value.code == "E405" and "2.png cannot be read" in caught.value.message


def test_spread():
    assert spread(range(10), 3) == [0, 3, 6]
    assert spread([5, 6], 3) == [5, 6]
