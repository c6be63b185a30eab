"""W535: a moving average of the weights that is too slow for the length of training."""

from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted
from specc.errors import counted


def find(linted: Linted) -> Iterator[Found]:
    train = linted.train
    if train.ema is None or linted.steps is None:
        return
    _, steps = linted.steps
    reached = (1 + steps) / (10 + steps)
    if reached < train.ema:
        fitting = [decay for decay in (0.9999, 0.999, 0.99, 0.9) if decay <= reached]
        yield Found(
            f"`ema` never reaches {train.ema:g}: its decay is {reached:.4g} after all {counted(steps, 'step')}",
            linted.place("train", "ema"),
            help=(f"use ema = {fitting[0]:g}, or train longer" if fitting else "remove it, or train longer"),
        )


LINT = Lint(
    code="W535",
    name="slow-ema",
    doc="""\
An `ema` whose decay the training run never reaches. The decay rises as (1 + step) / (10 + step), so that the random
initial weights are soon forgotten; a decay d is reached after about 9 / (1 - d) steps. Steps are counted only if the
number of images is known without reading them: full batches of the images that are trained on.
""",
    why="""\
The written value never takes effect: the average always covers about the last ninth of the steps so far, and a study
of several such values compares a run with itself.
""",
    source="""\
TensorFlow, ExponentialMovingAverage, num_updates,
https://www.tensorflow.org/api_docs/python/tf/train/ExponentialMovingAverage
""",
    bad="""\
data { source = digits }

network Net {
  conv(32) -> relu
  flatten -> dense(10)
}

train {
  epochs = 5
  batch  = 64
  ema    = 0.9999
}
""",
    good="""\
data { source = digits }

network Net {
  conv(32) -> relu
  flatten -> dense(10)
}

train {
  epochs = 5
  batch  = 64
  ema    = 0.9
}
""",
    find=find,
    needs_data=True,
)
