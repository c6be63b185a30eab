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
                    f"`{norm.op.name}` follows `{node.op.name}`: its input varies more in training than in evaluation",
                    node.span,
                    notes=trail(node),
                    help=f"put `{node.op.name}` after the norm, or before a later layer that no norm follows",
                )


def _norm_behind(linted: Linted, node: Node) -> Node | None:
    """The batch norm that a layer's output reaches before it reaches any weights."""
    after = linted.following(node)
    while after is not None and after.op.group == "activation":
        after = linted.following(after)
    return after if after is not None and after.op.batch_statistics else None


LINT = Lint(
    code="W508",
    name="dropout-before-batch-norm",
    doc="Dropout, or another random perturbation, that flows into batch_norm with no weights in between.",
    why="""\
Dropout increases the variance in training and does nothing in evaluation. The norm divides by the larger variance it
saw in training, so in evaluation its outputs are too small: the network being evaluated is not the one that was
trained.
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
