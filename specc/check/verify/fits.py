"""Checks that network, data and training fit together."""

from collections.abc import Sequence
from typing import Any

from specc.check.context import Context, ShapeOf
from specc.check.gather.spec import Spec
from specc.check.verify.images import view_fits
from specc.check.verify.task import Mismatch, mismatches, outputs_of, task_of
from specc.diagnostics import Label, nearest
from specc.errors import counted
from specc.ir.graph import Graph, Node
from specc.source import Span
from specc.tricks.augment import augmented_size
from specc.tricks.evaluate import views_fit
from specc.tricks.sections import DataSettings, ExportSettings, TrainSettings, losses_of
from specc.values import Bound, Size
from specc.vocabulary.family import Normalization, Source
from specc.vocabulary.problem import Problem
from specc.vocabulary.registry import component
from specc.vocabulary.shape import Shape, size_text


def data_shape(data: DataSettings, shape_of: ShapeOf | None = None) -> Shape | None:
    """Channels, height and width of the images as `data` says them, and as the files of the source do where there is a
    `shape_of`; None where the images have to be read first."""
    size = data.view or (data.resizing and data.resizing.size)
    if size is not None and data.image_channels is not None:
        return (data.image_channels, *size)
    shape: Shape | None = component(Source, data.source).shape
    if shape is None and shape_of is not None:
        told = shape_of(data.source)
        shape = None if isinstance(told, str) else told
    return shape if shape is None or size is None else (shape[0], *size)


def help_to_say_the_shape(data: DataSettings | None, shape_of: ShapeOf | None) -> str:
    """What to write where `data_shape` is None, or there are no data."""
    if data is None:
        return "start the network with input(3, 32x32), or set a data source"
    size = data.view or (data.resizing and data.resizing.size)
    if data.image_channels is not None:
        resized = "image files may differ in size: bring all to one with `data`'s resize, as in resize = 224x224"
        return f"{resized}; where they have one already, start the network with input({data.image_channels}, 224x224)"
    told = shape_of(data.source) if shape_of is not None else "no file is opened here"
    why = f"; it was not read from the data of `{data.source.name}`: {told}" if isinstance(told, str) else ""
    return f"start the network with the shape of its images, such as input(1, {size or Size(28, 28)}){why}"


def hold_together(
    spec: Spec,
    graph: Graph,
    data: DataSettings,
    train: TrainSettings | None,
    export: ExportSettings | None,
    context: Context,
) -> None:
    """Report where the network's input or output is not what the data need."""
    if view_fits(data) and _input_fits(graph, data, context) and len(graph.input) == 3:
        _augment_fits(graph, data, context)
        _normalize_fits(spec, graph, data, context)
        _views_fit(graph, train, context)
    task_fits(spec, graph, data, train, export, context)


def _source(data: DataSettings, text: str) -> tuple[Label, ...]:
    """The other side of a mismatch: what the data are, where they are named."""
    return (Label(data.source.span, text),) if data.source.span else ()


def _place(call: Any, node: Node) -> Span:
    """Where a setting's call was written; what is not written is held against the layer."""
    return call.span or node.span


def _input_fits(graph: Graph, data: DataSettings, context: Context) -> bool:
    images, channels = data_shape(data, context.shape_of), data.image_channels
    takes, source, span = graph.input, data.source.name, graph.nodes[0].span
    if images is None:
        if channels is None or takes[0] == channels:
            return True
        has = counted(channels, "channel")
        message = f"the network takes {size_text(takes)}, but the images of `{source}` have {has}"
        help = f"write input({channels}, {Size(*takes[1:]) if len(takes) == 3 else '…'})"
        context.error("E307", message, span, label=size_text(takes), labels=_source(data, has), help=help)
        return False
    if takes == images:
        return True
    help = f"write input({images[0]}, {Size(*images[1:])}), or leave out `input`: the data determine it"
    if len(takes) == 3 and takes[0] == images[0]:
        help = f"set {_fix(data, Size(*takes[1:]))} in `data`, or {help}"
    message = f"the network takes {size_text(takes)}, but `{source}` gives {size_text(images)}"
    other = data_shape(data.replace(resize=None, view=None), context.shape_of)
    resized = f", resized to {data.resizing.size}" if data.resizing else ""
    resized += f", seen as {data.view}" if data.view else ""
    labels = _source(data, size_text(other) + resized) if other else ()
    context.error("E307", message, span, label=size_text(takes), labels=labels, help=help)
    return False


def _fix(data: DataSettings, size: Size) -> str:
    """The settings with which the network would see images of this size."""
    if data.resizing and view_fits(data.replace(view=size)):
        return f"view = {size}" if data.view else f"resize = {size} (or view = {size}, the center)"
    return f"resize = {size}"


