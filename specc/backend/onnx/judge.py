"""The verdict over a file: whether it answers as the trained model does, and what it loses in fewer bits."""

from collections.abc import Mapping, Sequence

import numpy as np

from specc.backend.onnx.certificate import loss_of
from specc.backend.onnx.comparison import Comparison, agreement_text
from specc.backend.run.metrics import selection
from specc.check import Trainable
from specc.errors import counted
from specc.tasks import LOSS, Figure, Task


def figure_of(spec: Trainable, task: Task) -> Figure:
    """The figure that chose the epoch, by which a file in fewer bits is judged; the task's first where it is the loss,
    which a file does not know."""
    figure = selection(spec.train.best, task).figure
    return task.figures[0] if figure == LOSS else figure


def judge(
    task: Task,
    comparisons: Sequence[Comparison],
    tolerance: float,
    scales: tuple[float, ...],
    logits_scale: float | None = None,
) -> str:
    """Which comparison is beyond the tolerance and by how much; empty where none is.

    scales: of the outputs; logits_scale: of the logits, where they were compared besides (`Truth`).
    """
    for comparison in comparisons:
        measured = [(where, found, scales, "the output") for where, found in comparison.all()]
        if comparison.logits is not None and logits_scale is not None:
            found, where = comparison.logits, "the logits of the whole validation set"
            measured.append((where, found, (logits_scale,), "the logits"))
        for where, found, sizes, what in measured:
            if not found.parts_of(sizes) <= tolerance:
                text = ", ".join(f"{size:.3g}" for size in sizes)
                measure = "" if sizes == (1.0,) else f" times the scale of {what}, {text}"
                largest = ", ".join(f"{value:.3g}" for value in (found.by_number or (found.largest,)))
                return (
                    f"on {comparison.provider}, {where}: the largest difference is {largest}, "
                    f"the tolerance {tolerance:.3g}{measure}{agreement_text(task, found.agreement)}"
                )
    return ""


def judge_loss(
    task: Task,
    figure: Figure,
    comparisons: Sequence[Comparison],
    figures: Mapping[str, float | None],
    max_loss: float,
) -> str:
    """Which comparison loses more of a figure than is allowed, and how much; empty where none does.

    figures: of the trained model. max_loss: of a share or another figure that is the better the higher, by how much it
    may fall; of an error, by which part of it it may rise.
    """
    for comparison in comparisons:
        images = comparison.whole.images
        loss = loss_of(figure, figures, comparison.figures, images)
        if not loss <= max_loss or not np.isfinite(comparison.whole.largest):
            change = change_text(figure, figures, comparison.figures, images)
            return (
                f"on {comparison.provider} {change}; "
                f"`max_loss` allows {max_loss:.2%}{agreement_text(task, comparison.whole.agreement)}"
            )
    return ""


def change_text(
    figure: Figure, before: Mapping[str, float | None], after: Mapping[str, float | None], images: int
) -> str:
    """`the accuracy falls from 98.33% to 97.22%, by 1.11% of 360 images`."""
    was, now = (figure.text(figures[figure.name]) for figures in (before, after))
    loss = loss_of(figure, before, after, images)
    if figure.is_error:
        by = f"by {loss:.2%}, on {counted(images, 'image')}"
    else:
        by = f"by {loss:.2%} of {counted(images, 'image')}" if figure.counts_images else f"by {figure.text(loss)}"
    return f"the {figure.title} {'rises' if figure.is_error else 'falls'} from {was} to {now}, {by}"
