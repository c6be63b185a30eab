"""W522: digits that are mirrored or turned around."""

from collections.abc import Iterator, Sequence

from specc.check.lint.lint import Found, Lint, Linted
from specc.tricks.augment import component_of
from specc.values import Bound


def find(linted: Linted) -> Iterator[Found]:
    assert linted.data is not None
    if not linted.facts.orientation_sensitive:
        return
    for call in calls(linted.data.augment):
        if component_of(call).facts.turns(call.args):
            yield Found(
                f"`{call.name}` makes other signs, or none, of the images of `{linted.data.source.name}`",
                linted.place("data", "augment", call),
                help=f"leave `{call.name}` out; a small shift, rotate or crop_and_resize keeps what a digit means",
            )
    views = linted.train.evaluate
    if views is not None and views.args.mirror:
        yield Found(
            f"`{views.name}` also looks at the images of `{linted.data.source.name}` mirrored, as other signs, or none",
            linted.place("train", "evaluate", views),
            help="leave `flip` out; tta(shift=1) keeps what a digit means",
        )


def calls(tricks: Sequence[Bound]) -> Iterator[Bound]:
    """All augmentations of a pipeline, with those in branches."""
    for call in tricks:
        yield call
        for branch in call.branches:
            yield from calls(branch)


LINT = Lint(
    code="W522",
    name="turned-signs",
    doc="`flip`, or `rotate` by 90 degrees or more, of handwritten digits; in `augment`, or `flip` in `tta`.",
    why="""\
An augmentation must keep what the label says. A mirrored 2 is no digit, a 6 turned around is a 9, and the network
is told that it is still a 6: it learns to confuse them.
""",
    source="""\
Shorten and Khoshgoftaar, 2019, A survey on image data augmentation, section on geometric transformations and their
safety, https://doi.org/10.1186/s40537-019-0197-0
""",
    bad="""\
data {
  source  = digits
  augment = flip(horizontal) -> shift(1)
}

network Net {
  conv(32) -> relu
  flatten -> dense(10)
}
""",
    good="""\
data {
  source  = digits
  augment = shift(1)
}

network Net {
  conv(32) -> relu
  flatten -> dense(10)
}
""",
    find=find,
    needs_data=True,
)
