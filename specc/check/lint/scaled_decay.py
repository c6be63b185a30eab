"""W532: weight decay that goes through the optimizer's scaling."""

from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted
from specc.tricks import COMPONENTS


def find(linted: Linted) -> Iterator[Found]:
    optimizer = linted.train.optimizer
    decay = COMPONENTS["optimizer"][optimizer.name].facts
    if decay and decay.scaled and optimizer.args.weight_decay:
        yield Found(
            f"`{optimizer.name}` divides its weight decay by the size of the gradient",
            linted.place("train", "optimizer", optimizer),
            help="adamw(lr=…, weight_decay=…), whose decay is a decay; it takes larger values, such as 0.01",
        )


LINT = Lint(
    code="W532",
    name="scaled-decay",
    doc="`weight_decay` of an optimizer that scales gradients and adds the decay to them first: adam and rmsprop.",
    why="""\
The decay is divided by the size of the gradient together with it, so that weights with large gradients hardly
decay. That is neither weight decay nor what l2 does under sgd; decoupled, it generalizes better and can be tuned
without touching the learning rate.
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
