"""W522: digits that are mirrored or rotated."""

from collections.abc import Iterator, Sequence

from specc.check.lint.lint import Found, Lint, Linted
from specc.tricks.augment import component_of
from specc.values import Bound


def find(linted: Linted) -> Iterator[Found]:
    assert linted.data is not None
    if not linted.data_source.orientation_sensitive:
        return
    for call in calls(linted.data.augment):
        if component_of(call).turns(call.args):
            yield Found(
                f"`{call.name}` changes what the images of `{linted.data.source.name}` show, but not their labels",
                linted.place("data", "augment", call),
                help=f"remove `{call.name}`; a small shift, rotate or crop_and_resize preserves the label",
            )
    views = linted.train.evaluate
    if views is not None and views.args.mirror:
        yield Found(
            f"`{views.name}` also evaluates mirrored images of `{linted.data.source.name}`, which show something else",
            linted.place("train", "evaluate", views),
            help="remove `flip`; tta(shift=1) preserves the label",
        )


def calls(tricks: Sequence[Bound]) -> Iterator[Bound]:
    """All augmentations of a pipeline, including those in branches."""
    for call in tricks:
        yield call
        for branch in call.branches:
            yield from calls(branch)


LINT = Lint(
    code="W522",
    name="label-changing-augmentation",
    doc="`flip`, or `rotate` by 90 degrees or more, on handwritten digits, in `augment`; or `flip` in `tta`.",
    why="""\
An augmentation must preserve the label. A mirrored 2 is not a digit, and an upside-down 6 is a 9 that is still
labeled 6: the network learns to confuse them.
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
