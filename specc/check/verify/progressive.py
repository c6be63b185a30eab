"""Checks that a network takes every size that its training images grow through."""

from specc.check.context import Context
from specc.diagnostics import Label
from specc.ir.at_size import Misfit, averages_one_number, shapes_at
from specc.ir.graph import Graph
from specc.tricks.progressive import sizes
from specc.tricks.sections import DataSettings, TrainSettings
from specc.values import Size
from specc.vocabulary.shape import size_text

POOL = "end the network in global_avg_pool, or begin with a larger size"
MAPS = "remove `progressive`: what a network gives for each pixel is learned at one size"


def progressive_fits(graph: Graph, data: DataSettings, train: TrainSettings | None, context: Context) -> None:
    """Report E322 where images cannot grow, or the network does not take one of the sizes."""
    grows = data.progressive
    if grows is None:
        return
    assert grows.span is not None
    first: Size = getattr(grows.args, "from")
    full = Size(*graph.input[1:]) if len(graph.input) == 3 else None
    if full is None or first == full or any(small > large for small, large in zip(first, full, strict=True)):
        message = f"images cannot grow from {first} to what the network sees of them, {full or size_text(graph.input)}"
        smaller = Size(*((side + 1) // 2 for side in full)) if full else None
        help = f"begin with a smaller size, such as from={smaller}" if smaller else "remove `progressive`"
        context.error("E322", message, grows.span, help=help)
        return
    is_map = len(graph.output_shape) == 3 and graph.output_shape[1:] != (1, 1)
    all_sizes = sizes(grows.args, full)
    through = f"it goes through {', '.join(map(str, all_sizes))} to {full}"
    for size in all_sizes:
        found = shapes_at(graph, size)
        if not isinstance(found, Misfit) and train is not None and train.part == 1:
            norm = averages_one_number(graph, found)
            found = Misfit(norm, f"`{norm.op.name}` has only one value per channel to normalize") if norm else found
        if isinstance(found, Misfit):
            message = f"the network does not take images of {size}: {found.why}; {through}"
            labels = (Label(found.node.span, f"{found.node.name}, at {size}"),)
            context.error("E322", message, grows.span, labels=labels, help=MAPS if is_map else POOL)
            return
