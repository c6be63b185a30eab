"""W506: an activation between the last layer with weights and the loss."""

from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted, trail
from specc.check.verify.task import task_of
from specc.ir.graph import Node
from specc.tasks import REGRESSION


def find(linted: Linted) -> Iterator[Found]:
    predicts_numbers = task_of(linted.data) == REGRESSION
    if predicts_numbers and linted.data is not None and linted.data.targets == "none":
        return  # they may all be above 0
    for end in linted.ends:
        node = logits(linted, end)
        if node.op.group == "activation" and not node.op.is_softmax:
            if predicts_numbers:
                message = f"`{node.op.name}` limits the numbers that the network can give"
                help = f"remove `{node.op.name}`: standardized numbers lie around 0, on both sides of it"
            else:
                message = f"`{node.op.name}` changes the logits before they reach the loss"
                help = f"remove `{node.op.name}`: the loss takes unbounded logits and computes probabilities itself"
            yield Found(message, node.span, notes=trail(node), help=help)


def logits(linted: Linted, end: Node) -> Node:
    """The node whose output the loss takes: a final softmax is part of the loss."""
    return linted.graph.nodes[end.inputs[0]] if end.op.is_softmax else end


LINT = Lint(
    code="W506",
    name="activation-on-logits",
    doc="""\
An activation other than softmax as the last layer of a network to be trained, or right before its final softmax; also
of one that predicts numbers.
""",
    why="""\
The losses take logits, which are unbounded. After a sigmoid they lie between 0 and 1, and with ten classes no
probability ever exceeds 0.23; after a relu no class can be ruled out, and a unit that is zero gets no gradient.
Numbers to predict are standardized: half of them are below 0, where no relu or sigmoid gets.
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
