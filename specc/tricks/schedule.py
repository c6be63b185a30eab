"""Schedules: the factor that multiplies the learning rate, as a pure function of the step.

A schedule is a chain of pieces, one after the other. Each begins at the factor where the piece before it ended (1 at
the very beginning). Lengths are in epochs, or with `%` in parts of the whole training; the pieces without a length
share what the others leave. After the last piece its last factor holds.
"""

from collections.abc import Sequence
from functools import partial
from math import ceil, cos, expm1, floor, log1p, pi

from specc.values import Args, Bound, Percent
from specc.vocabulary.family import Clock, Moment, Piece, Schedule
from specc.vocabulary.kinds import NOT_NEGATIVE, POSITIVE, Float, Int, ListOf, Maybe
from specc.vocabulary.param import Param
from specc.vocabulary.registry import component

_LENGTH = Param("epochs", Maybe(POSITIVE), None, "length in epochs or percent of the training; `none`: the rest")
_GAMMA = Param("gamma", POSITIVE, 0.1, "factor of each drop")


def _to(default: float) -> Param:
    return Param("to", NOT_NEGATIVE, default, "learning rate factor at the end")


def _mix(first: float, last: float, part: float) -> float:
    return first + (last - first) * part


def _cosine(first: float, last: float, part: float) -> float:
    return last + (first - last) * (1 + cos(pi * part)) / 2


def _one_cycle(a: Args, at: Moment) -> float:
    """As torch's OneCycleLR counts: the top at step `peak * length - 1`, the end at the last step."""
    first, last, top = getattr(a, "from"), a.to, max(a.peak * at.length - 1, 0.0)
    if at.step <= top:
        return _cosine(first, 1.0, at.step / top if top else 1.0)
    return _cosine(1.0, last, min((at.step - top) / max(at.length - 1 - top, 1e-9), 1.0))


def _multistep(a: Args, at: Moment) -> float:
    count = sum(at.start + at.step >= at.clock.steps(epochs) - 1e-6 for epochs in a.epochs)
    return float(at.first * a.gamma**count)


def _plateau(a: Args, at: Moment) -> float:
    begin, end = (int((at.start + step) / at.clock.per_epoch + 1e-9) for step in (0, at.step))
    return float(at.first * a.gamma ** drops(at.costs[begin:end], a.patience, a.threshold))


def drops(costs: Sequence[float], patience: int, threshold: float) -> int:
    """How often a `plateau` has dropped after epochs of these costs, of which the lower is the better.

    As torch's ReduceLROnPlateau with a relative threshold: "min" for errors; "max" for other figures, whose costs are
    their negatives.
    """
    best, waited, count = float("inf"), 0, 0
    for cost in costs:
        if cost < best * (1 - threshold if best > 0 else 1 + threshold):
            best, waited = cost, 0
        else:
            waited += 1
        if waited > patience:
            waited, count = 0, count + 1
    return count


def _restart(a: Args, at: Moment) -> float:
    assert at.before is not None
    start, length = cycle(at.step, at.before.length * a.factor, a.factor, is_over=at.step >= at.length)
    step = min(max(at.step - start, 0.0), length)
    return at.before.factor(at._replace(first=1.0, step=step, length=length, start=at.start + start))


def cycle(step: float, first: float, growth: float, *, is_over: bool) -> tuple[float, float]:
    """The beginning and the length, both in steps, of the cycle in which a step lies.

    first: the length of the first cycle, which takes a step at least. growth: what multiplies the length of each cycle.
    is_over: the step is the end of a cycle, rather than the beginning of the next one.
    Once cycles have shrunk to less than a step, the last one has ended, and no other begins.
    """
    first = max(first, 1.0)
    if growth == 1:
        number = _whole(step / first, is_over=is_over)
        return first * number, first
    grown, rate = step * (growth - 1) / first, log1p(growth - 1)
    if grown > -1:  # all cycles that shrink take a finite number of steps together
        number = _whole(log1p(grown) / rate, is_over=is_over)
        length = first * growth**number
        if length >= 1:
            return first * expm1(number * rate) / (growth - 1), length
    return step - 1, 1.0


def _whole(count: float, *, is_over: bool) -> int:
    """How many cycles have ended; one that ends right now has not, where is_over."""
    return max(ceil(count - 1e-9) - 1, 0) if is_over else floor(count + 1e-9)


CONSTANT = Schedule(
    "constant",
    "Keeps the learning rate constant.",
    (_LENGTH,),
    factor=lambda a, at: at.first,
    length="epochs",
    example="constant",
)

