"""W544: a group of weights that ends before its weights are no longer frozen."""

from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted
from specc.errors import counted
from specc.ir.weights import selected, weights_of
from specc.tricks.length import in_epochs


def find(linted: Linted) -> Iterator[Found]:
    train = linted.train
    if train.frozen_until is None:
        return
    thaw = in_epochs(train.frozen_until, train.epochs)
    left = weights_of(linted.graph)
    late = {weight.name for weight in selected(train.frozen_at_first, left)}
    for group in train.groups or ():
        members = selected(group.args.weights, left)
        left = [weight for weight in left if weight not in members]
        until = group.args.until
        lost = [weight for weight in members if weight.name in late and weight.learns]
        if until is None or not lost or in_epochs(until, train.epochs) > thaw:
            continue
        end = counted(in_epochs(until, train.epochs), "epoch")
        yield Found(
            f"this group ends after {end}, but `{lost[0].name}` is frozen until {counted(thaw, 'epoch')} have passed",
            linted.place("train", "groups", group),
            help="let the group learn longer, freeze for less long, or freeze these weights to the end: freeze = […]",
        )


LINT = Lint(
    code="W544",
    name="group-never-learns",
    doc="""\
A group with an `until` that is not after that of `freeze`, which keeps weights of this group as they are: when they
thaw, the group has ended.
""",
    why="These weights never learn, although both settings say that they do for a while.",
    source="""\
Howard and Ruder, 2018, Universal language model fine-tuning for text classification, section 3.3, gradual unfreezing:
layers that are unfrozen learn from then on, https://arxiv.org/abs/1801.06146
""",
    bad="""\
data { source = digits }

network Net {
  conv(32) -> relu
  flatten -> dense(10)
}

train {
  epochs = 9
  freeze = freeze(backbone, until=3)
  groups = [group(backbone, until=2)]
}
""",
    good="""\
data { source = digits }

network Net {
  conv(32) -> relu
  flatten -> dense(10)
}

train {
  epochs = 9
  freeze = freeze(backbone, until=3)
  groups = [group(backbone, until=6)]
}
""",
    find=find,
    needs_data=True,
)
