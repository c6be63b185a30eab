"""Receptive fields in good time, and what a map that is too large is said to see. `tests/backend` has the numbers."""

from time import process_time

import pytest

from specc.ir.receptive_field import LONGEST, find_receptive_fields
from tests.helpers.checking import fine, net
from tests.helpers.surviving import too_long


@pytest.mark.parametrize(
    ("body", "size", "sees"),
    [
        ("repeat(5000) { conv(4) -> relu }", "224x224", (224, 224)),
        ("repeat(3000) { residual { conv(3) -> batch_norm -> relu } }", "256x250", (256, 250)),
        ("repeat(5000) { pad(1) -> conv(3, padding=0) }", "224x224", (224, 224)),
        ("repeat(2500) { upsample(2) -> max_pool -> upsample(2, mode=bilinear) -> max_pool }", "64x64", (64, 64)),
        ("flatten\nrepeat(3000) { concat { | identity | dense(1) } }", "64x64", (64, 64)),
    ],
)
def test_ten_thousand_layers(body, size, sees):
    graph = fine(net(body, input=f"input(3, {size})")).graph
    start = process_time()
    find_receptive_fields(graph)
    assert not too_long(process_time() - start, 0.7)  # a quarter of a second where nothing else runs
    assert graph.nodes[-1].receptive_field == sees


def test_maps_that_are_too_large_see_what_nobody_knows():
    side = LONGEST + 1
    graph = fine(net("conv(4) -> max_pool -> flatten", input=f"input(3, {side}x8)")).graph
    assert [node.receptive_field for node in graph.nodes] == [None] * 4
    grown = fine(net(f"conv(4) -> upsample({side}x1) -> global_avg_pool", input="input(3, 8x8)")).graph
    assert [node.receptive_field for node in grown.nodes] == [(1, 1), (3, 3), None, None]
