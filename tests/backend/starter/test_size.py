"""What size images are brought to."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from specc.backend.starter.size import Fit, fit
from specc.tasks import CLASSIFICATION, MULTILABEL, SEGMENTATION, Task

CAMERA = [(3000, 4000), (4000, 3000), (480, 640), (1080, 1080)]


def fitted(task: Task, sizes: Sequence[tuple[int, int]]) -> Fit:
    from specc.values import Size

    pictures = SimpleNamespace(sizes=tuple(Size(*size) for size in sizes))
    seen: Any = SimpleNamespace(task=task, pictures=pictures, shape=None)
    return fit(seen)


@pytest.mark.parametrize(
    ("task", "sizes", "settings"),
    [
        (CLASSIFICATION, [(28, 28)], "resize = 28x28"),
        (CLASSIFICATION, [(37, 53)], "resize = 37x53"),
        (SEGMENTATION, [(36, 52)], "resize = 36x52"),
        (SEGMENTATION, [(37, 53)], "resize = 40x56"),
        (CLASSIFICATION, [(3000, 4000), (480, 640)], "resize = 120x160"),
        (CLASSIFICATION, [(1080, 1920)], "resize = 104x184"),
        (CLASSIFICATION, CAMERA, "resize = cover(144x144); view = 128x128"),
        (MULTILABEL, CAMERA, "resize = contain(128x128)"),
        (SEGMENTATION, CAMERA, "resize = contain(128x128)"),
        (CLASSIFICATION, [(30, 40), (40, 30), (33, 33)], "resize = cover(24x24)"),
        (CLASSIFICATION, [(50, 400), (400, 50)], "resize = contain(48x48)"),
        (CLASSIFICATION, [(1, 1), (3, 2)], "resize = cover(8x8)"),
    ],
)
def test_sizes(task, sizes, settings):
    assert "; ".join(line.text for line in fitted(task, sizes).lines) == settings


def test_proportions_are_kept_and_little_is_enlarged():
    for ratio in (1 / 3, 0.5, 9 / 16, 2 / 3, 1, 1.25, 4 / 3, 1.5, 16 / 9, 2.2, 3):
        seen = fitted(CLASSIFICATION, [(600, round(600 * ratio)), (1200, round(1200 * ratio))]).seen
        assert abs(seen.width / seen.height / ratio - 1) < 0.06, ratio
        assert seen.height * seen.width < 1.4 * 128**2
