"""W534: a schedule, or an end, that the training does not live to see."""

from collections.abc import Iterator, Sequence

from specc.check.lint.lint import Found, Lint, Linted
from specc.values import Bound, Percent

HELP = "a longer training, or lengths in percent of it: warmup(10%)"


def find(linted: Linted) -> Iterator[Found]:
    train = linted.train
    epochs = train.epochs
    yield from _schedule(linted, "schedule", train.schedule)
    for group in train.groups or ():
        yield from _schedule(linted, "groups", group.args.schedule or ())
    if train.lookahead is not None and (start := _in_epochs(train.lookahead.args.start, epochs)) >= epochs:
        message = f"`lookahead` would start after {start:g} epochs, but the training has {epochs:g}"
        yield Found(message, linted.place("train", "lookahead", train.lookahead), help="start earlier, or leave it out")
    patience = train.early_stop
    if patience is not None and patience >= epochs:
        message = f"`early_stop` waits {patience} epochs, but the training has {epochs:g}: it never stops"
        yield Found(message, linted.place("train", "early_stop"), help="wait less, or leave it out")


def _schedule(linted: Linted, setting: str, schedule: Sequence[Bound]) -> Iterator[Found]:
    """The pieces of a schedule that come after the end."""
    epochs, start = linted.train.epochs, 0.0
    for piece in schedule:
        place = linted.place("train", setting, piece)
        length = _length(piece, epochs)
        if start >= epochs:
            message = f"`{piece.name}` never begins: what is before it takes all {epochs:g} epochs"
            yield Found(message, place, help=HELP)
            break
        if length is not None and start + length > epochs:
            yield Found(
                f"`{piece.name}` would end after {start + length:g} epochs, but the training has {epochs:g}",
                place,
                help=HELP,
            )
            break
        message = _never(piece, epochs)
        if message:
            yield Found(message, place, help="a longer training, or leave it out")
        start += length or 0.0


def _in_epochs(length: float, epochs: float) -> float:
    return length * epochs if isinstance(length, Percent) else length


def _length(piece: Bound, epochs: float) -> float | None:
    """In epochs; None for a piece that takes what the others leave."""
    length = piece.args.as_dict().get("epochs")
    return None if length is None or isinstance(length, tuple) else _in_epochs(length, epochs)


def _never(piece: Bound, epochs: float) -> str:
    """What a piece would do only after the end."""
    a = piece.args
    match piece.name:
        case "step" if _in_epochs(a.every, epochs) >= epochs:
            return f"`step` would drop after {_in_epochs(a.every, epochs):g} epochs, but the training has {epochs:g}"
        case "multistep":
            late = [f"{_in_epochs(at, epochs):g}" for at in a.epochs if _in_epochs(at, epochs) >= epochs]
            return f"the drops at {', '.join(late)} come after the end, at {epochs:g} epochs" if late else ""
        case "plateau" if a.patience >= epochs:
            return f"`plateau` waits {a.patience} epochs, but the training has {epochs:g}: it never drops"
    return ""


LINT = Lint(
    code="W534",
    name="beyond-the-end",
    doc="""\
A part of `schedule` that begins, ends or drops only after the last epoch, such as a warmup that is longer than the
training, or an `early_stop` or a `lookahead` that waits longer.
""",
    why="""\
The learning rate does not go where the spec says: with a warmup that is cut short it never reaches its value, and
without the last drop a network stops well before what it could reach.
""",
    source="""\
Goyal et al., 2017, Accurate, large minibatch SGD, section 2.2, https://arxiv.org/abs/1706.02677; Hägele et al.,
2024, Scaling laws and compute-optimal training beyond fixed training durations: a schedule must fit the length of
the training, https://arxiv.org/abs/2405.18392
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
