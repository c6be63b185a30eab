"""Checks that network, data and training fit together, once each of them is known."""

from specc.check.context import Context
from specc.check.gather.spec import Spec
from specc.check.verify.fits import hold_together
from specc.check.verify.learning import initializers_fit, learning_fits
from specc.check.verify.progressive import progressive_fits
from specc.check.verify.shards import shards_fit
from specc.ir.graph import Graph
from specc.tricks.sections import DataSettings, ExportSettings, TrainSettings


def verify(
    spec: Spec,
    graph: Graph,
    data: DataSettings | None,
    train: TrainSettings | None,
    export: ExportSettings | None,
    context: Context,
) -> None:
    """Report what does not fit together. data: None where the spec has none, or where it has errors."""
    if data is not None:
        hold_together(spec, graph, data, train, export, context)
        progressive_fits(graph, data, train, context)
    initializers_fit(graph, context)
    if train is not None:
        settings = spec.sections.get("train", {})
        learning_fits(graph, train, settings, data is not None, context)
        shards_fit(graph, data, train, settings, context)
