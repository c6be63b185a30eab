"""W507: dropout after the last layer with weights."""

from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted, trail
from specc.ir.graph import Node


def find(linted: Linted) -> Iterator[Found]:
    for end in linted.ends:
        rule = list(_back_from(linted, end))
        if not rule or linted.graph.kernel(rule[-1]) is None:
            continue
        for node in rule:
            if node.op.group == "regularization":
                yield Found(
                    f"`{node.op.name}` comes after the last layer with weights",
                    node.span,
                    notes=trail(node),
                    help=f"put it before `{rule[-1].op.name}`",
                )


def _back_from(linted: Linted, node: Node) -> Iterator[Node]:
    """The layers before a node, back to and including the nearest one that joins branches or has a kernel."""
    while node.inputs:
        yield node
        if node.op.joins or linted.graph.kernel(node) is not None:
            return
        node = linted.graph.nodes[node.inputs[0]]


LINT = Lint(
    code="W507",
    name="dropout-on-logits",
    doc="Dropout, or another random perturbation, between the last layer with weights and the loss.",
    why="""\
It sets class scores to zero, sometimes that of the correct class, however confident the network is. No weights can
learn to compensate for this noise, and it is not the averaging over thinned networks that dropout is meant to be.
""",
    source="""\
Srivastava et al., 2014, Dropout: units of hidden and visible layers are dropped,
https://jmlr.org/papers/v15/srivastava14a.html
""",
    bad="""\
network Net {
  input(3, 32x32)
  conv(32) -> relu
  flatten -> dense(10) -> dropout(50%)
}
""",
    good="""\
network Net {
  input(3, 32x32)
  conv(32) -> relu
  flatten -> dropout(50%) -> dense(10)
}
""",
    find=find,
)
