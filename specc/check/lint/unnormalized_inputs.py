"""W521: images that reach the first kernel far from mean 0 and variance 1."""

from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted
from specc.ir.graph import Node

COLOR = 3
HELP = "use normalize = standard, or fixed(mean=[…], std=[…]) with known values"


def find(linted: Linted) -> Iterator[Found]:
    assert linted.data is not None
    normalize = linted.data.normalize
    place = linted.place("data", "normalize", normalize)
    if normalize.name == "fixed" and max(*normalize.args.mean, *normalize.args.std) > 1:
        scaled = (", ".join(f"{value / 255:.3f}" for value in values) for values in _fixed(normalize.args))
        yield Found(
            "these values are for pixels from 0 to 255, but here pixels range from 0 to 1",
            place,
            help="fixed(mean=[{}], std=[{}])".format(*scaled),
        )
    elif normalize.name == "none" and not _is_normalized(linted):
        yield Found("the first layer gets pixels from 0 to 255", place, help=HELP)
    elif normalize.name == "unit" and linted.graph.input[0] == COLOR and not _is_normalized(linted):
        yield Found("the first layer gets pixels from 0 to 1, all positive", place, help=HELP)


def _fixed(a: object) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return a.mean, a.std  # type: ignore[attr-defined]


def _is_normalized(linted: Linted) -> bool:
    """Whether there is a norm before the first weights, or right after them, where it has the same effect."""
    return all(_normalizes(linted, reader) for reader in linted.readers[0])


def _normalizes(linted: Linted, node: Node | None) -> bool:
    while node is not None and linted.is_plain(node):
        node = linted.following(node)
    if node is not None and linted.graph.kernel(node) is not None:
        readers = linted.readers[node.index]
        return bool(readers) and all(reader.op.cancels_bias for reader in readers)
    return node is not None and node.op.group == "normalization"


LINT = Lint(
    code="W521",
    name="unnormalized-inputs",
    doc="""\
`normalize = none`, `normalize = unit` for color images, or `fixed` with statistics of pixels from 0 to 255, with no
norm before or right after the first weights. `unit` is not reported for grayscale images, whose black background is
already 0: the mean of MNIST, digits and Fashion-MNIST is 0.4 to 0.8 standard deviations above 0, that of CIFAR-10 and
ImageNet about 2.
""",
    why="""\
If all inputs are positive, all weights of a filter move in the same direction at every step, so gradient descent
zigzags; and the component that all inputs share dominates the curvature of the loss. Pixels up to 255 also make the
first activations hundreds of times too large.
""",
    source="LeCun et al., 1998, Efficient backprop, section 4.3, https://doi.org/10.1007/978-3-642-35289-8_3",
    bad="""\
data {
  source    = cifar10
  normalize = unit
}

network Net {
  conv(32) -> relu
  flatten -> dense(10)
}
""",
    good="""\
data {
  source    = cifar10
  normalize = standard
}

network Net {
  conv(32) -> relu
  flatten -> dense(10)
}
""",
    find=find,
    needs_data=True,
)
