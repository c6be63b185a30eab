"""A schedule that falls and begins again."""

from specc.values import Args
from specc.vocabulary.family import Moment, Schedule
from specc.vocabulary.kinds import POSITIVE
from specc.vocabulary.param import Param


def _factor(a: Args, at: Moment) -> float:
    return float(at.first * (1 - (at.step / at.clock.steps(a.every)) % 1))


def words() -> tuple[Schedule, ...]:
    return (
        Schedule(
            "sawtooth",
            "Falls in a straight line to 0, and begins again, every so many epochs.",
            (Param("every", POSITIVE, doc="epochs, or percent of the training, of a tooth"),),
            example="sawtooth(10)",
            factor=_factor,
        ),
    )
