"""Settings of `train` of which one leaves no room for the other."""

from specc.check.context import Context
from specc.diagnostics import Label
from specc.syntax import tree as t
from specc.tricks.sections import TrainSettings


def together_fit(train: TrainSettings, settings: dict[str, t.Setting], context: Context) -> None:
    """Report E233 where two settings exclude each other. settings: those that the section `train` gives."""
    if train.average and train.ema is not None:
        message = f"`ema` and `average = {train.average.name}` are two means of the weights, and only one is evaluated"
        _report("average", "ema", message, "remove one of them", settings, context)


def _report(name: str, other: str, message: str, help: str, settings: dict[str, t.Setting], context: Context) -> None:
    """Report E233 for two settings that are written. name: the one whose value is pointed at."""
    labels = (Label(settings[other].value.span, f"`{other}`"),)
    context.error("E233", message, settings[name].value.span, labels=labels, help=help)
