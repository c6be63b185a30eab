"""W532: weight decay that the optimizer scales together with the gradient."""

from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted
from specc.vocabulary.family import Optimizer
from specc.vocabulary.registry import component


def find(linted: Linted) -> Iterator[Found]:
    optimizer = linted.train.mover
    if component(Optimizer, optimizer).scaled_decay and optimizer.args.weight_decay:
        yield Found(
            f"`{optimizer.name}` scales its weight decay by the size of the gradient",
            linted.place("train", "optimizer", optimizer),
            help="use adamw(lr=…, weight_decay=…), which decouples the decay; its values are larger, such as 0.01",
        )


LINT = Lint(
    code="W532",
    name="coupled-weight-decay",
    doc="`weight_decay` in an optimizer that adds the decay to the gradient before scaling it: adam and rmsprop.",
    why="""\
The decay is divided by the gradient's size together with the gradient, so weights with large gradients hardly decay.
That is neither weight decay nor what l2 does under sgd; decoupled weight decay generalizes better and can be tuned
independently of the learning rate.
""",
    source="Loshchilov and Hutter, 2017, Decoupled weight decay regularization, https://arxiv.org/abs/1711.05101",
    bad="""\
data { source = digits }

network Net {
  conv(32) -> relu
  flatten -> dense(10)
}

train { optimizer = adam(lr=1e-3, weight_decay=1e-2) }
""",
    good="""\
data { source = digits }

network Net {
  conv(32) -> relu
  flatten -> dense(10)
}

train { optimizer = adamw(lr=1e-3, weight_decay=1e-2) }
""",
    find=find,
    needs_data=True,
)
