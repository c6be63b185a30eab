"""What moves pixels moves masks: by the same draw, from the nearest pixel, and `ignore` comes in from outside."""

import pytest
import torch
from torch import Tensor

from specc.backend.augment import augment
from specc.check import check
from specc.source import Source
from specc.values import Bound

COUNT, SIZE, CLASS, IGNORE = 48, 32, 3, 255

# what moves pixels; whether something comes in from outside; how much of the rest agrees with the image
MOVES = {
    "flip": (False, 1.0),
    "flip(vertical)": (False, 1.0),
    "flip(alternating)": (False, 1.0),
    "crop(32, pad=4)": (True, 1.0),
    "crop(32, pad=4, fill=reflect)": (False, 1.0),
    "shift(5)": (True, 1.0),
    "rotate(30)": (True, 0.995),
    "crop_and_resize(scale=(0.3, 1))": (False, 0.995),
    "rand_augment(n=1, m=9)": (True, 0.98),
    "trivial_augment": (True, 0.98),
    "choose { | flip | rotate(20) | noise(0.1) }": (True, 0.99),
    "maybe(0.5) { shift(6) -> flip }": (True, 1.0),
}
STAYS = ["noise(0.1)", "cutout(8)", "erase(100%)", "brightness(0.3)", "contrast(0.3)", "saturation(0.3)", "hue(0.1)",
         "grayscale(50%)"]  # fmt: skip


def images_and_masks() -> tuple[Tensor, Tensor]:
    """White rectangles on black, and masks of them."""
    images = torch.zeros(COUNT, 3, SIZE, SIZE, dtype=torch.uint8)
    masks = torch.zeros(COUNT, SIZE, SIZE, dtype=torch.uint8)
    corners = torch.randint(4, 20, (COUNT, 2), generator=torch.Generator().manual_seed(0)).tolist()
    for number, (top, left) in enumerate(corners):
        images[number, :, top : top + 9, left : left + 7] = 255
        masks[number, top : top + 9, left : left + 7] = CLASS
    return images, masks


def tricks(text: str) -> tuple[Bound, ...]:
    network = "network N { global_avg_pool -> dense(10) }"
    checked = check(Source("net.cnn", f"data {{ source = cifar10; augment = {text} }}\n{network}"))
    assert checked.data is not None, checked.errors
    return checked.data.augment


def augmented(text: str, images: Tensor, masks: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
    return augment(images, masks, numbers, seed=1, epoch=1, tricks=tricks(text), classes=4, ignore=IGNORE)


@pytest.mark.parametrize("text", MOVES)
def test_masks_move_with_the_images(text: str) -> None:
    outside, agreement = MOVES[text]
    images, masks = images_and_masks()
    moved, labels = augmented(text, images, masks, torch.arange(COUNT))
    assert labels.dtype == torch.uint8 and labels.shape == masks.shape
    counted = labels != IGNORE
    assert set(labels.unique().tolist()) <= {0, CLASS, IGNORE} and bool((~counted).any()) == outside
    assert bool((labels != masks).any())
    white = moved.mean(1) > 0.5
    assert float((white == (labels == CLASS))[counted].float().mean()) >= agreement
    assert not white[~counted].any() or "augment" in text


@pytest.mark.parametrize("text", STAYS)
def test_masks_stay_where_only_colors_change(text: str) -> None:
    images, masks = images_and_masks()
    masks[0, 0] = IGNORE
    _, labels = augmented(text, images, masks, torch.arange(COUNT))
    assert torch.equal(labels, masks)


@pytest.mark.parametrize("text", MOVES)
def test_a_mask_has_draws_of_its_own(text: str) -> None:
    images, masks = images_and_masks()
    numbers = torch.arange(COUNT)
    _, labels = augmented(text, images, masks, numbers)
    some = torch.tensor([5, 2, 40])
    _, alone = augmented(text, images[some], masks[some], numbers[some])
    assert torch.equal(alone, labels[some])


def test_what_is_ignored_moves_too() -> None:
    images, masks = images_and_masks()
    masks[:, :4] = IGNORE
    _, labels = augmented("flip(vertical)", images, masks, torch.arange(COUNT))
    flipped = labels[:, -4:] == IGNORE
    assert bool(flipped.flatten(1).all(1).any()) and int((labels == IGNORE).sum()) == COUNT * 4 * SIZE
