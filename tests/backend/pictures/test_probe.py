"""The picture of a probe: which rows it has."""

from pathlib import Path

import pytest

from specc.backend.pictures.probe import MOST_ROWS, _shown, draw
from specc.backend.probe import probe
from specc.check import check
from specc.report.probe import Probed
from specc.source import Source

TEXT = """
data { source = digits }
network Stack(depth=3) {
  repeat(depth) { conv(4, init=glorot_uniform) -> sigmoid }
  concat { | conv(4, init=constant(-1)) | identity } -> relu
  head(aux) { global_avg_pool -> dense(10) }
  flatten -> dense(10)
}
train { batch = 16 }
"""


def probed(depth: int) -> Probed:
    return probe(check(Source("net.cnn", TEXT), sets=[f"network.depth={depth}"]), device="cpu")


def test_a_row_for_each_layer_outside_heads() -> None:
    found = probed(3)
    rows = _shown(found)
    assert [row.layer for row in rows] == [layer for layer in found.layers if not layer.head]
    assert not any(row.marked for row in rows)


def test_a_deep_network_has_rows_for_kernels_that_stand_for_what_follows_them(tmp_path: Path) -> None:
    found = probed(MOST_ROWS // 2 + 1)
    rows = _shown(found)
    assert [row.layer for row in rows] == found.kernels
    assert rows[-2].dead == pytest.approx(0.5) and rows[-2].layer.gives.dead == 0  # that of the relu behind it
    (marked,) = (row for row in rows if row.marked)
    assert found.verdict.where.partition("sigmoid")[2] == marked.layer.name.partition("conv")[2]
    assert draw(found, tmp_path / "deep.png") == [tmp_path / "deep.png"]
