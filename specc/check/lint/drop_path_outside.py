"""W513: stochastic depth without a skip connection around it."""

from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted, trail


def find(linted: Linted) -> Iterator[Found]:
    for node in linted.trunk:
        if node.op.needs_bypass:
            yield Found(
                f"`{node.op.name}` is not in a branch, so it erases everything known about an image",
                node.span,
                notes=trail(node),
                help=f"residual {{ … -> {node.op.name}(…) }}, or dropout, which drops individual values",
            )


LINT = Lint(
    code="W513",
    name="drop-path-outside-branch",
    doc="drop_path where no branch bypasses it.",
    why="""\
For some of the images it drops the branch that contains it, and the skip connection carries them on. Without a skip
connection nothing is left of them: all later layers see zeros, and learn the same answer for every class.
""",
    source="Huang et al., 2016, Deep networks with stochastic depth, section 3, https://arxiv.org/abs/1603.09382",
    bad="""\
network Net {
  input(3, 32x32)
  conv(32) -> relu
  conv(32) -> relu -> drop_path(10%)
  flatten -> dense(10)
}
""",
    good="""\
network Net {
  input(3, 32x32)
  conv(32) -> relu
  residual { conv(32) -> relu -> drop_path(10%) }
  flatten -> dense(10)
}
""",
    find=find,
)
