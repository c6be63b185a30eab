"""W510: group normalization whose groups hold one channel each."""

from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted, trail
from specc.ops.geometry import divisors, few


def find(linted: Linted) -> Iterator[Found]:
    for node in linted.graph.nodes:
        channels = node.shape[0]
        if node.op.name == "group_norm" and node.args.groups == channels > 1:
            smaller = divisors(channels)[:-1]
            yield Found(
                f"{channels} groups of {channels} channels have one channel each: this is instance_norm",
                node.span,
                notes=trail(node),
                help=f"use fewer groups: {few(smaller)}; or write instance_norm",
            )


LINT = Lint(
    code="W510",
    name="single-channel-groups",
    doc="group_norm with as many groups as there are channels.",
    why="""\
A group of one channel is normalized on its own, which is instance_norm: the relative strength of the channels is
lost. On ImageNet a ResNet-50 has an error of 28.4% with one channel per group, and of 25.6% with two. If
instance_norm is what is meant, write it.
""",
    source="""\
Wu and He, 2018, Group normalization, section 3.1: with one channel per group it becomes instance norm, which "misses
the opportunity of exploiting the channel dependence"; section 4.1, "Group division", for the figures,
https://arxiv.org/abs/1803.08494
""",
    bad="""\
network Net {
  input(3, 32x32)
  conv(32) -> group_norm(32) -> relu
  flatten -> dense(10)
}
""",
    good="""\
network Net {
  input(3, 32x32)
  conv(32) -> group_norm(8) -> relu
  flatten -> dense(10)
}
""",
    find=find,
)
