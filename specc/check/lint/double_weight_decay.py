"""W531: the optimizer and a regularizer decay the same kernels."""

from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted
from specc.tricks.regularizer import strengths
from specc.values import show


def find(linted: Linted) -> Iterator[Found]:
    train = linted.train
    decay = train.mover.args.weight_decay
    if decay and strengths(train.regularize)[1]:
        yield Found(
            f"kernels decay twice: by `{show(train.regularize)}` and by the weight_decay={decay:g} of "
            f"`{train.mover.name}`",
            linted.place("train", "regularize", train.regularize),
            help=f"keep one of them: {train.mover.name}(…, weight_decay=0), or regularize = none",
        )


LINT = Lint(
    code="W531",
    name="double-weight-decay",
    doc="""\
`regularize` with an l2 term together with an optimizer whose `weight_decay` is not 0; for adamw the default is 0.01.
Both apply only to the kernels of convolutions and dense layers; biases and norms decay only in a group with a
`weight_decay` of its own.
""",
    why="""\
Both pull the same kernels toward zero, so neither number alone says how strong the decay is. Under sgd the two simply
add up; under adam and rmsprop both are scaled together with the gradient; under adamw only the penalty is.
""",
    source="""\
Loshchilov and Hutter, 2017, Decoupled weight decay regularization, section 2, https://arxiv.org/abs/1711.05101
""",
    bad="""\
data { source = digits }

network Net {
  conv(32) -> relu
  flatten -> dense(10)
}

train {
  optimizer  = adamw(lr=1e-3)
  regularize = l2(1e-4)
}
""",
    good="""\
data { source = digits }

network Net {
  conv(32) -> relu
  flatten -> dense(10)
}

train {
  optimizer = adamw(lr=1e-3)
}
""",
    find=find,
    needs_data=True,
)
