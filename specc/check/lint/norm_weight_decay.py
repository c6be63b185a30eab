"""W538: weight decay on norms and biases."""

from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted
from specc.ir.weights import learning, selected, weights_of

PARTS = {"norm": "scales and shifts of norms", "bias": "biases"}


def find(linted: Linted) -> Iterator[Found]:
    if not linted.train.groups:
        return
    left = learning(weights_of(linted.graph), linted.train.frozen)
    for group in linted.train.groups:
        mine = selected(group.args.weights, left)
        left = [weight for weight in left if weight not in mine]
        kinds = {weight.kind for weight in mine}
        decayed = [what for kind, what in PARTS.items() if kind in kinds]
        if group.args.weight_decay and decayed:
            help = "weight_decay=0"
            if "kernel" in kinds:
                help += " in a separate group of norms and biases before this one"
            yield Found(
                f"this group's weight_decay={group.args.weight_decay:g} applies to {' and '.join(decayed)}",
                linted.place("train", "groups", group),
                help=help,
            )


LINT = Lint(
    code="W538",
    name="weight-decay-on-norms",
    doc="""\
A group with a `weight_decay` above 0 that selects biases, or scales and shifts of norms. Nothing else decays them:
the optimizer's weight decay and `regularize` apply only to the kernels of convolutions and dense layers.
""",
    why="""\
Weight decay keeps kernels from growing to fit noise. Norms and biases have only a few numbers per channel and no such
capacity; pulled to zero, a norm's scale silences its channel. The usual recommendation, to avoid overfitting, is to
decay only the weights of convolutions and dense layers.
""",
    source="""\
He et al., 2018, Bag of tricks for image classification with convolutional neural networks, section 3.1 ("no bias
decay"), https://arxiv.org/abs/1812.01187
""",
    bad="""\
data { source = digits }

network Net {
  conv(32) -> batch_norm -> relu
  flatten -> dense(10)
}

train {
  optimizer = sgd(0.1, momentum=0.9, weight_decay=5e-4)
  groups    = [group(norms, scale=2, weight_decay=5e-4)]
}
""",
    good="""\
data { source = digits }

network Net {
  conv(32) -> batch_norm -> relu
  flatten -> dense(10)
}

train {
  optimizer = sgd(0.1, momentum=0.9, weight_decay=5e-4)
  groups    = [group(norms, scale=2, weight_decay=0)]
}
""",
    find=find,
    needs_data=True,
)
