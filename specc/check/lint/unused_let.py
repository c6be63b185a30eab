"""W515: a `let` that is never used."""

from collections import Counter
from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted
from specc.check.lint.names import here, names, whole_lines
from specc.diagnostics import Fix
from specc.syntax import tree as t
from specc.syntax.tree import walk


def find(linted: Linted) -> Iterator[Found]:
    spec = linted.spec
    for let in here(linted.source, spec.lets.values()):
        yield from _unused(let, linted.names)
    for block in here(linted.source, [*spec.blocks.values(), spec.network]):
        own = names(block)
        for let in walk(block.body):
            if isinstance(let, t.Let | t.Shared):
                yield from _unused(let, own)


def _unused(let: t.Let | t.Shared, uses: Counter[str]) -> Iterator[Found]:
    if uses[let.name] == names(let.value)[let.name]:
        yield Found(
            f"`{let.name}` is never used",
            let.name_span,
            help="remove it",
            fix=Fix(whole_lines(let.span), ""),
        )


LINT = Lint(
    code="W515",
    name="unused-let",
    doc="A `let` or `shared` whose name is used nowhere else.",
    why="""\
Either it is left over, or the place that was meant to use it uses something else: changing the value here changes
nothing there.
""",
    source="ruff, F841 unused-variable, https://docs.astral.sh/ruff/rules/unused-variable",
    bad="""\
let classes = 10
let width = 64

network Net {
  input(3, 32x32)
  conv(32) -> relu
  flatten -> dense(classes)
}
""",
    good="""\
let classes = 10
let width = 64

network Net {
  input(3, 32x32)
  conv(width) -> relu
  flatten -> dense(classes)
}
""",
    find=find,
    of_text=True,
)
