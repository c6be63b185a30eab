"""W518: a tensor name that is redefined before it is used."""

from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted
from specc.diagnostics import Label


def find(linted: Linted) -> Iterator[Found]:
    for name, first, second in linted.overwritten:
        yield Found(
            f"`{name}` is redefined before its first definition is used",
            second,
            labels=(Label(first, "first defined here"),),
            help="rename one of them, or remove the first",
        )


LINT = Lint(
    code="W518",
    name="overwritten-name",
    doc="""\
A second `as(x)` in a body before any `from(x)` or `crop_to(x)` has used the first. The same `as` in the next iteration
of a loop is intended and not reported.
""",
    why="""\
`from(x)` refers to the nearest `as(x)` before it, so the first tensor can no longer be reached by this name: a skip
connection meant to start there starts at the second one, which may well have the same shape.
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
