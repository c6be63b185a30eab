"""Schedules, and where in a training they are asked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from specc.values import Args, Percent
from specc.vocabulary.component import Component


class Clock(NamedTuple):
    """Where a training is: `step` of `total` steps, and how many steps an epoch has."""

    step: float
    per_epoch: int
    total: int

    def steps(self, length: float) -> float:
        """A length in epochs or percent, in steps."""
        return length * (self.total if isinstance(length, Percent) else self.per_epoch)


class Piece(NamedTuple):
    """A piece of a schedule: the factor at each moment of it, and its length in steps."""

    factor: "Callable[[Moment], float]"
    length: float


class Moment(NamedTuple):
    """A moment within a piece of a schedule, in steps.

    first: the factor at which the piece begins. step: counted from its beginning. length: of the piece.
    start: of the piece, counted from the start of the training. costs: of each epoch that has ended the
    validation figure that chooses the best, turned so that lower is better. before: the piece before it; None for the
    first one.
    """

    first: float
    step: float
    length: float
    start: float
    clock: Clock
    costs: Sequence[float]
    before: Piece | None = None

    @property
    def part(self) -> float:
        """The share of the piece that is over."""
        return self.step / self.length if self.length else 1.0


@dataclass(eq=False, repr=False, kw_only=True)
class Schedule(Component):
    """A piece of a schedule.

    factor(a, moment): what multiplies the learning rate.
    length: the argument that holds its length, in epochs or percent of the training; "": it takes what the others
        leave, as it does where the argument is None.
    repeats: it repeats the piece before it, which must have a length of its own.
    """

    family: ClassVar[str] = "schedule"

    factor: Callable[[Args, Moment], float]
    length: str = ""
    repeats: bool = False

    def broken_promise(self) -> str:
        return self.lacks(self.length) if self.length else ""
