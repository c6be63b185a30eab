"""W539: a schedule that leaves the learning rate at 0."""

from collections.abc import Iterator, Sequence

from specc.check.lint.lint import Found, Lint, Linted
from specc.tricks.schedule import rate
from specc.values import Bound
from specc.vocabulary.family import Clock

LEAST = 0.01
LOOKED_AT = 1000  # steps, evenly spaced
STEPS_OF_AN_EPOCH = 100  # where the number of images is not known


def find(linted: Linted) -> Iterator[Found]:
    yield from _schedule(linted, "schedule", linted.train.schedule)
    for group in linted.train.groups or ():
        yield from _schedule(linted, "groups", group.args.schedule or (), group.args.until)


def _schedule(linted: Linted, setting: str, schedule: Sequence[Bound], until: float | None = None) -> Iterator[Found]:
    """until: epochs, or percent of training, after which these weights are meant to stand still."""
    epochs = linted.train.epochs
    per_epoch, total = linted.steps or (STEPS_OF_AN_EPOCH, max(1, round(epochs * STEPS_OF_AN_EPOCH)))
    end = total if until is None else min(total, round(Clock(0, per_epoch, total).steps(until)))
    looked_at = range(0, end, -(total // -LOOKED_AT))
    # The first step of a warmup, which begins at 0, is meant.
    zeros = [step for step in looked_at if step and schedule and rate(schedule, step, per_epoch, total) == 0]
    share = len(zeros) / max(1, len(looked_at))
    if share > LEAST:
        yield Found(
            f"the learning rate is 0 in {share:.0%} of the steps, from epoch {round(zeros[0] / per_epoch, 1):g} on",
            linted.place("train", setting, schedule[-1]),
            help="a piece begins where the one before it ended: to begin at 1 again, as in a warm restart, write "
            "cosine(epochs=…) -> restart; or end that piece above 0, as in cosine(to=0.01)",
        )


LINT = Lint(
    code="W539",
    name="zero-learning-rate",
    doc="""\
A `schedule` that leaves the learning rate at 0 for more than 1% of the steps. Each piece begins at the factor where
the one before it ended, and after the last piece its last factor holds: so a `cosine` or `linear` piece that ends at
0, as they do by default, has to be the last one, and to end with training. The first step of a
`warmup` does not count.
""",
    why="""\
At a learning rate of 0 no weight moves: these steps cost as much as all others and change nothing. A `cosine` after a
`cosine` is not a warm restart, since it begins at 0, not at 1: `cosine(epochs=4) -> restart` is one.
""",
    source="""\
Loshchilov and Hutter, 2016, SGDR: stochastic gradient descent with warm restarts, https://arxiv.org/abs/1608.03983
""",
    bad="""\
data { source = digits }

network Net {
  conv(32) -> relu
  flatten -> dense(10)
}

train {
  epochs   = 8
  schedule = cosine(epochs=4) -> cosine
}
""",
    good="""\
data { source = digits }

network Net {
  conv(32) -> relu
  flatten -> dense(10)
}

train {
  epochs   = 8
  schedule = cosine(epochs=4) -> restart
}
""",
    find=find,
    needs_data=True,
)
