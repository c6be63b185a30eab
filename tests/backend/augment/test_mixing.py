"""Mixed images and their labels, against the papers' formulas."""

from collections import Counter

import pytest
import torch
from scipy import stats

from specc.backend.augment import mixing
from tests.helpers.tiny_images import binomial, follows, random_images, run


@pytest.mark.parametrize("alpha", [0.05, 0.2, 1.0, 4.0])
def test_shares_are_beta_distributed(alpha: float) -> None:
    numbers = torch.rand(20_000, 2, generator=torch.Generator().manual_seed(1))
    share = mixing.beta(numbers, alpha)
    assert share.isfinite().all() and share.min() >= 0 and share.max() <= 1
    inner = share[(share > 1e-4) & (share < 1 - 1e-4)].double()  # float32 rounds the extremes to 0 and 1
    law = stats.beta(alpha, alpha)
    low, high = law.cdf([1e-4, 1 - 1e-4])
    assert follows(inner.tolist(), lambda value: (law.cdf(value) - low) / (high - low))
    assert binomial(len(inner), 20_000, high - low)


def test_shares_are_finite_at_the_ends_of_the_draw() -> None:
    ends = torch.tensor([[0.0, 0.0], [1 - 2.0**-24, 0.0], [1 - 2.0**-24, 0.25], [0.0, 0.5], [0.5, 0.75]])
    assert mixing.beta(ends, 0.01).isfinite().all()


def test_mixup_mixes_images_and_labels_by_the_same_share() -> None:
    x, labels = random_images(30), torch.arange(30) % 10
    result, targets = run("mixup(1)", x, labels=labels)
    assert targets.shape == (30, 10) and torch.allclose(targets.sum(1), torch.ones(30))
    share = targets.gather(1, labels[:, None])[:, 0].view(-1, 1, 1, 1)
    assert share.std() > 0.1
    assert torch.allclose(result, share * x + (1 - share) * x.roll(1, 0), atol=1e-5)
    partner = targets.gather(1, labels.roll(1)[:, None])[:, 0]
    assert torch.allclose(partner, 1 - share.flatten(), atol=1e-6)


def test_mixup_of_two_images_of_a_class_keeps_the_label_whole() -> None:
    _, targets = run("mixup(1)", random_images(4), labels=torch.full((4,), 7))
    assert torch.allclose(targets[:, 7], torch.ones(4))


def test_cutmix_pastes_a_rectangle_and_mixes_labels_by_its_area() -> None:
    x = torch.arange(1.0, 401).view(-1, 1, 1, 1).repeat(1, 1, 12, 10)
    labels = torch.arange(400) % 10
    result, targets = run("cutmix(1)", x, labels=labels)
    own = (result == x)[:, 0]
    assert ((result == x.roll(1, 0))[:, 0] | own).all()
    foreign = ~own
    height, width = foreign.any(2).sum(1), foreign.any(1).sum(1)
    assert torch.equal(foreign.sum((1, 2)), height * width)
    share = own.float().mean((1, 2))
    assert torch.allclose(targets.gather(1, labels[:, None])[:, 0], share, atol=1e-6)
    assert torch.allclose(targets.sum(1), torch.ones(400), atol=1e-6)
    # alpha = 1: the box, before the border cuts it, has a uniform area; the border cuts a third or so of it away
    assert 0.55 < share.mean() < 0.8


@pytest.mark.parametrize(("text", "alpha"), [("mixup", 0.2), ("mixup(0.7)", 0.7), ("mixup(1)", 1.0), ("mixup(5)", 5.0)])
def test_the_share_of_a_label_is_drawn_from_the_papers_law(text: str, alpha: float) -> None:
    """Zhang et al., 2017, section 2: lambda from Beta(alpha, alpha)."""
    labels = torch.arange(5000) % 10
    _, targets = run(text, torch.zeros(5000, 1, 1, 1), labels=labels)
    share = targets.gather(1, labels[:, None])[:, 0].double()
    inner = share[(share > 1e-3) & (share < 1 - 1e-3)]
    law = stats.beta(alpha, alpha)
    low, high = law.cdf([1e-3, 1 - 1e-3])
    assert follows(inner.tolist(), lambda value: (law.cdf(value) - low) / (high - low))
    assert binomial(len(inner), 5000, high - low)


def test_the_box_of_cutmix_is_as_large_as_its_share_and_around_every_pixel_alike() -> None:
    """Yun et al., 2019, equation 2: sides sqrt(1 - lambda) of the image's, the center uniform. Here lambda is 1/2."""
    x = (torch.arange(4000) % 2).float().view(-1, 1, 1, 1).repeat(1, 1, 10, 7)
    foreign = (run("cutmix(1000000)", x)[0] != x)[:, 0]
    rows, columns = foreign.any(2), foreign.any(1)
    for lines, length, side in ((rows, 10, 7), (columns, 7, 4)):  # 7.07 and 4.95, rounded down
        counts = Counter(tuple(line) for line in lines.tolist())
        starts = range(-(side // 2), length - side // 2)
        assert set(counts) == {tuple(start <= i < start + side for i in range(length)) for start in starts}
        assert stats.chisquare(list(counts.values())).pvalue > 1e-3
