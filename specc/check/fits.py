"""Network, data and training held against each other."""

from typing import Any

from specc.check.bind import Binder
from specc.ir.graph import Graph
from specc.ops.op import size_text
from specc.syntax import tree as t
from specc.tricks import TRICKS
from specc.tricks.augment import augmented_size
from specc.values import Args, Size


def data_shape(data: Args | None) -> Any:
    """Channels, height and width of the images as `data` alone says them, or None."""
    if data is None:
        return None
    facts = TRICKS["source"][data.source.name].facts
    if data.resize is not None:
        return (facts.shape[0] if facts and facts.shape else 3, *data.resize)
    return facts.shape if facts else None


def hold_together(graph: Graph, data: Args, network: t.Block, binder: Binder) -> None:
    """Report where the network's input or output is not what the data need."""
    facts = TRICKS["source"][data.source.name].facts
    images, source = data_shape(data), data.source.name
    if images is not None and facts is not None and facts.shape is not None and graph.input != images:
        found = f"the network takes {size_text(graph.input)}, but `{source}` gives {size_text(images)}"
        channels, *size = images
        help = f"input({channels}, {Size(*size)}), or leave `input` out: the data say it"
        if graph.input[0] == channels:
            help = f"resize = {Size(*graph.input[1:])} in `data`, or {help}"
        binder.error("E307", found, graph.nodes[0].span, help=help)
        return
    if len(graph.input) == 3:
        size = Size(*graph.input[1:])
        after = augmented_size(data.augment, size)
        if after != size:
            found = f"`augment` turns {size} into {after}, but the network takes {size}"
            binder.error("E307", found, data.augment[0].span or graph.nodes[0].span, help="crop to the network's size")
    shape, classes = graph.shape, facts.classes if facts else None
    width = shape[0]
    if len(shape) == 3 and shape[1:] != (1, 1):
        found = f"the network ends in {size_text(shape)}, but a classifier ends in one number for each class"
        help = "end with global_avg_pool -> dense(…), or flatten -> dense(…)"
        binder.error("E306", found, graph.nodes[graph.output].span, help=help)
    elif classes is not None and width != len(classes):
        found = f"the network ends in {width} numbers, but `{source}` has {len(classes)} classes"
        binder.error("E306", found, graph.nodes[graph.output].span, help=f"end with dense({len(classes)})")
    for head in graph.heads:
        end = graph.nodes[head.output]
        if end.shape not in (shape, (width,), (width, 1, 1)):
            found = f"head `{head.name}` ends in {size_text(end.shape)}, the network in {size_text(shape)}"
            binder.error("E306", found, end.span, help="end both with the same number of classes")
