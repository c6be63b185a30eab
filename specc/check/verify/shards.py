"""Checks that a batch can be cut into its shards, and that each is enough for what needs several images."""

from collections.abc import Iterable, Sequence

from specc.check.context import Context
from specc.diagnostics import Label
from specc.errors import counted
from specc.ir.graph import Graph, Node
from specc.ir.weights import frozen_norms
from specc.syntax import tree as t
from specc.tricks.augment import mixer
from specc.tricks.sections import DataSettings, TrainSettings
from specc.vocabulary.shape import size_text

NO_BATCH = "layer_norm, which does not depend on the batch"


def shards_fit(
    graph: Graph,
    data: DataSettings | None,
    train: TrainSettings,
    settings: dict[str, t.Setting],
    context: Context,
) -> None:
    """Report E500 where a batch cannot be cut into its shards; E316 and E501 where a shard, or the batch, is one image,
    and batch norm needs two numbers of a channel, or images are mixed with others. settings: as they are written."""
    named = [name for name in ("shards", "batch") if name in settings]
    span = settings[named[0]].value.span if named else None
    if train.batch % train.shards:
        labels = tuple(Label(settings[name].value.span, counted(train.batch, "image")) for name in named[1:])
        message = f"a batch of {train.batch} cannot be cut into {train.shards} equal shards"
        context.error("E500", message, span or graph.nodes[0].span, labels=labels, help=numbers_that_do(train))
        return
    if train.part > 1 or data is None:
        return
    norm = batch_of_one(graph, train.frozen)
    if norm is not None:
        shape = size_text(graph.nodes[norm.inputs[0]].shape)
        message = f"`{norm.op.name}` has only one value per channel to normalize: {shape} in {_one_image(train)}"
        place = span or norm.span
        labels = (Label(norm.span, f"input: {shape}"),) if place != norm.span else ()
        context.error("E316", message, place, labels=labels, help=f"{two_images(train)}, or {NO_BATCH}")
    mixes = mixer(data.augment) if train.shards > 1 else None
    if mixes is not None:
        message = f"`{mixes.name}` mixes images of a shard with each other, and a shard is one image"
        place = mixes.span or span or graph.nodes[0].span
        context.error("E501", message, place, help=f"{two_images(train)}, or remove `{mixes.name}`")


def numbers_that_do(train: TrainSettings) -> str:
    """Which batches can be cut into these shards, and into which shards these batches."""
    batch, shards = train.batch, train.shards
    below = batch - batch % shards
    batches = [size for size in (below, below + shards) if size]
    divisors = [count for count in range(1, batch + 1) if batch % count == 0]
    fewer, more = ([count for count in divisors if (count < shards) is is_below] for is_below in (True, False))
    counts = [*fewer[-1:], *more[:1]]
    return f"set batch = {_either(batches)}, or shards = {_either(counts)}"


def two_images(train: TrainSettings) -> str:
    """What gives each shard two images at least."""
    if train.shards == 1:
        return "use batches of at least two images"
    counts = [count for count in range(1, train.batch // 2 + 1) if train.batch % count == 0]
    fewer = f", or shards = {counts[-1]}" if counts else ""
    return f"use shards of at least two images, as with batch = {2 * train.shards}{fewer}"


def _one_image(train: TrainSettings) -> str:
    return "a batch of one image" if train.shards == 1 else f"each of {train.shards} shards of one image"


def _either(numbers: Sequence[int]) -> str:
    return " or ".join(map(str, numbers))


def batch_of_one(graph: Graph, freeze: Iterable[str]) -> Node | None:
    """The first layer that a batch of one image gives a single number of each channel to average over, if any does.

    freeze: the selectors of what is frozen; a norm that is keeps to its running statistics.
    """
    frozen = frozen_norms(graph, freeze)
    for node in graph.nodes[1:]:
        is_averaging = node.op.batch_statistics and node.name not in frozen
        if is_averaging and all(side == 1 for side in graph.nodes[node.inputs[0]].shape[1:]):
            return node
    return None
