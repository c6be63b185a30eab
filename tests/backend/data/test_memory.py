"""Memory for many images: it is taken once, and what is left out or divided is moved within it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from specc.backend.data.dataset import load
from specc.backend.data.memory import Room, move_to_front
from specc.backend.data.split import Resident
from specc.check import check
from specc.source import Source

SPEC = """
data {{ source = folder("{folder}"{more}); validation = split(25%) }}
train {{ batch = 4; epochs = 1; loss = cross_entropy; optimizer = sgd(0.1) }}
network N {{ input(3, 4x4); flatten -> dense(2) }}
"""


@pytest.mark.parametrize("numbers", [[], [0, 1, 2], [2, 3, 7], list(range(8))])
def test_images_move_to_the_front(numbers: list[int]) -> None:
    images = torch.arange(8 * 6, dtype=torch.uint8).reshape(8, 1, 2, 3)
    expected = images[numbers].clone()
    moved = move_to_front(images, numbers)
    assert torch.equal(moved, expected)
    assert moved.data_ptr() == images.data_ptr() or not numbers


def test_a_place_is_given_while_there_is_room_for_all() -> None:
    room = Room(3, 3 * 12)
    first = room.place(1, (3, 2, 2))
    assert first is not None and room.images is not None and room.images.shape == (3, 3, 2, 2)
    first[...] = 7
    assert room.images[1].eq(7).all()
    assert room.place(2, (3, 2, 1)) is None  # of another shape
    assert Room(3, 3 * 12 - 1).place(0, (3, 2, 2)) is None


@pytest.mark.parametrize("resized", ["", "; resize = 4x4"])
def test_training_images_stay_where_they_were_read(tmp_path: Path, resized: str) -> None:
    draw = np.random.default_rng(0)
    pixels = {}
    for number in range(40):
        place = tmp_path / "photos" / "ab"[number % 2] / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        pixels[str(place)] = draw.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(pixels[str(place)]).save(place)
    (tmp_path / "photos" / "a" / "broken.png").write_bytes(b"no image")
    text = SPEC.format(folder=tmp_path / "photos", more=", skip_broken=true").replace(
        "; validation", f"{resized}; validation"
    )
    settings = check(Source("net.cnn", text)).data
    assert settings is not None
    data = load(settings)
    for split in (data.train, data.validation):
        assert isinstance(split, Resident)
        for name, image in zip(split.names, split.images, strict=True):
            assert np.array_equal(image.permute(1, 2, 0).numpy(), pixels[name])
    assert isinstance(data.train, Resident)
    assert data.train.images.untyped_storage().nbytes() == 41 * 48  # that of all files: no copy was made
