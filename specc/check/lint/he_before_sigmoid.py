"""W503: an initializer for rectifiers before a saturating activation."""

from collections.abc import Iterator

from specc.check.lint import vanishing
from specc.check.lint.lint import Found, Lint, Linted
from specc.ir.init import initializer
from specc.vocabulary.family import Initializer
from specc.vocabulary.registry import component


def find(linted: Linted) -> Iterator[Found]:
    pairs = []
    for kernel, activation in linted.activations:
        init = initializer(linted.graph, kernel)
        made_for = component(Initializer, init).made_for if init else ""
        if activation.op.saturates and made_for == "rectifiers" and kernel is not linted.kernels[-1]:
            pairs.append((kernel, activation))
    if pairs and not any(vanishing.find(linted)):
        kernel, activation = pairs[0]
        init = initializer(linted.graph, kernel)
        assert init is not None
        count = f"{len(pairs)} layers are initialized this way" if len(pairs) > 1 else ""
        yield Found(
            f"`{init.name}` before `{activation.op.name}`: its weights are too large by a factor of sqrt(2)",
            init.span or kernel.span,
            count,
            help=f"leave out `init`: `auto` chooses glorot_uniform; or use relu instead of `{activation.op.name}`",
        )


LINT = Lint(
    code="W503",
    name="he-before-sigmoid",
    doc="""\
He initialization before sigmoid, tanh or hard_sigmoid outside branches, without a norm in between. If the gradient
vanishes altogether, W501 is reported instead.
""",
    why="""\
He's variance is twice what preserves the signal's size, to make up for the half that a relu sets to zero. A
saturating activation sets nothing to zero: its inputs are too large, fall into its flat range, and learn slowly.
""",
    source="""\
Glorot and Bengio, 2010, section 4.2, https://proceedings.mlr.press/v9/glorot10a.html; He et al., 2015, section 2.2,
https://arxiv.org/abs/1502.01852
""",
    bad="""\
network Small {
  input(1, 28x28)
  conv(6, 5x5, init=he_normal) -> tanh -> avg_pool
  flatten -> dense(10)
}
""",
    good="""\
network Small {
  input(1, 28x28)
  conv(6, 5x5) -> tanh -> avg_pool
  flatten -> dense(10)
}
""",
    find=find,
)
