"""What does not fit the task: the loss, the end of the network, the output of the export, the figure that chooses.

Asked by `specc check`, where the source tells the task, and again once the data are read, which always tell it.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from specc.errors import counted
from specc.ir.graph import Graph, Node
from specc.tasks import CLASSIFICATION, LOSS, Task
from specc.tricks.augment import component_of
from specc.tricks.sections import DataSettings, ExportSettings, TrainSettings, losses_of
from specc.values import Bound, Size
from specc.vocabulary.family import Loss, Source
from specc.vocabulary.registry import COMPONENTS, component
from specc.vocabulary.shape import size_text

TOP = 5  # classes among which the right one counts for `top5`


class Mismatch(NamedTuple):
    """What does not fit.

    at: the setting, as `train.best`, the call or the layer where it is seen; label: what it is. data: what the data
    are, where that is the other side.
    """

    code: str
    message: str
    at: str | Bound | Node
    help: str
    data: str = ""
    label: str = ""


def task_of(data: DataSettings | None) -> Task | None:
    """The task that a source makes; None where only reading tells, or where there are no data."""
    return component(Source, data.source).task(data.source.args) if data else None


def outputs_of(data: DataSettings) -> tuple[str, ...] | None:
    """What the network has to give, by name, as far as the text tells: classes, tags or numbers."""
    source = component(Source, data.source)
    return source.classes or source.outputs(data.source.args)


def mismatches(
    task: Task,
    outputs: Sequence[str] | None,
    graph: Graph | None,
    data: DataSettings,
    train: TrainSettings | None,
    export: ExportSettings | None,
) -> Iterator[Mismatch]:
    """Everything that does not fit a task. outputs: their names, where they are known. graph: None where it has errors
    of its own, such as an input shape that is not known."""
    if train is not None:
        yield from _loss(task, data, train)
        yield from _figures(task, train, outputs)
    yield from _pixels_move(task, data, train)
    if data.sample is not None and task != CLASSIFICATION:
        message = f"`sample = {data.sample}` draws images by their class, but the task is {task.name}"
        yield Mismatch("E317", message, "data.sample", _help_to_balance(task), task.name)
    if export is not None and export.output not in ("auto", *task.exports):
        message = f"the graph of a {task.name} network cannot give {export.output}"
        yield Mismatch("E317", message, "export.output", f"output = {_or(task.exports)}")
    if graph is not None:
        yield from end_of(task, outputs, graph, data)


def _loss(task: Task, data: DataSettings, train: TrainSettings) -> Iterator[Mismatch]:
    for loss in losses_of(train, task):
        if not component(Loss, loss).implements(task):
            fitting = [
                name for name, word in COMPONENTS["loss"].items() if isinstance(word, Loss) and word.implements(task)
            ]
            message = f"`{loss.name}` is not a loss for {task.name}, the task of `{data.source.name}`"
            yield Mismatch("E317", message, loss, f"loss = {_or(fitting)}", task.name)


def _figures(task: Task, train: TrainSettings, outputs: Sequence[str] | None) -> Iterator[Mismatch]:
    names = [figure.name for figure in task.figures]
    if train.best not in ("auto", "last", LOSS.name, *names):
        message = f"`{train.best}` is not a figure of {task.name}"
        yield Mismatch("E317", message, "train.best", f"best = {_or([*names, LOSS.name, 'last'])}")
        return
    if train.best == "top5" and outputs is not None and len(outputs) <= TOP:
        message = f"`top5` is always 100% where there are {counted(len(outputs), 'class')}"
        yield Mismatch("E317", message, "train.best", "best = accuracy", counted(len(outputs), "class"))
    figure = task.figures[0] if train.best in ("auto", "last") else task.figure(train.best)
    if figure.unit == "share" and train.target is not None and not 0 < train.target <= 1:
        message = f"`target = {train.target:g}` can never be reached: {figure.title} is a share from 0 to 1"
        yield Mismatch("E317", message, "train.target", "a share such as 94%")
    if figure.is_error and train.target is not None and train.target <= 0:
        message = f"`target = {train.target:g}` can never be reached: {figure.title} is at least 0"
        yield Mismatch("E317", message, "train.target", "an error above 0, in the data's own units")


def _pixels_move(task: Task, data: DataSettings, train: TrainSettings | None) -> Iterator[Mismatch]:
    """Views and mixed images, whose labels would not follow."""
    mixing = next((call for call in _calls(data.augment) if component_of(call).mixes), None)
    if mixing is not None and not task.mixes:
        what = "masks" if task.per_pixel else "numbers"
        message = f"`{mixing.name}` mixes images, but {what} cannot be mixed"
        yield Mismatch("E317", message, mixing, f"leave out `{mixing.name}`", what)
    if task.per_pixel and train is not None and train.evaluate is not None and train.evaluate.args.shift:
        message = "`tta` would average maps that are shifted against each other"
        yield Mismatch("E317", message, train.evaluate, "evaluate = tta(flip), which is flipped back")


def _help_to_balance(task: Task) -> str:
    if "weights" not in [param.name for param in COMPONENTS["loss"][task.loss].params]:
        return "leave out `sample`"
    return f"leave out `sample`; loss = {task.loss}(weights=balanced) weighs rare {task.outputs}"


def end_of(task: Task, outputs: Sequence[str] | None, graph: Graph, data: DataSettings) -> Iterator[Mismatch]:
    """What is wrong with the end of the network and of its heads."""
    end = graph.nodes[graph.output]
    source, width = data.source.name, end.shape[0]
    if end.op.is_softmax and task.activation != "softmax":
        message = f"the network ends in `softmax`, but {task.outputs} do not exclude each other"
        yield Mismatch("E317", message, end, f"leave out `softmax`: end with dense({len(outputs or ()) or '…'})")
        return
    if task.per_pixel:
        yield from _map(task, outputs, end, graph, source)
    elif end.shape not in ((width,), (width, 1, 1)):
        message = f"the network outputs {size_text(end.shape)}, but {_one_each(task)}"
        yield Mismatch("E306", message, end, "end with global_avg_pool -> dense(…), or flatten -> dense(…)")
        return
    elif outputs is not None and width != len(outputs):
        message = f"the network outputs {counted(width, 'number')}, but `{source}` has {_outputs(task, len(outputs))}"
        yield Mismatch("E306", message, end, f"end with dense({len(outputs)})", f"{len(outputs)} {task.outputs}")
        return
    elif width < task.at_least:
        message = f"the network ends in {counted(width, 'number')}, but `{source}` has two {task.outputs} or more"
        help = "one number for each class, also of two: end with dense(2) -> softmax"
        yield Mismatch("E306", message, end, help, "two classes or more")
        return
    for head in graph.heads:
        node = graph.nodes[head.output]
        if node.shape != end.shape and (task.per_pixel or node.shape not in ((width,), (width, 1, 1))):
            message = (
                f"head `{head.name}` outputs {size_text(node.shape)}, but the network outputs {size_text(end.shape)}"
            )
            help = f"a head predicts the same {task.outputs} as the network: end it with dense({width})"
            yield Mismatch("E306", message, node, help, label=size_text(node.shape))


def _map(task: Task, outputs: Sequence[str] | None, end: Node, graph: Graph, source: str) -> Iterator[Mismatch]:
    """The end of a network that gives a class for each pixel."""
    size, shape = graph.input[1:], end.shape
    if len(shape) != 3 or shape[1:] != size:
        has = f"the masks are {Size(*size)}" if len(size) == 2 else "the masks are maps"
        message = f"{has}, but the network ends in {size_text(shape)}"
        yield Mismatch("E306", message, end, _help_to_size(shape, size))
    elif outputs is not None and shape[0] != len(outputs):
        message = (
            f"the network ends in {counted(shape[0], 'channel')}, but `{source}` has {counted(len(outputs), 'class')}"
        )
        yield Mismatch("E306", message, end, f"end with conv({len(outputs)}, 1x1)", counted(len(outputs), "class"))
    elif shape[0] < task.at_least:
        message = f"the network ends in {counted(shape[0], 'channel')}, but masks have two classes or more"
        yield Mismatch(
            "E306", message, end, "one channel for each class, the background included: end with conv(2, 1x1)"
        )


def _help_to_size(shape: Sequence[int], size: Sequence[int]) -> str:
    if len(shape) != 3 or len(size) != 2:
        return "end with a map for each class: conv(…, 1x1), without flatten or a global pool"
    factors = {wide / narrow for wide, narrow in zip(size, shape[1:], strict=True)}
    if len(factors) == 1 and (factor := factors.pop()) == int(factor):
        return f"add upsample({int(factor)})"
    return f"add resize_to({Size(*size)})"


def _calls(chain: Sequence[Bound]) -> Iterator[Bound]:
    for call in chain:
        yield call
        for branch in call.branches:
            yield from _calls(branch)


def _one_each(task: Task) -> str:
    singular: dict[str, str] = {"classes": "a classifier must output one number per class"}
    return singular.get(task.outputs, f"{task.name} needs one output for each of the {task.outputs}")


def _outputs(task: Task, count: int) -> str:
    plural = {"classes": "class", "tags": "tag", "numbers": "number to predict"}[task.outputs]
    if count == 1:
        return f"1 {plural}"
    return f"{count} numbers to predict" if task.outputs == "numbers" else f"{count} {task.outputs}"


def _or(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
