"""W517: a parameter that its block or network does not use."""

from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted
from specc.check.lint.names import here, names


def find(linted: Linted) -> Iterator[Found]:
    spec = linted.spec
    for block in here(linted.source, [*spec.blocks.values(), spec.network]):
        defaults = [parameter.default for parameter in block.parameters if parameter.default is not None]
        used = names([block.body, defaults])
        for parameter in block.parameters:
            if not used[parameter.name]:
                start = parameter.span.start
                what = "network" if block.is_network else "block"
                yield Found(
                    f"`{parameter.name}` has no effect: {what} `{block.name}` does not use it",
                    parameter.span._replace(end=start + len(parameter.name)),
                    help=f"use it where it was meant to take effect, or remove it, here and where `{block.name}` is "
                    + ("changed" if block.is_network else "called"),
                )


LINT = Lint(
    code="W517",
    name="unused-parameter",
    doc="A parameter of a block or network that is not used in its body.",
    why="""\
A call, a variant or a search that changes it has no effect, and nobody is told: a study of it compares a network with
itself.
""",
    source="ruff, ARG001 unused-function-argument, https://docs.astral.sh/ruff/rules/unused-function-argument",
    bad="""\
network Net(width=32, depth=3) {
  input(3, 32x32)
  repeat(3) { conv(width) -> relu }
  flatten -> dense(10)
}
""",
    good="""\
network Net(width=32, depth=3) {
  input(3, 32x32)
  repeat(depth) { conv(width) -> relu }
  flatten -> dense(10)
}
""",
    find=find,
    of_text=True,
)
