"""What is said beside a figure, wherever it is printed: how it was chosen, and what a loss includes."""

from collections.abc import Sequence
from math import log

from specc.errors import counted
from specc.values import Bound


def optimism(part: str, epochs: int) -> str:
    """Why a validation figure of the best epoch is too good; "" where there was no choice.

    part: of the source, that the validation images come from. epochs: how many were evaluated; 0 where that is not
    known. The best of several noisy figures is above its own mean, also where all epochs are equally good.
    """
    if epochs == 1:
        return ""
    best = f"the best of {counted(epochs, 'epoch')}" if epochs else "the best epoch"
    if part == "test":
        return f"{best}, chosen on the test part itself, so optimistic: no other images measure it"
    return f"{best}, chosen on these images, so optimistic"


def loss_words(losses: Sequence[Bound], classes: int) -> str:
    """What a printed loss includes besides the network's errors; "" for nothing."""
    smoothing = max((getattr(loss.args, "smoothing", 0.0) for loss in losses), default=0.0)
    if not smoothing:
        return ""
    if len(losses) > 1:
        return f"losses include label smoothing of {smoothing:g}, which is above 0 even where every answer is right"
    floor = f"{least(smoothing, classes):.4f}"
    return f"losses include label smoothing of {smoothing:g}: none is below {floor}, even where every answer is right"


def least(smoothing: float, classes: int) -> float:
    """The smallest cross entropy with smoothed labels: the entropy of such a label."""
    other = smoothing / classes
    own = 1 - smoothing + other
    return -own * log(own) - (classes - 1) * other * (log(other) if other else 0.0)
