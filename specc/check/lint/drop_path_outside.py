"""W513: stochastic depth where nothing flows around it."""

from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted, trail


def find(linted: Linted) -> Iterator[Found]:
    for node in linted.trunk:
        if node.op.needs_bypass:
            yield Found(
                f"`{node.op.name}` stands in no branch: it wipes out all that is known of an image",
                node.span,
                notes=trail(node),
                help=f"residual {{ … -> {node.op.name}(…) }}, or dropout, which drops single numbers",
            )


LINT = Lint(
    code="W513",
    name="drop-path-outside-branch",
    doc="drop_path where no branch leads around it.",
    why="""\
It leaves out the branch in which it stands, for some of the images, and the skip connection carries those on.
Without one there is nothing left of them: all later layers see zeros, and learn the same answer for every class.
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
