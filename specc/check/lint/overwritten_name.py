"""W518: a name of a tensor that is given a second time before it is used."""

from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted
from specc.diagnostics import Label


def find(linted: Linted) -> Iterator[Found]:
    for name, first, second in linted.overwritten:
        yield Found(
            f"`{name}` is given a second time before anything used the first one",
            second,
            labels=(Label(first, "the first one"),),
            help="give one of them another name, or leave the first one out",
        )


LINT = Lint(
    code="W518",
    name="overwritten-name",
    doc="""\
A second `as(x)` in a body where no `from(x)` or `crop_to(x)` used the first one. The same `as` in the next turn of a
loop is meant, and is not reported.
""",
    why="""\
`from(x)` means the nearest `as(x)` before it, so that the first tensor cannot be reached by this name any more: a
skip connection that was to come from there comes from the second one, which may well have the same shape.
""",
    source="ruff, F811 redefined-while-unused, https://docs.astral.sh/ruff/rules/redefined-while-unused",
    bad="""\
network Net {
  input(3, 32x32)
  conv(32) -> relu -> as(early)
  conv(32) -> relu -> as(early)
  conv(32) -> relu
  add { | identity | from(early) }
  flatten -> dense(10)
}
""",
    good="""\
network Net {
  input(3, 32x32)
  conv(32) -> relu -> as(early)
  conv(32) -> relu -> as(late)
  conv(32) -> relu
  add { | identity | from(early) | from(late) }
  flatten -> dense(10)
}
""",
    find=find,
)
