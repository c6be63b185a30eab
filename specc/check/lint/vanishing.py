"""W501: so many saturating activations that no gradient reaches the first layer."""

from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted

LEAST = 1e-3


def find(linted: Linted) -> Iterator[Found]:
    saturating = [node for node in linted.trunk if node.op.saturates and node.index != linted.graph.output]
    if not saturating:
        return
    ratio = linted.signal.gradient_ratio
    if ratio < LEAST:
        first, count = saturating[0], len(saturating)
        yield Found(
            f"the gradient at the first layer is predicted to be {ratio:.0e} times that at the last layer",
            first.span,
            f"{count} of `{first.op.name}` in a row",
            notes=("predicted from the graph: how initialization, slopes and norms scale the gradient",),
            help="use relu, or batch_norm before each activation, or residual { … } around layers",
        )


LINT = Lint(
    code="W501",
    name="vanishing-gradient",
    doc="""\
Saturating activations outside branches (sigmoid, tanh, hard_sigmoid), where the gradient at the first layer's kernel
is predicted to be less than a thousandth of that at the last layer's. The prediction follows from the graph with
freshly initialized weights: each layer multiplies the mean square of the gradient by a factor that depends on its
initializer, its slope or its normalization. The small start that `auto` gives the last kernel does not count: a few
steps undo it.
""",
    why="""\
Each saturating activation multiplies the gradient by its slope: at most 1/4 for sigmoid, 1/6 for hard_sigmoid, and
for tanh 1 at zero but less elsewhere. The first layers get almost no gradient and stay close to their random weights.
""",
    source="""\
Glorot and Bengio, 2010, Understanding the difficulty of training deep feedforward neural networks,
https://proceedings.mlr.press/v9/glorot10a.html; Hochreiter, 1998, https://doi.org/10.1142/S0218488598000094;
prediction: Schoenholz et al., 2017, https://arxiv.org/abs/1611.01232
""",
    bad="""\
network Deep {
  input(3, 32x32)
  repeat(8) { conv(32) -> sigmoid }
  flatten -> dense(10)
}
""",
    good="""\
network Deep {
  input(3, 32x32)
  repeat(8) { conv(32) -> relu }
  flatten -> dense(10)
}
""",
    find=find,
)
