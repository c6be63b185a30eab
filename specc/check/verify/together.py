"""Settings of `train` of which one leaves no room for the other."""

from specc.check.context import Context
from specc.diagnostics import Label
from specc.syntax import tree as t
from specc.tricks.sections import TrainSettings

STEADY = frozenset({"warmup", "constant"})  # what may come before and beside schedule-free learning


def together_fit(train: TrainSettings, settings: dict[str, t.Setting], context: Context) -> None:
    """Report E233 where two settings exclude each other. settings: those that the section `train` gives."""
    if train.average and train.ema is not None:
        message = f"`ema` and `average = {train.average.name}` are two means of the weights, and only one is evaluated"
        _report("average", "ema", message, "remove one of them", settings, context)
    if train.wrapper("schedule_free"):
        _beside_schedule_free(train, settings, context)


def _beside_schedule_free(train: TrainSettings, settings: dict[str, t.Setting], context: Context) -> None:
    """Report what `schedule_free` leaves no room for: other averages, schedules, and optimizers of some weights."""
    others = {"ema": train.ema, "lookahead": train.lookahead, "average": train.average}
    for name in (name for name, value in others.items() if value is not None):
        message = f"`schedule_free` evaluates an average of its own, which leaves no room for `{name}`"
        _report(name, "optimizer", message, f"remove `{name}`", settings, context)
    for schedule in (train.schedule, *(group.args.schedule or () for group in train.groups or ())):
        falls = next((piece for piece in schedule if piece.name not in STEADY), None)
        if falls is not None:
            assert falls.span is not None
            message = f"`schedule_free` takes the place of a schedule, and its average does not fit `{falls.name}`"
            help = "write schedule = warmup(5%), or none"
            labels = (Label(settings["optimizer"].value.span, "`optimizer`"),)
            context.error("E233", message, falls.span, labels=labels, help=help)
    for group in train.groups or ():
        if group.args.optimizer is not None:
            assert group.span is not None
            message = f"`schedule_free` moves all weights, but this group has its own `{group.args.optimizer.name}`"
            help = "let the group set `lr`, `scale` or `weight_decay` instead"
            labels = (Label(settings["optimizer"].value.span, "`optimizer`"),)
            context.error("E233", message, group.span, labels=labels, help=help)


def _report(name: str, other: str, message: str, help: str, settings: dict[str, t.Setting], context: Context) -> None:
    """Report E233 for two settings that are written. name: the one whose value is pointed at."""
    labels = (Label(settings[other].value.span, f"`{other}`"),)
    context.error("E233", message, settings[name].value.span, labels=labels, help=help)
