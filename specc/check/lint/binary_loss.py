"""W537: a yes-or-no loss for each class, on images that have exactly one class each."""

from collections.abc import Iterator

from specc.check.lint.label_changing_augmentation import calls
from specc.check.lint.lint import Found, Lint, Linted
from specc.check.verify.task import task_of
from specc.tasks import CLASSIFICATION
from specc.tricks.augment import component_of
from specc.tricks.sections import losses_of
from specc.vocabulary.family import Loss
from specc.vocabulary.registry import component


def find(linted: Linted) -> Iterator[Found]:
    assert linted.data is not None
    if task_of(linted.data) != CLASSIFICATION or any(component_of(call).mixes for call in calls(linted.data.augment)):
        return
    loss = next((loss for loss in losses_of(linted.train, CLASSIFICATION) if component(Loss, loss).per_class), None)
    if loss is None:
        return
    yield Found(
        f"`{loss.name}` treats each class on its own, but each image of `{linted.data.source.name}` has exactly one",
        linted.place("train", "loss", loss),
        help="loss = cross_entropy, whose softmax treats the classes as mutually exclusive",
    )


LINT = Lint(
    code="W537",
    name="binary-loss-on-single-label-data",
    doc="""\
`binary_cross_entropy` without mixup or cutmix. The data source gives each image exactly one class; only mixing puts
two classes into one image, and then this loss is a good choice (Wightman et al., 2021, ResNet strikes back,
https://arxiv.org/abs/2110.00476).
""",
    why="""\
The classes are mutually exclusive, but this loss does not know it: it trains a yes-or-no classifier for each class,
and nine out of ten answers are no. The exported model outputs ten probabilities that need not add up to 1. The
softmax of cross_entropy is a distribution over mutually exclusive classes, and its loss is the negative
log-likelihood of the correct one.
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
