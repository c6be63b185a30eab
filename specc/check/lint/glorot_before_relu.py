"""W502: an initializer that does not compensate for what a rectifier zeroes, in a deep stack."""

import math
from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted
from specc.ir.init import initializer
from specc.vocabulary.family import Initializer
from specc.vocabulary.registry import component

LEAST = 0.02


def find(linted: Linted) -> Iterator[Found]:
    pairs = []
    for kernel, activation in linted.activations:
        init = initializer(linted.graph, kernel)
        made_for = component(Initializer, init).made_for if init else ""
        if activation.op.rectifies and made_for == "saturating":
            pairs.append((kernel, activation))
    if not pairs:
        return
    last = linted.kernels[-1]
    scale = math.sqrt(linted.signal.moments[last.inputs[0]].square / linted.signal.moments[0].square)
    if scale < LEAST:
        kernel, activation = pairs[0]
        init = initializer(linted.graph, kernel)
        assert init is not None
        yield Found(
            f"`{init.name}` before `{activation.op.name}`: activations at the last layer are predicted to have "
            f"{scale:.1%} of the size of the input",
            init.span or kernel.span,
            f"{len(pairs)} layers are initialized this way",
            help="leave out `init`: he_normal, which `auto` chooses, makes up for the half that a rectifier zeroes",
        )


LINT = Lint(
    code="W502",
    name="glorot-before-relu",
    doc="""\
Glorot initialization before relu or a similar activation, without a norm, in a stack so deep that the activations at
the last layer are predicted to have less than a fiftieth of the input's size.
""",
    why="""\
Glorot's variance preserves the signal's size if activations are linear around zero. A relu zeroes half of it, so each
layer divides its mean square by two or more: the logits start near zero, and so do the gradients, and a deep network
learns late or never. This is why He's variance is twice as large.
""",
    source="He et al., 2015, Delving deep into rectifiers, section 2.2, https://arxiv.org/abs/1502.01852",
    bad="""\
network Deep {
  input(3, 32x32)
  repeat(12) { conv(32, init=glorot_uniform) -> relu }
  flatten -> dense(10)
}
""",
    good="""\
network Deep {
  input(3, 32x32)
  repeat(12) { conv(32) -> relu }
  flatten -> dense(10)
}
""",
    find=find,
)