def _augment_fits(graph: Graph, data: DataSettings, context: Context) -> None:
    """Augmented images must be as large as those that are evaluated, which nothing augments; or give what is seen."""
    channels, *seen = graph.input
    wanted = Size(*seen)
    whole = data.resizing.size if data.resizing and data.view else wanted
    size, span = whole, graph.nodes[0].span
    for call in data.augment:
        try:
            after = augmented_size([call], size, channels)
        except Problem as problem:
            place, labels = _place(call, graph.nodes[0]), _source(data, size_text((channels, *whole)))
            context.error(problem.code, problem.message, place, labels=labels, help=problem.help)
            return
        if after != size:
            size, span = after, _place(call, graph.nodes[0])
    if size in (whole, wanted):
        return
    if data.view:
        message = f"`augment` turns {whole} into {size}, but the network sees {wanted}, the `view`"
        context.error("E307", message, span, help=f"crop to {wanted}, or set view = {size}")
        return
    message = f"`augment` turns {wanted} into {size}, but the network takes {wanted}"
    help = f"crop to {wanted}, or scale all images to {size} with `resize`"
    if data.resizing and view_fits(data.replace(view=size)):
        help = f"set view = {size} in `data`: in evaluation the network then sees the center of {wanted}"
    context.error("E307", message, span, help=help)


def _normalize_fits(spec: Spec, graph: Graph, data: DataSettings, context: Context) -> None:
    constants = component(Normalization, data.normalize).constants
    count = len(constants(data.normalize.args)[0]) if constants else 0
    if count > 1 and count != graph.input[0]:
        has = counted(graph.input[0], "channel")
        message = f"`{data.normalize.name}` has {count} means and standard deviations, but the images have {has}"
        place = _place(data.normalize, graph.nodes[0])
        help = "give one value per channel, or a single one for all"
        channels = spec.sections["data"].get("channels")
        labels = (Label(channels.value.span, has),) if channels else _source(data, has)
        context.error("E313", message, place, labels=labels, help=help)


def _views_fit(graph: Graph, train: TrainSettings | None, context: Context) -> None:
    if train is None or train.evaluate is None:
        return
    try:
        views_fit(train.evaluate.args, Size(*graph.input[1:]))
    except Problem as problem:
        context.error(problem.code, problem.message, _place(train.evaluate, graph.nodes[0]), help=problem.help)


def task_fits(
    spec: Spec,
    graph: Graph | None,
    data: DataSettings,
    train: TrainSettings | None,
    export: ExportSettings | None,
    context: Context,
) -> None:
    """Report what does not fit the task, where the text tells it. graph: None where it has errors of its own."""
    task, outputs, end = task_of(data), outputs_of(data), graph.nodes[graph.output] if graph else None
    learned = context.labels_of(data.source) if task is None and context.labels_of is not None else None
    if learned is not None:
        task, outputs = learned[0], tuple(learned[1])
    if task is None:
        return
    odd = list(mismatches(task, outputs, graph, data, train, export))
    for one in odd:
        if isinstance(one.at, Node) and spec.is_broken:
            continue  # the end of the network may be what cannot be read
        labels = _source(data, one.data) if one.data else ()
        if isinstance(one.at, Node) and end is not None and one.at is not end:
            labels = (Label(end.span, size_text(end.shape)),)
        span = _seen_at(one, spec) or (end.span if end else data.source.span)
        if span is not None:
            context.error(one.code, one.message, span, label=one.label, labels=labels, help=one.help)
    if train is not None and end is not None and not any(isinstance(one.at, Node) and one.at is end for one in odd):
        for loss in losses_of(train, task):
            _class_weights_fit(loss, end.shape[0], data, outputs, end, context)


def _seen_at(mismatch: Mismatch, spec: Spec) -> Span | None:
    """Where a mismatch was written; None for a default."""
    if isinstance(mismatch.at, str):
        section, name = mismatch.at.split(".")
        setting = spec.sections.get(section, {}).get(name)
        return setting.value.span if setting else None
    return mismatch.at.span


def _class_weights_fit(
    loss: Bound, width: int, data: DataSettings, classes: Sequence[str] | None, end: Node, context: Context
) -> None:
    """Weights by position are as many as the classes; weights by name name classes, where these are known."""
    weights = getattr(loss.args, "weights", None)
    if weights is None or weights == "balanced":
        return
    labels = _source(data, counted(len(classes), "class")) if classes else ()
    if weights and isinstance(weights[0], tuple):
        unknown = [name for name, _ in weights if classes is not None and name not in classes]
        if classes is not None and unknown:
            message = f"`{loss.name}` gives a weight to `{unknown[0]}`, which is none of the classes"
            help = nearest(unknown[0], classes) or f"the classes are {', '.join(classes)}"
            context.error("E315", message, _place(loss, end), labels=labels, help=help)
    elif len(weights) != width:
        message = f"`{loss.name}` has {counted(len(weights), 'weight')}, but the network has {counted(width, 'class')}"
        help = "give one weight per class, in the order of the classes, or weights by name"
        context.error("E315", message, _place(loss, end), labels=labels, help=help)
