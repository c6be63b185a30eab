"""The networks of first specs: for images of every size, each position sees the whole, and nothing is warned of."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from specc.backend.starter.network import network
from specc.check import check
from specc.source import Source
from specc.tasks import ALL
from specc.values import Size

SQUARES = [Size(side, side) for side in (*range(3, 66, 3), 28, 32, 64, 72, 96, 100, 128)]
OBLONGS = [Size(*size) for size in ((96, 128), (60, 80), (120, 160), (72, 216), (216, 72), (8, 24), (9, 30), (64, 65))]


@pytest.mark.parametrize("task", ALL, ids=lambda task: task.name)
def test_for_every_size(task):
    for size in [*SQUARES, *OBLONGS]:
        if task.per_pixel and any(side % 4 for side in size):
            continue
        seen: Any = SimpleNamespace(task=task, outputs=tuple("abc"), learned=100, shape=(3, *size))
        checked = check(Source("n.cnn", network(cast(Any, seen), "N", size)), everything=True, lint=True)
        assert checked.diagnostics == [], size
