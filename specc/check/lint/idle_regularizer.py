"""W533: a penalty or decay without any effect."""

from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted, trail
from specc.ir.weights import learning, weights_of
from specc.tricks.regularizer import strengths
from specc.values import show


def find(linted: Linted) -> Iterator[Found]:
    train = linted.train
    takers = [node for node in linted.graph.nodes if node.op.takes("regularize")]
    if train.regularize is None and all(node.args.regularize is None for node in takers):
        return
    kernels = [weight for weight in weights_of(linted.graph) if weight.kind == "kernel"]
    left = {weight.node for weight in learning(kernels, train.frozen)}
    if train.regularize is not None:
        place = linted.place("train", "regularize", train.regularize)
        if not any(strengths(train.regularize)):
            yield Found(f"`{show(train.regularize)}` has strength 0", place, help="use regularize = none instead")
        elif not left:
            yield Found(f"`{show(train.regularize)}` applies to no kernel: none is trained", place, help="freeze less")
    for node in takers:
        own = node.args.regularize
        if own is not None and any(strengths(own)) and node.index not in left:
            yield Found(
                f"`{show(own)}` applies to a kernel that is not trained",
                own.span or node.span,
                notes=trail(node),
                help="remove it, or train the layer",
            )


LINT = Lint(
    code="W533",
    name="regularizer-without-effect",
    doc="""\
`regularize` with a strength of 0, in a network where no kernel is trained, or on a layer that is not trained. It
applies to the kernels of convolutions and dense layers, never to biases or norms.
""",
    why="It changes nothing, but anyone who reads the spec will believe that it does.",
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
