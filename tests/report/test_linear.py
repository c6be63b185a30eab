"""Comparing, emitting and showing a network takes work in proportion to its layers, however repetitive they are."""

from collections.abc import Callable

import pytest

from specc.check import Checked, check
from specc.emit import emit
from specc.report.diff import compare
from specc.report.diff_table import diff_tables
from specc.report.layers import layers_table
from specc.source import Source
from tests.helpers.surviving import calls

NETWORKS = {
    "one layer repeated": "repeat({n}) {{ relu }}",
    "layers that keep their input": "for i in range({n}) {{ residual {{ conv(4, 1x1) -> relu }} }}",
    "layers that alternate": "for i in range({n}) {{ if mod(i, 3) == 0 {{ conv(4, 1x1) }} else {{ relu -> tanh }} }}",
}


def network(body: str, layers: int, filters: int) -> Checked:
    text = f"network N {{ input(4, 8x8); conv({filters}, 1x1) -> conv(4, 1x1); {body.format(n=layers)}; flatten }}"
    checked = check(Source("net.cnn", text))
    assert not checked.errors, checked.errors
    return checked


def shown_difference(a: Checked, b: Checked) -> str:
    return str(diff_tables(compare(a, b), "a", "b"))


def emitted(a: Checked, b: Checked) -> str:
    assert a.graph is not None
    return emit(a, a.graph)


def shown(a: Checked, b: Checked) -> str:
    assert a.graph is not None
    return layers_table(a, a.graph)


@pytest.mark.parametrize("work", [shown_difference, emitted, shown])
@pytest.mark.parametrize("body", NETWORKS.values(), ids=NETWORKS)
def test_four_times_the_layers_take_four_times_the_work(body: str, work: Callable[[Checked, Checked], str]) -> None:
    counts = []
    for layers in (150, 600):
        a, b = network(body, layers, 3), network(body, layers, 5)
        counts.append(calls(lambda a=a, b=b: work(a, b)))  # type: ignore[misc]
    assert counts[1] < 5 * counts[0]
