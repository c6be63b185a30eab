"""W508: dropout right before batch normalization."""

from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted, trail
from specc.ir.graph import Node


def find(linted: Linted) -> Iterator[Found]:
    for node in linted.graph.nodes:
        if node.op.group == "regularization":
            norm = _norm_behind(linted, node)
            if norm is not None:
                yield Found(
                    f"`{norm.op.name}` gets what `{node.op.name}` has thinned out",
                    node.span,
                    notes=trail(node),
                    help=f"put `{node.op.name}` behind the norm, or before a later layer that no norm follows",
                )


def _norm_behind(linted: Linted, node: Node) -> Node | None:
    """The norm over the batch that a layer's result reaches before it reaches any weights."""
    after = linted.following(node)
    while after is not None and after.op.group == "activation":
        after = linted.following(after)
    return after if after is not None and after.op.batch_statistics else None


LINT = Lint(
    code="W508",
    name="dropout-before-batch-norm",
    doc="Dropout, or another random disturbance, that flows into batch_norm with no weights between them.",
    why="""\
Dropout makes the variance larger in training and does nothing in evaluation. The norm divides by the larger
variance that it saw in training, so that in evaluation all numbers come out too small: the network that is
evaluated is not the one that was trained.
""",
    source="""\
Li et al., 2018, Understanding the disharmony between dropout and batch normalization by variance shift,
https://arxiv.org/abs/1801.05134
""",
    bad="""\
network Net {
  input(3, 32x32)
  conv(32) -> relu -> dropout(30%) -> batch_norm
  flatten -> dense(10)
}
""",
    good="""\
network Net {
  input(3, 32x32)
  conv(32) -> batch_norm -> relu -> dropout(30%)
  flatten -> dense(10)
}
""",
    find=find,
)
