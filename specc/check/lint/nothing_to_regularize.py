"""W533: a penalty or a decay that reaches no weight."""

from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted, trail
from specc.ir.weights import learning, weights_of
from specc.tricks.regularizer import strengths
from specc.values import show


def find(linted: Linted) -> Iterator[Found]:
    train = linted.train
    kernels = [weight for weight in weights_of(linted.graph) if weight.kind == "kernel"]
    left = {weight.node for weight in learning(kernels, train.freeze or ())}
    if train.regularize is not None:
        place = linted.place("train", "regularize", train.regularize)
        if not any(strengths(train.regularize)):
            yield Found(f"`{show(train.regularize)}` has no strength", place, help="regularize = none says so")
        elif not left:
            yield Found(f"`{show(train.regularize)}` reaches no kernel: none learns", place, help="freeze less")
    for node in linted.graph.nodes:
        own = node.args.regularize if node.op.takes("regularize") else None
        if own is not None and any(strengths(own)) and node.index not in left:
            yield Found(
                f"`{show(own)}` pulls at a kernel that does not learn",
                own.span or node.span,
                notes=trail(node),
                help="leave it out, or let the layer learn",
            )


LINT = Lint(
    code="W533",
    name="nothing-to-regularize",
    doc="""\
`regularize` with a strength of 0, in a network in which no kernel learns, or at a layer that does not learn. It
reaches the kernels of convolutions and dense layers; never biases or norms.
""",
    why="It changes nothing, and whoever reads the spec believes that it does.",
    source="""\
PyTorch, Autograd mechanics, setting requires_grad: parameters that do not require gradients are not updated,
https://docs.pytorch.org/docs/stable/notes/autograd.html#setting-requires-grad
""",
    bad="""\
data { source = digits }

network Net {
  conv(32, regularize=l2(1e-4), trainable=false) -> relu
  flatten -> dense(10)
}
""",
    good="""\
data { source = digits }

network Net {
  conv(32, regularize=l2(1e-4)) -> relu
  flatten -> dense(10)
}
""",
    find=find,
    needs_data=True,
)
