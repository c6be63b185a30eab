"""What holds for every augmentation, and for pipelines of them."""

import pytest
import torch

from specc.backend.augment import augment
from specc.backend.rng import Tables
from specc.tricks.augment import COMPONENTS
from tests.helpers.tiny_images import binomial, changed, pipeline, random_images, run, same

EVERY = [
    "flip", "flip(vertical)", "flip(alternating)", "crop(16, pad=3)", "crop(12)", "crop_and_resize(scale=(0.3, 1))",
    "shift(2)", "shift(2, fill=reflect)", "rotate(30)", "noise(0.1, p=0.5)", "cutout(5)", "erase(0.7)",
    "brightness(0.4)", "contrast(0.4)", "saturation(0.4)", "hue(0.2)", "grayscale(0.4)", "rand_augment(2, 20)",
    "trivial_augment", "maybe(0.5) { shift(3) -> noise(0.2) }", "maybe { choose { | flip | hue(0.5) } }",
    "choose { | rotate(90) | cutout(9) -> flip | crop(16) }", "flip -> crop(16, pad=2) -> noise(0.05)",
]  # fmt: skip


@pytest.mark.parametrize("text", EVERY)
def test_an_image_is_changed_alike_in_every_batch(text: str) -> None:
    x = random_images(60)
    whole = changed(text, x)
    some = torch.tensor([59, 3, 17, 4])
    assert same(run(text, x[some], some)[0], whole[some], 1e-2)


@pytest.mark.parametrize("text", [text for text in EVERY if text != "flip(alternating)"])
def test_epochs_and_seeds_differ_and_repeat(text: str) -> None:
    x = random_images(40)
    first = changed(text, x, seed=1, epoch=1)
    assert torch.equal(first, changed(text, x, seed=1, epoch=1))
    assert not torch.equal(first, changed(text, x, seed=1, epoch=2))
    assert not torch.equal(first, changed(text, x, seed=2, epoch=1))


@pytest.mark.parametrize("text", EVERY)
def test_images_are_not_changed_in_place(text: str) -> None:
    x = random_images(20)
    before = x.clone()
    changed(text, x)
    assert torch.equal(x, before)


def test_every_augmentation_of_the_vocabulary_is_tried() -> None:
    tried = " ".join([*EVERY, "mixup", "cutmix"])
    assert all(trick.name in tried for trick in COMPONENTS)


@pytest.mark.parametrize("trick", COMPONENTS, ids=lambda trick: trick.name)
def test_examples_run(trick: object) -> None:
    x, targets = run(trick.example, random_images(8))  # type: ignore[attr-defined]
    assert x.isfinite().all() and len(targets) == 8


def test_targets_stay_labels_where_nothing_mixes() -> None:
    _, targets = run("flip -> maybe { noise(0.1) }", random_images(10))
    assert targets.dtype == torch.int64 and torch.equal(targets, torch.arange(10))


def test_maybe_changes_its_share_of_the_images() -> None:
    x = torch.full((2000, 1, 3, 3), 0.4)
    hit = (changed("maybe(0.2) { brightness(0.5) }", x) != x).flatten(1).any(1)
    assert binomial(int(hit.sum()), 2000, 0.2)
    assert torch.equal(changed("maybe(0) { brightness(0.5) }", x), x)


def test_choose_takes_every_branch_alike() -> None:
    x = torch.ones(3000, 1, 6, 6)
    result = changed("choose { | cutout(1) | noise(0.1) | maybe(0) { flip } }", x)
    spoiled = (result != 1).flatten(1).sum(1)
    counts = [int((spoiled == 1).sum()), int((spoiled > 1).sum()), int((spoiled == 0).sum())]
    assert all(binomial(count, 3000, 1 / 3) for count in counts)


def test_branches_may_mix_images() -> None:
    x = random_images(300)
    labels = torch.arange(300) % 10
    result, targets = run("choose { | mixup(1) | noise(0.1) } -> maybe(0.5) { cutmix(1) }", x, labels=labels)
    assert targets.shape == (300, 10) and torch.allclose(targets.sum(1), torch.ones(300), atol=1e-5)
    whole = (targets.gather(1, labels[:, None])[:, 0] > 1 - 1e-6).float().mean()
    assert 0.2 < whole < 0.35  # a quarter is neither mixed nor cut
    assert result.isfinite().all()


def test_two_uses_of_one_trick_draw_for_themselves() -> None:
    x = torch.zeros(500, 1, 4, 4)
    once, twice = changed("noise(0.1)", x), changed("noise(0.1) -> noise(0.1)", x)
    assert 1.35 < (twice.std() / once.std()).item() < 1.48  # the root of 2, not 2


def test_branches_that_crop_give_one_size() -> None:
    assert changed("choose { | crop(8) | crop(8, pad=2) -> flip }", random_images(30)).shape == (30, 3, 8, 8)


@pytest.mark.parametrize("text", EVERY)
def test_working_on_all_images_and_picking_gives_the_same(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x = random_images(60)
    by_part = changed(text, x)
    monkeypatch.setattr("specc.backend.augment.by_part", lambda x: False)
    monkeypatch.setattr("specc.backend.augment.draw.by_part", lambda x: False)
    assert same(changed(text, x), by_part)


@pytest.mark.parametrize("text", [*EVERY, "flip -> crop(16, pad=2) -> noise(0.1) -> cutout(4)", "mixup -> flip"])
@pytest.mark.parametrize("in_parts", [True, False])
def test_bytes_become_what_floats_become_and_tables_draw_the_same(
    text: str, in_parts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in "", ".draw", ".geometry":
        monkeypatch.setattr(f"specc.backend.augment{module}.by_part", lambda x: in_parts)
    x, images = random_images(60), torch.arange(60) * 3
    tricks = pipeline(text)
    floats = augment(x, images % 10, images, seed=3, epoch=2, tricks=tricks, classes=10)
    levels = (x * 255).round().to(torch.uint8)
    found = augment(levels, images % 10, images, seed=3, epoch=2, tricks=tricks, classes=10, tables=Tables(200))
    assert found[0].dtype == torch.float32
    assert all(torch.equal(one, other) for one, other in zip(found, floats, strict=True))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("text", [*EVERY, "mixup", "cutmix", "choose { | mixup | crop(16) }"])
def test_an_accelerator_draws_and_computes_alike(text: str) -> None:
    x, labels, images = random_images(40), torch.arange(40) % 10, torch.arange(40) * 31
    here = augment(x, labels, images, seed=3, epoch=2, tricks=pipeline(text), classes=10)
    there = augment(x.cuda(), labels.cuda(), images.cuda(), seed=3, epoch=2, tricks=pipeline(text), classes=10)
    if not text.startswith(("rand", "trivial")):  # a pixel between two others may go either way
        assert same(there[0].cpu(), here[0], 0.02)
    assert torch.allclose(there[1].cpu().float(), here[1].float(), atol=1e-5)
