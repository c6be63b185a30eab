"""W506: an activation between the last layer with weights and the loss."""

from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted, trail
from specc.ir.graph import Node


def find(linted: Linted) -> Iterator[Found]:
    for end in linted.ends:
        node = logits(linted, end)
        if node.op.group == "activation" and not node.op.is_softmax:
            yield Found(
                f"`{node.op.name}` changes the logits before they reach the loss",
                node.span,
                notes=trail(node),
                help=f"remove `{node.op.name}`: the loss takes unbounded logits and computes probabilities itself",
            )


def logits(linted: Linted, end: Node) -> Node:
    """The node whose output the loss takes: a final softmax is part of the loss."""
    return linted.graph.nodes[end.inputs[0]] if end.op.is_softmax else end


LINT = Lint(
    code="W506",
    name="activation-on-logits",
    doc="""\
An activation other than softmax as the last layer of a network to be trained, or right before its final softmax.
""",
    why="""\
The losses take logits, which are unbounded. After a sigmoid they lie between 0 and 1, and with ten classes no
probability ever exceeds 0.23; after a relu no class can be ruled out, and a unit that is zero gets no gradient.
""",
    source="""\
PyTorch, CrossEntropyLoss and BCEWithLogitsLoss, which combine the activation and the loss,
https://docs.pytorch.org/docs/stable/generated/torch.nn.BCEWithLogitsLoss.html
""",
    bad="""\
data { source = digits }

network Net {
  conv(32) -> relu
  flatten -> dense(10) -> sigmoid
}
""",
    good="""\
data { source = digits }

network Net {
  conv(32) -> relu
  flatten -> dense(10)
}
""",
    find=find,
    needs_data=True,
)