COMPONENTS = (
    Schedule(
        "warmup",
        "Rises linearly from `from` to 1 (Goyal et al., 2017).",
        (
            Param("epochs", POSITIVE, doc="length in epochs, or percent of the training"),
            Param("from", NOT_NEGATIVE, 0.0, "factor of the first step"),
        ),
        factor=lambda a, at: _mix(getattr(a, "from"), 1.0, at.part),
        length="epochs",
        example="warmup(5) -> cosine",
    ),
    CONSTANT,
    Schedule(
        "step",
        "Multiplies the learning rate by `gamma` each time this many epochs have passed.",
        (Param("every", POSITIVE, doc="epochs, or percent of the training, between drops"), _GAMMA),
        factor=lambda a, at: float(at.first * a.gamma ** int(at.step / at.clock.steps(a.every) + 1e-9)),
        example="step(30, gamma=0.1)",
    ),
    Schedule(
        "multistep",
        "Multiplies the learning rate by `gamma` at given epochs, counted from the start of the training.",
        (Param("epochs", ListOf(POSITIVE), doc="when to drop: epochs, or percent of the training"), _GAMMA),
        factor=_multistep,
        example="multistep([80, 120], gamma=0.1)",
    ),
    Schedule(
        "cosine",
        "Decays along half a cosine (Loshchilov and Hutter, 2016).",
        (_to(0.0), _LENGTH),
        factor=lambda a, at: _cosine(at.first, a.to, at.part),
        length="epochs",
        example="cosine(to=0.01)",
    ),
    Schedule(
        "linear",
        "Changes linearly to `to`.",
        (_to(0.0), _LENGTH),
        factor=lambda a, at: _mix(at.first, a.to, at.part),
        length="epochs",
        example="linear(to=0)",
    ),
    Schedule(
        "exponential",
        "Decays exponentially: by `gamma` over each epoch, a little in every step.",
        (Param("gamma", POSITIVE, doc="factor of an epoch"), _LENGTH),
        factor=lambda a, at: float(at.first * a.gamma ** (at.step / at.clock.per_epoch)),
        length="epochs",
        example="exponential(0.95)",
    ),
    Schedule(
        "one_cycle",
        "Rises along half a cosine to 1, then decays along another to far below the start (Smith and Topin, 2017).",
        (
            Param("peak", Float(above=0, below=1), Percent(0.3), "fraction of its length that rises"),
            Param("from", NOT_NEGATIVE, 0.04, "factor of the first step"),
            _to(4e-6),
            _LENGTH,
        ),
        factor=_one_cycle,
        length="epochs",
        example="one_cycle(peak=30%)",
    ),
    Schedule(
        "plateau",
        "Multiplies the learning rate by `gamma` when the validation figure of `train.best` has not improved for more "
        "than `patience` epochs.",
        (
            Param("patience", Int(0), 10, "epochs without improvement to wait"),
            _GAMMA,
            Param("threshold", NOT_NEGATIVE, 1e-4, "smallest relative change that counts as an improvement"),
        ),
        factor=_plateau,
        example="plateau(patience=5, gamma=0.5)",
    ),
    Schedule(
        "restart",
        "Repeats the piece before it, beginning at 1 again, each time with its length multiplied by `factor` once more "
        "(Loshchilov and Hutter, 2016). `warmup` and `one_cycle` begin at their own `from`.",
        (_LENGTH, Param("factor", Float(low=0.01, high=100), 1.0, "what multiplies the length in each repetition")),
        factor=_restart,
        length="epochs",
        repeats=True,
        example="cosine(epochs=10) -> restart(factor=2)",
    ),
)


def rate(
    schedule: Sequence[Bound], step: int, steps_per_epoch: int, total_steps: int, costs: Sequence[float] = ()
) -> float:
    """The factor of the learning rate for the step number `step`, counted from 0.

    costs: of each epoch that has ended the validation figure that chooses the best, turned so that lower is better;
    only `plateau` looks at them.
    """
    clock = Clock(step, steps_per_epoch, total_steps)
    factor, start, before = 1.0, 0.0, None
    for piece, length in zip(schedule, lengths(schedule, clock), strict=True):
        moment = Moment(factor, min(step - start, length), length, start, clock, costs, before)
        before = Piece(partial(component(Schedule, piece).factor, piece.args), length)
        factor = before.factor(moment)
        start += length
        if step < start:
            break
    return factor


def lengths(schedule: Sequence[Bound], clock: Clock) -> list[float]:
    """The steps of each piece. The last one without a length is never cut short by rounding: it ends the training."""
    fixed = [_length(piece, clock) for piece in schedule]
    left = max(clock.total - sum(length for length in fixed if length is not None), 0.0)
    share = left / max(fixed.count(None), 1)
    return [share if length is None else length for length in fixed]


def _length(piece: Bound, clock: Clock) -> float | None:
    """The steps of a piece; None where it takes what the others leave."""
    argument = component(Schedule, piece).length
    length = getattr(piece.args, argument) if argument else None
    return None if length is None else clock.steps(length)
