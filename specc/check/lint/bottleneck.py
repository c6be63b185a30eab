"""W511: everything the network knows about an image passes through one channel."""

from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted, trail


def find(linted: Linted) -> Iterator[Found]:
    later = {node.index for node in linted.kernels}
    last = max(later, default=0)
    for node in linted.trunk:
        if node.index in later and node.index != last and node.shape[0] == 1:
            what = "channel" if len(node.shape) == 3 else "number"
            yield Found(
                f"later layers see nothing of an image but this one {what}",
                node.span,
                notes=trail(node),
                help="give it more filters" if len(node.shape) == 3 else "give it more units",
            )


LINT = Lint(
    code="W511",
    name="one-channel-bottleneck",
    doc="""\
A layer with weights outside branches that outputs one channel or one number, followed by more layers with weights.
""",
    why="""\
Information that does not fit through the narrowest layer is lost, and one channel after a relu is often zero
everywhere, with no gradient. The usual cause is a misread argument: the first argument of conv is the number of
filters, not the kernel size.
""",
    source="""\
Szegedy et al., 2016, Rethinking the Inception architecture, section 2, principle 1: avoid representational
bottlenecks, https://arxiv.org/abs/1512.00567
""",
    bad="""\
network Net {
  input(3, 32x32)
  conv(32) -> relu
  conv(1, 3x3) -> relu
  flatten -> dense(10)
}
""",
    good="""\
network Net {
  input(3, 32x32)
  conv(32) -> relu
  conv(32, 3x3) -> relu
  flatten -> dense(10)
}
""",
    find=find,
)
