"""W535: a running mean of the weights that is too slow for the training."""

import math
from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted


def find(linted: Linted) -> Iterator[Found]:
    train, images = linted.train, linted.facts.images
    if train.ema is None or images is None:
        return
    steps = math.ceil(train.epochs * math.ceil(images / train.batch) / train.accumulate)
    reached = (1 + steps) / (10 + steps)
    if reached < train.ema:
        fitting = [decay for decay in (0.9999, 0.999, 0.99, 0.9) if decay <= reached]
        yield Found(
            f"`ema` never gets to {train.ema:g}: its decay is {reached:.4g} at the end of the {steps:,} steps",
            linted.place("train", "ema"),
            help=(f"ema = {fitting[0]:g}, or a longer training" if fitting else "leave it out, or train longer"),
        )


LINT = Lint(
    code="W535",
    name="slow-average",
    doc="""\
An `ema` whose decay the training never reaches. The decay rises as (1 + step) / (10 + step), so that the random
start is soon forgotten; a decay d is reached after about 9 / (1 - d) steps. Steps are counted where the number of
images is known without reading them.
""",
    why="""\
The number that is written never counts: the mean is always one over about the last ninth of the steps so far, and a
study of several such numbers compares a training with itself.
""",
    source="""\
TensorFlow, ExponentialMovingAverage, num_updates,
https://www.tensorflow.org/api_docs/python/tf/train/ExponentialMovingAverage; Izmailov et al., 2018,
https://arxiv.org/abs/1803.05407
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
