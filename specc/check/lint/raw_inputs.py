"""W521: images that flow into the first kernel far from mean 0 and variance 1."""

from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted
from specc.ir.graph import Node

COLOR = 3
HELP = "normalize = standard, or fixed(mean=[…], std=[…]) with known values"


def find(linted: Linted) -> Iterator[Found]:
    assert linted.data is not None
    normalize = linted.data.normalize
    place = linted.place("data", "normalize", normalize)
    if normalize.name == "fixed" and max(*normalize.args.mean, *normalize.args.std) > 1:
        scaled = (", ".join(f"{value / 255:.3f}" for value in values) for values in _fixed(normalize.args))
        yield Found(
            "these values are of pixels from 0 to 255, but here pixels are from 0 to 1",
            place,
            help="fixed(mean=[{}], std=[{}])".format(*scaled),
        )
    elif normalize.name == "none" and not _is_normalized(linted):
        yield Found("pixels from 0 to 255 flow into the first weights", place, help=HELP)
    elif normalize.name == "unit" and linted.graph.input[0] == COLOR and not _is_normalized(linted):
        yield Found("pixels from 0 to 1, all positive, flow into the first weights", place, help=HELP)


def _fixed(a: object) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return a.mean, a.std  # type: ignore[attr-defined]


def _is_normalized(linted: Linted) -> bool:
    """Whether a norm stands before the first weights, or right behind them, where it does the same."""
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
    name="raw-inputs",
    doc="""\
`normalize = none`, `normalize = unit` of color images, or `fixed` with values of pixels from 0 to 255, with no
norm before the first weights or right behind them. Nothing is said of `unit` for gray images, whose black
background is 0 already: the mean of MNIST, digits and Fashion-MNIST lies 0.4 to 0.8 deviations above 0, that of
CIFAR-10 and ImageNet about 2.
""",
    why="""\
Inputs that are all positive push all weights of a filter the same way at every step, so that gradient descent
zigzags; and what all inputs have in common dominates the directions in which the loss bends. Pixels up to 255 make
the first activations hundreds of times too large besides.
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
