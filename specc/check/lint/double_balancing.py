"""W540: rare classes are made up for twice."""

from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted
from specc.check.verify.task import task_of
from specc.tasks import CLASSIFICATION
from specc.tricks.sections import losses_of


def find(linted: Linted) -> Iterator[Found]:
    assert linted.data is not None
    for loss in losses_of(linted.train, task_of(linted.data) or CLASSIFICATION):
        if getattr(loss.args, "weights", None) != "balanced":
            continue
        place = linted.place("train", "loss", loss)
        if linted.data.sample == "balanced":
            yield Found(
                "rare classes count twice: they are drawn more often, and weigh more in the loss",
                place,
                help=f"keep one of them: {loss.name} without weights, or without `sample = balanced`",
            )
        elif loss.name == "focal" and loss.args.gamma > 0:
            yield Found(
                "`weights=balanced` makes up for rare classes that `focal` already makes up for",
                place,
                help="focal without weights, or cross_entropy(weights=balanced)",
            )


LINT = Lint(
    code="W540",
    name="double-balancing",
    doc="""\
`weights=balanced` together with `data.sample = balanced`, or in `focal`.
""",
    why="""\
Each of the three alone makes up for rare classes. With balanced draws every class has as many images in an epoch, and
weights computed from the data set count the rare ones once more; focal loss gives less to images that are already
classified well, which are mostly those of frequent classes. Together they overshoot: a class of 3% is predicted far
too often.
""",
    source="""\
Lin et al., 2017, Focal loss for dense object detection, sections 3.2 and 5.1 (the weight of the rare class is lowered
as gamma is raised: 0.75 without focusing, 0.25 with gamma = 2), https://arxiv.org/abs/1708.02002
""",
    bad="""\
data {
  source = digits
  sample = balanced
}

network Net {
  conv(32) -> relu
  flatten -> dense(10)
}

train {
  loss = cross_entropy(weights=balanced)
}
""",
    good="""\
data {
  source = digits
  sample = balanced
}

network Net {
  conv(32) -> relu
  flatten -> dense(10)
}
""",
    find=find,
    needs_data=True,
)
