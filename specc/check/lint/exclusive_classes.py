"""W537: a yes-or-no question for each class, of images that have one class each."""

from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted
from specc.check.lint.turned_signs import calls
from specc.tricks.augment import component_of


def find(linted: Linted) -> Iterator[Found]:
    assert linted.data is not None
    loss = linted.train.loss
    if loss.name != "binary_cross_entropy" or any(
        component_of(call).facts.mixes for call in calls(linted.data.augment)
    ):
        return
    yield Found(
        f"`{loss.name}` asks of each class by itself, but each image of `{linted.data.source.name}` has exactly one",
        linted.place("train", "loss", loss),
        help="loss = cross_entropy, whose softmax knows that one class excludes the others",
    )


LINT = Lint(
    code="W537",
    name="exclusive-classes",
    doc="""\
`binary_cross_entropy` without mixup or cutmix. Every source of images gives each of them one class; only where images
are mixed are there two classes in one, and this loss is then a good choice (Wightman et al., 2021, ResNet strikes
back, https://arxiv.org/abs/2110.00476).
""",
    why="""\
The classes exclude each other, and this loss does not know it: it trains a yes-or-no classifier for each class, and
of ten answers nine are no. What is exported are ten probabilities that need not add up to 1. The softmax of
cross_entropy is the distribution over classes that exclude each other, and its loss is minus the log of the
likelihood of the right one.
""",
    source="""\
Goodfellow, Bengio and Courville, 2016, Deep learning, section 6.2.2.3,
https://www.deeplearningbook.org/contents/mlp.html
""",
    bad="""\
data { source = digits }

network Net {
  conv(32) -> relu
  flatten -> dense(10)
}

train { loss = binary_cross_entropy }
""",
    good="""\
data { source = digits }

network Net {
  conv(32) -> relu
  flatten -> dense(10)
}

train { loss = cross_entropy }
""",
    find=find,
    needs_data=True,
)
