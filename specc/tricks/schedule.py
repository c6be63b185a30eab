"""Schedules: the factor that multiplies the learning rate, as a pure function of the step.

A schedule is a chain of pieces, one after the other. Each begins at the factor where the piece before it ended (1 at
the very beginning). Lengths are in epochs, or with `%` in parts of the whole training; the pieces without a length
share what the others leave. After the last piece its last factor holds.
"""

from collections.abc import Sequence
from math import cos, pi
from typing import NamedTuple

from specc.values import Bound, Percent
from specc.vocabulary.component import Component
from specc.vocabulary.kinds import NOT_NEGATIVE, POSITIVE, Float, Int, ListOf, Maybe
from specc.vocabulary.param import Param

_LENGTH = Param("epochs", Maybe(POSITIVE), None, "length in epochs or percent of the training; `none`: what is left")
_GAMMA = Param("gamma", POSITIVE, 0.1, "factor of each drop")


def _to(default: float) -> Param:
    return Param("to", NOT_NEGATIVE, default, "factor of the learning rate at the end")


COMPONENTS = (
    Component(
        "warmup",
        "schedule",
        "Rises in a straight line from `from` to 1 (Goyal et al., 2017).",
        (
            Param("epochs", POSITIVE, doc="length in epochs, or percent of the training"),
            Param("from", NOT_NEGATIVE, 0.0, "factor of the first step"),
        ),
        example="warmup(5) -> cosine",
    ),
    Component("constant", "schedule", "Stays where it is.", (_LENGTH,), example="constant"),
    Component(
        "step",
        "schedule",
        "Drops by `gamma` every so many epochs.",
        (Param("every", POSITIVE, doc="epochs, or percent of the training, between drops"), _GAMMA),
        example="step(30, gamma=0.1)",
    ),
    Component(
        "multistep",
        "schedule",
        "Drops by `gamma` at given epochs, counted from the start of the training.",
        (Param("epochs", ListOf(POSITIVE), doc="when: epochs, or percent of the training"), _GAMMA),
        example="multistep([80, 120], gamma=0.1)",
    ),
    Component(
        "cosine",
        "schedule",
        "Falls along half a cosine (Loshchilov and Hutter, 2016).",
        (_to(0.0), _LENGTH),
        example="cosine(to=0.01)",
    ),
    Component("linear", "schedule", "Moves in a straight line to `to`.", (_to(0.0), _LENGTH), example="linear(to=0)"),
    Component(
        "exponential",
        "schedule",
        "Is multiplied by `gamma` over each epoch, a little every step.",
        (Param("gamma", POSITIVE, doc="factor of an epoch"), _LENGTH),
        example="exponential(0.95)",
    ),
    Component(
        "one_cycle",
        "schedule",
        "Rises along half a cosine to 1 and falls along another far below the start (Smith and Topin, 2017).",
        (
            Param("peak", Float(above=0, below=1), Percent(0.3), "share of the piece that rises"),
            Param("from", NOT_NEGATIVE, 0.04, "factor of the first step"),
            _to(4e-6),
            _LENGTH,
        ),
        example="one_cycle(peak=30%)",
    ),
    Component(
        "plateau",
        "schedule",
        "Drops by `gamma` when the validation loss has not improved for more than `patience` epochs.",
        (
            Param("patience", Int(0), 10, "epochs without improvement that are let pass"),
            _GAMMA,
            Param("threshold", NOT_NEGATIVE, 1e-4, "relative improvement that counts as one"),
        ),
        example="plateau(patience=5, gamma=0.5)",
    ),
)


class Clock(NamedTuple):
    """Where a training is: `step` of `total` steps, and how many steps an epoch has."""

    step: float
    per_epoch: int
    total: int

    def steps(self, length: float) -> float:
        """A length in epochs or percent, in steps."""
        return length * (self.total if isinstance(length, Percent) else self.per_epoch)


def rate(
    schedule: Sequence[Bound], step: int, steps_per_epoch: int, total_steps: int, losses: Sequence[float] = ()
) -> float:
    """The factor of the learning rate for the step number `step`, counted from 0.

    losses: the validation loss of each epoch that has ended; only `plateau` looks at them.
    """
    clock = Clock(step, steps_per_epoch, total_steps)
    factor, start = 1.0, 0.0
    for piece, length in zip(schedule, _lengths(schedule, clock), strict=True):
        inside = min(step - start, length)
        factor = _piece(piece, factor, inside, length, start, clock, losses)
        start += length
        if step < start:
            break
    return factor


def _lengths(schedule: Sequence[Bound], clock: Clock) -> list[float]:
    """The steps of each piece. The last one without a length is never cut short by rounding: it ends the training."""
    given = [piece.args.as_dict().get("epochs") for piece in schedule]
    fixed = [None if length is None or isinstance(length, tuple) else clock.steps(length) for length in given]
    left = max(clock.total - sum(length for length in fixed if length is not None), 0.0)
    share = left / max(fixed.count(None), 1)
    return [share if length is None else length for length in fixed]


def _piece(
    piece: Bound, first: float, step: float, length: float, start: float, clock: Clock, losses: Sequence[float]
) -> float:
    """The factor `step` steps into a piece of `length` steps that begins at the factor `first`."""
    a = piece.args
    part = step / length if length else 1.0
    factor: float
    match piece.name:
        case "warmup":
            factor = _mix(getattr(a, "from"), 1.0, part)
        case "linear":
            factor = _mix(first, a.to, part)
        case "cosine":
            factor = _cosine(first, a.to, part)
        case "exponential":
            factor = first * a.gamma ** (step / clock.per_epoch)
        case "step":
            factor = first * a.gamma ** int(step / clock.steps(a.every) + 1e-9)
        case "multistep":
            factor = first * a.gamma ** sum(start + step >= clock.steps(at) - 1e-6 for at in a.epochs)
        case "one_cycle":
            factor = _one_cycle(getattr(a, "from"), a.to, a.peak, step, length)
        case "plateau":
            begin, end = (int((start + s) / clock.per_epoch + 1e-9) for s in (0, step))
            factor = first * a.gamma ** drops(losses[begin:end], a.patience, a.threshold)
        case _:  # constant
            factor = first

    return factor


def _mix(first: float, last: float, part: float) -> float:
    return first + (last - first) * part


def _cosine(first: float, last: float, part: float) -> float:
    return last + (first - last) * (1 + cos(pi * part)) / 2


def _one_cycle(first: float, last: float, peak: float, step: float, length: float) -> float:
    """As torch's OneCycleLR counts: the top at step `peak * length - 1`, the end at the last step."""
    top = max(peak * length - 1, 0.0)
    if step <= top:
        return _cosine(first, 1.0, step / top if top else 1.0)
    return _cosine(1.0, last, min((step - top) / max(length - 1 - top, 1e-9), 1.0))


def drops(losses: Sequence[float], patience: int, threshold: float) -> int:
    """How often a `plateau` has dropped after these validation losses (torch's ReduceLROnPlateau, relative, "min")."""
    best, waited, count = float("inf"), 0, 0
    for loss in losses:
        if loss < best * (1 - threshold):
            best, waited = loss, 0
        else:
            waited += 1
        if waited > patience:
            waited, count = 0, count + 1
    return count
