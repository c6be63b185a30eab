"""Pieces of schedules that depend on the piece before them."""

from collections.abc import Sequence

from specc.check.context import Context
from specc.tricks.sections import TrainSettings
from specc.values import Bound
from specc.vocabulary.family import Schedule
from specc.vocabulary.registry import component


def schedules_fit(train: TrainSettings, context: Context) -> None:
    """Report E226 where a piece of a schedule repeats the piece before it, and that one cannot be repeated."""
    for schedule in (train.schedule, *(group.args.schedule or () for group in train.groups or ())):
        _schedule_fits(schedule, context)


def _schedule_fits(schedule: Sequence[Bound], context: Context) -> None:
    for before, piece in zip((None, *schedule), schedule, strict=False):
        if not component(Schedule, piece).repeats:
            continue
        assert piece.span is not None
        example = f"write the piece to repeat before it: {component(Schedule, piece).example}"
        if before is None:
            message = f"`{piece.name}` repeats the piece before it, but it is the first piece of the schedule"
            context.error("E226", message, piece.span, help=example)
        elif component(Schedule, before).repeats:
            message = f"`{piece.name}` cannot repeat `{before.name}`, which is a repetition itself"
            help = f"`{before.name}` repeats as often as its `epochs` allow: write one of them, and make it longer"
            context.error("E226", message, piece.span, help=help)
        elif not component(Schedule, before).length:
            message = f"`{piece.name}` cannot repeat `{before.name}`, which has no length"
            context.error("E226", message, piece.span, help=example)
