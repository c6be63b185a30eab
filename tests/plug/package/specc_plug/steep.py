"""A lint for the optimizer of this package."""

from collections.abc import Iterator

from specc.check.lint import Found, Lint, Linted


def find(linted: Linted) -> Iterator[Found]:
    optimizer = linted.train.optimizer
    if optimizer.name == "sign_descent" and optimizer.args.lr > 0.1:
        yield Found(
            f"each weight moves by {optimizer.args.lr:g} in a step, whatever its gradient is",
            linted.place("train", "optimizer", optimizer),
            help="lr=1e-3 is common",
        )


SPEC = """\
data { source = stripes(100) }

network Net {
  conv(8) -> relu
  flatten -> dense(3)
}

train { optimizer = sign_descent(lr=%s) }
"""

WORDS = (
    Lint(
        code="W901",
        name="steep-sign",
        doc="`sign_descent` with a learning rate above 0.1.",
        why="It is the size of the step of each weight: weights are rarely larger than 1.\n",
        source="Bernstein et al., 2018, https://arxiv.org/abs/1802.04434",
        bad=SPEC % "0.5",
        good=SPEC % "0.001",
        find=find,
    ),
)
