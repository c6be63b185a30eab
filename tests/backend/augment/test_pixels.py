"""What spoils pixels, by counting."""

from collections import Counter

import torch
from scipy import stats

from tests.helpers.tiny_images import binomial, changed, follows


def test_noise_has_its_deviation_and_its_share() -> None:
    x = torch.full((1000, 3, 8, 8), 0.5)
    added = changed("noise(0.02, p=0.3)", x) - x
    hit = added.flatten(1).abs().amax(1) > 0
    assert binomial(int(hit.sum()), 1000, 0.3)
    assert follows(added[hit].flatten()[::7].double().tolist(), stats.norm(0, 0.02).cdf)


def test_cutout_blackens_a_square_around_every_pixel_alike() -> None:
    x = torch.ones(4000, 1, 9, 7)
    black = 1 - changed("cutout(4x3)", x)[:, 0]
    rows, columns = black.amax(2), black.amax(1)
    assert torch.equal(black, rows[:, :, None] * columns[:, None, :])
    expected = {  # for each row (column) of the center: which rows (columns) are black
        tuple(top <= place < top + span for place in range(length))
        for length, span in ((9, 4), (7, 3))
        for top in range(-(span // 2), length - span // 2)
    }
    seen = Counter(tuple(bool(value) for value in line) for line in rows.tolist())
    assert set(seen) <= expected and len(seen) == 9
    assert stats.chisquare(list(seen.values())).pvalue > 1e-3
    assert len({tuple(line) for line in columns.tolist()}) == 7


def test_erase_fills_a_rectangle_within_the_image_with_random_pixels() -> None:
    x = torch.full((2000, 1, 40, 40), 2.0)
    result = changed("erase(0.4, scale=(0.1, 0.3), ratio=(0.5, 2))", x)[:, 0]
    hit = result != 2
    some = hit.flatten(1).any(1)
    assert binomial(int(some.sum()), 2000, 0.4)
    height, width = hit.any(2).sum(1), hit.any(1).sum(1)
    assert torch.equal(hit.sum((1, 2)), height * width)  # a full rectangle
    share, shape = (height * width)[some] / 1600, (width / height)[some]
    assert share.min() > 0.09 and share.max() < 0.32
    assert shape.min() > 0.45 and shape.max() < 2.2
    assert follows(result[hit][::50].double().tolist(), "uniform")
