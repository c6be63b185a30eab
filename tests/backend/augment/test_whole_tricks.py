"""Whole tricks as they stand in a spec, image by image against Pillow.

An image's draw depends on its number alone. So what was drawn is read off ramps, on which it is plain to see; then the
same is drawn for pictures, and Pillow does it to each of them.
"""

import colorsys

import pytest
import torch
from PIL import Image
from scipy import stats
from torch import Tensor

from tests.helpers.tiny_images import changed, follows, from_pillow, same, smooth_images, to_pillow

SIZE, COUNT = 32, 300
MIDDLE = SIZE // 2


def ramps() -> Tensor:
    """In channel 0 the number of the row, in channel 1 that of the column."""
    places = torch.arange(SIZE, dtype=torch.float32)
    rows, columns = torch.meshgrid(places, places, indexing="ij")
    return torch.stack([rows, columns, rows]).expand(COUNT, -1, -1, -1)


@pytest.mark.parametrize(
    ("text", "scale", "ratio"),
    [
        ("crop_and_resize", (0.8, 1.0), (3 / 4, 4 / 3)),
        ("crop_and_resize(scale=(0.08, 0.5), ratio=(0.5, 2))", (0.08, 0.5), (0.5, 2.0)),
    ],
)
def test_crop_and_resize(text: str, scale: tuple[float, float], ratio: tuple[float, float]) -> None:
    seen = changed(text, ramps())
    lines = torch.stack([seen[:, 0, :, MIDDLE], seen[:, 1, MIDDLE, :]], 2)  # N x SIZE x (rows, columns)
    box = (lines[:, MIDDLE] - lines[:, MIDDLE - 1]) * SIZE
    corner = lines[:, MIDDLE] - ((MIDDLE + 0.5) * box / SIZE - 0.5)
    assert (box - box.round()).abs().max() < 1e-2 and (corner - corner.round()).abs().max() < 1e-2
    box, corner = box.round(), corner.round()
    assert (corner >= 0).all() and (corner + box <= SIZE).all()
    area, shape = box.prod(1) / SIZE**2, box[:, 1] / box[:, 0]
    # Sides are whole numbers of pixels, half a pixel off at most.
    slack = 1 + 0.5 * (1 / box).sum(1)
    assert (area * slack >= scale[0]).all() and (area / slack <= scale[1]).all()
    assert (shape * slack >= ratio[0]).all() and (shape / slack <= ratio[1]).all()
    assert area.std() > 0.2 * (scale[1] - scale[0]) and len(corner.unique(dim=0)) > 15

    pictures = smooth_images(12)
    for picture, mine, (top, left), (tall, wide) in zip(
        pictures, changed(text, pictures), corner.int().tolist(), box.int().tolist(), strict=False
    ):
        part = to_pillow(picture).crop((left, top, left + wide, top + tall))
        assert same(mine, from_pillow(part.resize((SIZE, SIZE), Image.Resampling.BILINEAR)), 1.01)


def test_rotate() -> None:
    seen = changed("rotate(60)", ramps())
    across = seen[:, :2, MIDDLE, MIDDLE] - seen[:, :2, MIDDLE, MIDDLE - 1]  # how row and column change to the right
    degrees = torch.atan2(across[:, 0], across[:, 1]).rad2deg()
    assert follows(degrees.double().tolist(), stats.uniform(-60, 120).cdf)

    pictures = smooth_images(12)
    rows, columns = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    core = (rows - 15.5) ** 2 + (columns - 15.5) ** 2 < 14**2  # within the image at every angle
    for picture, mine, by in zip(pictures, changed("rotate(60)", pictures), degrees.tolist(), strict=False):
        turned = from_pillow(to_pillow(picture).rotate(by, Image.Resampling.BILINEAR))
        assert same(mine[:, core], turned[:, core], 1.51)


def test_hue_turns_by_up_to_its_amount_either_way() -> None:
    red = torch.tensor([0.9, 0.1, 0.1]).view(1, 3, 1, 1).expand(2000, -1, 1, 1)
    hues = [colorsys.rgb_to_hsv(*pixel)[0] for pixel in changed("hue(0.2)", red).flatten(1).tolist()]
    turns = [hue - 1 if hue > 0.5 else hue for hue in hues]
    assert follows(turns, stats.uniform(-0.2, 0.4).cdf)
