"""W534: a schedule, or a stopping rule, that reaches past the end of training."""

from collections.abc import Iterator, Sequence

from specc.check.lint.lint import Found, Lint, Linted
from specc.errors import counted
from specc.source import Span
from specc.tricks.length import in_epochs
from specc.tricks.schedule import cycle, lengths
from specc.values import Bound
from specc.vocabulary.family import Clock, Schedule
from specc.vocabulary.registry import component

FINE = 1000  # parts of an epoch
LEAST = 0.01  # of a repetition; less is a matter of rounding
HELP = "train longer, or give lengths as percentages of training: warmup(10%)"


def find(linted: Linted) -> Iterator[Found]:
    train = linted.train
    epochs = train.epochs
    yield from _schedule(linted, "schedule", train.schedule)
    for group in train.groups or ():
        yield from _schedule(linted, "groups", group.args.schedule or ())
    if train.lookahead is not None and (start := in_epochs(train.lookahead.args.start, epochs)) >= epochs:
        message = f"`lookahead` would start after {_epochs(start)}, but training ends after {epochs:g}"
        yield Found(message, linted.place("train", "lookahead", train.lookahead), help="start it earlier, or remove it")
    grows = linted.data.progressive if linted.data else None
    if grows is not None and (end := in_epochs(grows.args.until, epochs)) > epochs:
        message = f"images grow for {_epochs(end)}, but training ends after {epochs:g}, before they have full size"
        yield Found(message, linted.place("data", "progressive", grows), help="train longer, or let them grow faster")
    if train.average is not None and (start := in_epochs(train.average.args.start, epochs)) > epochs - 1:
        message = f"`{train.average.name}` would start after {_epochs(start)}, but training ends after {epochs:g}"
        if start <= epochs:
            message += ": there is no second epoch to average"
        yield Found(message, linted.place("train", "average", train.average), help="start it earlier, or remove it")
    until = train.frozen_until
    if until is not None and in_epochs(until, epochs) >= epochs:
        message = f"`freeze` lasts {_epochs(in_epochs(until, epochs))}, but training ends after {epochs:g}: "
        message += "what is frozen never learns"
        yield Found(
            message, linted.place("train", "freeze", train.freeze), help="train longer, or freeze for less long"
        )
    patience = train.early_stop
    if patience is not None and patience >= epochs:
        message = f"`early_stop` waits {_epochs(patience)}, but training ends after {epochs:g}: it never stops early"
        yield Found(message, linted.place("train", "early_stop"), help="wait less, or remove it")


def _schedule(linted: Linted, setting: str, schedule: Sequence[Bound]) -> Iterator[Found]:
    """The parts of a schedule that come after the end."""
    epochs, start = linted.train.epochs, 0.0
    for position, piece in enumerate(schedule):
        place = linted.place("train", setting, piece)
        length = _length(piece, epochs)
        if start >= epochs:
            message = f"`{piece.name}` never starts: the parts before it take all {_epochs(epochs)}"
            yield Found(message, place, help=HELP)
            break
        if length is not None and start + length > epochs:
            yield Found(
                f"`{piece.name}` would end after {_epochs(start + length)}, but training ends after {epochs:g}",
                place,
                help=HELP,
            )
            break
        message = _never(piece, epochs)
        if message:
            yield Found(message, place, help="train longer, or remove it")
        if component(Schedule, piece).repeats:
            yield from _cut(schedule, position, epochs, place)
        start += length or 0.0


def _cut(schedule: Sequence[Bound], position: int, epochs: float, place: Span) -> Iterator[Found]:
    """The last repetition of a part, where it is cut short."""
    before, length = lengths(schedule, Clock(0, FINE, round(epochs * FINE)))[position - 1 : position + 1]
    piece = schedule[position]
    start, last = cycle(length, before * piece.args.factor, piece.args.factor, is_over=True)
    if length - start < last * (1 - LEAST):
        whole = " or ".join(f"{steps / FINE:g}" for steps in (start, start + last) if steps)
        yield Found(
            f"the last repetition of `{schedule[position - 1].name}` takes {_epochs(last / FINE)}, but is cut off "
            f"after {(length - start) / FINE:g}",
            place,
            help=f"give `{piece.name}` whole repetitions, here {whole} epochs",
        )


def _length(piece: Bound, epochs: float) -> float | None:
    """In epochs; None for a part that takes whatever the others leave."""
    length = piece.args.as_dict().get("epochs")
    return None if length is None or isinstance(length, tuple) else in_epochs(length, epochs)


def _never(piece: Bound, epochs: float) -> str:
    """What a part would do only after the end."""
    a = piece.args
    match piece.name:
        case "step" if in_epochs(a.every, epochs) >= epochs:
            return f"`step` would drop after {_epochs(in_epochs(a.every, epochs))}, but training ends after {epochs:g}"
        case "multistep":
            late = [f"{in_epochs(at, epochs):g}" for at in a.epochs if in_epochs(at, epochs) >= epochs]
            return f"the drops at {', '.join(late)} come after the end, at {_epochs(epochs)}" if late else ""
        case "plateau" if a.patience >= epochs:
            return f"`plateau` waits {_epochs(a.patience)}, but training ends after {epochs:g}: it never drops"
    return ""


LINT = Lint(
    code="W534",
    name="schedule-past-end",
    doc="""\
A part of `schedule` that starts, ends or drops only after the last epoch, such as a warmup longer than the training
run; an `early_stop`, a `lookahead` or an `average` that waits longer, or a `freeze` or a `progressive` that lasts
longer.
""",
    why="""\
The learning rate does not follow the spec: if the warmup is cut short, it never reaches its peak, and without its
last drop a network stops well short of the accuracy it could reach.
""",
    source="""\
Goyal et al., 2017, Accurate, large minibatch SGD, section 2.2, https://arxiv.org/abs/1706.02677; Hägele et al.,
2024, Scaling laws and compute-optimal training beyond fixed training durations: a schedule must fit the training
duration, https://arxiv.org/abs/2405.18392
""",
    bad="""\
data { source = digits }

network Net {
  conv(32) -> relu
  flatten -> dense(10)
}

train {
  epochs   = 3
  schedule = warmup(5) -> cosine
}
""",
    good="""\
data { source = digits }

network Net {
  conv(32) -> relu
  flatten -> dense(10)
}

train {
  epochs   = 3
  schedule = warmup(10%) -> cosine
}
""",
    find=find,
    needs_data=True,
)


def _epochs(number: float) -> str:
    return counted(number, "epoch")
