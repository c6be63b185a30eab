"""`preprocess` in the emitted source: what a trained network and the exported file do to an image."""

import numpy as np
import pytest
import torch

from specc.backend.data.normalize import normalizer
from specc.backend.resizing import resize
from specc.check import check
from specc.source import Source
from specc.tricks.resize import Resize
from specc.values import Size

NET = "network N { input(3, 12x10) -> global_avg_pool -> dense(2) }"
MEAN, STD = [0.5, 0.4, 0.3], [0.2, 0.25, 0.3]
IMAGES = torch.randint(0, 256, (4, 3, 12, 10), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


def spec(normalize: str, *more: str) -> str:
    lines = "\n".join((f'source = folder("x")\nnormalize = {normalize}', *more))
    return f"data {{ {lines} }}\n{NET}"


@pytest.mark.parametrize(
    "normalize",
    [
        "unit",
        "none",
        "standard",
        "standard(per=image)",
        "fixed(mean=[0.5], std=[0.25])",
        "fixed(mean=[0.5, 0.4, 0.3], std=[0.2, 0.25, 0.3])",
    ],
)
def test_normalized_as_in_training(emitted, normalize):
    text = spec(normalize, "resize = 12x10")
    data = check(Source("net.cnn", text)).data
    assert data is not None
    call = data.normalize
    given = (MEAN, STD) if normalize == "standard" else ()
    found = emitted(text).module.preprocess(IMAGES, *given)
    torch.testing.assert_close(found, normalizer(call, (3, 12, 10), MEAN, STD)(IMAGES), rtol=1e-6, atol=1e-6)


def test_resized_as_in_training(emitted):
    images = torch.randint(0, 256, (2, 3, 31, 23), dtype=torch.uint8, generator=torch.Generator().manual_seed(2))
    found = emitted(spec("none", "resize = 12x10")).module.preprocess(images).numpy()
    expected = resize(images.numpy(), Resize(Size(12, 10)))
    assert np.abs(found - expected).max() <= 1  # of 255: sums that fall on a half may be rounded either way
    assert (found == expected).mean() > 0.99


SHAPES = [(31, 23), (23, 31), (100, 7), (1, 90), (90, 1), (1, 1), (15, 14), (12, 10)]
WAYS = [
    f"{fit}(15x14, by={by})" for fit in ("stretch", "cover", "contain") for by in ("bilinear", "bicubic", "nearest")
]


@pytest.mark.parametrize("way", [*WAYS, "contain(15x14, fill=200)"])
def test_resized_and_cropped_to_the_view_as_in_training(emitted, way):
    text = spec("none", f"resize = {way}", "view = 12x10")
    module, how = emitted(text).module, check(Source("net.cnn", text)).trainable().data.resizing
    assert how is not None
    for size in SHAPES:
        images = torch.randint(0, 256, (2, 3, *size), dtype=torch.uint8, generator=torch.Generator().manual_seed(2))
        found = module.preprocess(images).numpy()
        expected = resize(images.numpy(), how)[:, :, 2:14, 2:12]  # (15 - 12) / 2 = 1.5, rounded to even
        apart = np.abs(found - expected)
        assert apart.max() <= 1 and (apart > 0).mean() < 0.01, size


def test_only_where_the_file_has_data(emitted):
    assert "preprocess" not in emitted(NET).text
    assert "preprocess" in emitted(spec("unit", "resize = 12x10")).text
