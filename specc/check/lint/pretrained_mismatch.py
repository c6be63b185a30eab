"""W543: pretrained weights in a network, or on images, that differ from those that they were trained with."""

from collections.abc import Iterator, Sequence
from math import isclose

from specc.check.lint.lint import Found, Lint, Linted
from specc.check.zoo import compiled
from specc.ir.graph import Graph, Node
from specc.tricks.normalize import IMAGENET
from specc.vocabulary.family import Normalization
from specc.vocabulary.registry import component
from specc.zoo.weights import Published, published

FAR = 2  # how many times smaller or larger a side may be than the one that the weights were trained for


def find(linted: Linted) -> Iterator[Found]:
    start = linted.train.start
    if start is None or start.name != "pretrained":
        return
    entry = published()[start.args.name]
    yield from _normalization(linted, entry)
    yield from _size(linted, entry)
    yield from _eps(linted.graph, entry)


def _normalization(linted: Linted, entry: Published) -> Iterator[Found]:
    assert linted.data is not None
    normalize = linted.data.normalize
    constants = component(Normalization, normalize).constants
    if constants is not None and all(map(_alike, constants(normalize.args), (entry.mean, entry.std))):
        return
    theirs = f"mean {_text(entry.mean)} and deviation {_text(entry.std)}"
    found = f"`{normalize.name}`"
    if constants is not None:
        mean, std = constants(normalize.args)
        found = f"mean {_text(mean)} and deviation {_text(std)}"
    fixed = f"fixed(mean={_text(entry.mean)}, std={_text(entry.std)})"
    is_imagenet = all(map(_alike, IMAGENET, (entry.mean, entry.std)))
    yield Found(
        f"the weights were trained with {theirs}, but images are normalized with {found}",
        linted.place("data", "normalize", normalize),
        help=f"normalize = {'imagenet' if is_imagenet else fixed}",
    )


def _size(linted: Linted, entry: Published) -> Iterator[Found]:
    assert linted.data is not None
    theirs = int(entry.view.partition("x")[0])
    shape = linted.graph.input
    if len(shape) == 3 and not theirs / FAR <= min(shape[1:]) <= theirs * FAR:
        yield Found(
            f"the weights were trained on images of {entry.view}, but the network sees {shape[1]}x{shape[2]}",
            linted.place("data", "view", None),
            help=f"enlarge the images: resize = {entry.resize}, view = {entry.view}",
        )


def _eps(graph: Graph, entry: Published) -> Iterator[Found]:
    """Norms that divide by something else; the first of them stands for all."""
    theirs = {node.name: _eps_of(node) for node in compiled(entry.model)[0].nodes}
    for node in graph.nodes:
        own, other = _eps_of(node), theirs.get(node.name)
        if own is not None and other is not None and own != other:
            message = f"the weights were trained with eps={other:g} in this norm, but it has eps={own:g}"
            yield Found(message, node.span, help=f"write eps={other:g}")
            return


def _eps_of(node: Node) -> float | None:
    return node.args.eps if node.op.takes("eps") else None


def _alike(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether two rows of constants are the same, up to printed digits. A single one stands for all channels."""
    size = max(len(one), len(other))
    pairs = zip(*(row if len(row) == size else [*row] * size for row in (one, other)), strict=True)
    return all(isclose(a, b, rel_tol=5e-3) for a, b in pairs)


def _text(values: Sequence[float]) -> str:
    return "[" + ", ".join(f"{value:g}" for value in values) + "]"


LINT = Lint(
    code="W543",
    name="pretrained-mismatch",
    doc="""\
Pretrained weights begin a training whose images are normalized in another way than those that the weights were trained
on, or are less than half or more than twice as large; or a norm has another `eps`.
""",
    why="""\
The first convolution expects pixels of a certain mean and scale, and every norm after it has kept statistics of what
then arrives. With other pixels the features are not those that were learned, and the training spends its first epochs
to repair that, or never does where the backbone is frozen.
""",
    source="torchvision's documentation, Models and pre-trained weights, https://docs.pytorch.org/vision/stable/models.html",
    bad="""\
data {
  source    = folder("photos")
  resize    = 128x128
  normalize = standard
}

network Net {
  conv(8, 7x7, stride=4) -> batch_norm -> relu
  flatten -> dense(5)
}

train { start = pretrained("torchvision/resnet18.IMAGENET1K_V1") }
""",
    good="""\
data {
  source    = folder("photos")
  resize    = 128x128
  normalize = imagenet
}

network Net {
  conv(8, 7x7, stride=4) -> batch_norm -> relu
  flatten -> dense(5)
}

train { start = pretrained("torchvision/resnet18.IMAGENET1K_V1") }
""",
    find=find,
    needs_data=True,
)
