"""Which layers everything has to pass."""

import pytest

from specc.check import check
from specc.ir.passes import trunk
from specc.source import Source


def names(body: str) -> list[str]:
    graph = check(Source("net.cnn", f"network N {{\ninput(8, 16x16)\n{body}\n}}")).graph
    assert graph is not None
    return [node.op.name for node in trunk(graph)]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", "input"),
        ("conv(4) -> relu", "input conv relu"),
        ("residual { conv(8) }", "input add"),
        ("conv(8)\nresidual { conv(8) -> residual { relu } }\ntanh", "input conv add tanh"),
        ("concat { | conv(4) | conv(4) -> relu }\nrelu", "input concat relu"),
        ("add { | identity | identity }", "input add"),
        ("conv(8) -> as(a) -> relu\nadd { | identity | from(a) }", "input conv add"),
        ("conv(4) -> head(h) { flatten -> dense(10) } -> relu", "input conv relu"),
        ("residual { conv(8) -> head(h) { flatten -> dense(10) } -> relu }", "input add"),
    ],
)
def test_the_trunk(body, expected):
    assert names(body) == expected.split()
