"""A training that begins with trained weights: they are loaded, and what another run has seen of the images is said."""

from pathlib import Path
from typing import Any

from specc.backend.build import Net
from specc.backend.data.dataset import DataSet
from specc.backend.data.divide import DRAW
from specc.backend.run.files import INFO
from specc.backend.run.load import read_spec
from specc.backend.run.manifest import read_info
from specc.backend.start import about_start, load_start, map_start, resolve_start
from specc.check import Trainable, check
from specc.errors import SpeccError
from specc.source import Source
from specc.tricks.sections import DataSettings
from specc.values import Args, Bound, quoted


def begin(net: Net, start: Bound, base: Path, dataset: DataSet, data: DataSettings) -> tuple[dict[str, Any], list[str]]:
    """Load the weights that `train.start` names; what run.json keeps of them, and what is said.

    base: the folder that relative paths start from. Raises SpeccError as `resolve_start` and `load_start` do.
    """
    origin = resolve_start(start, base)
    mapped = map_start(net.graph, origin, dataset.classes)
    notes = load_start(net, mapped, origin)
    if start.name == "weights":
        notes += another_split(Path(base, start.args.path), dataset, data)
    return about_start(origin, mapped), notes


def anchored(spec: Trainable, base: Path) -> Trainable:
    """A spec whose weights to begin with are named by an absolute path, so that it trains again from anywhere.

    base: the folder that relative paths start from.
    """
    start = spec.train.start
    if start is None or start.name != "weights" or Path(start.args.path).is_absolute():
        return spec
    path = str(Path(base, start.args.path).absolute())
    moved = start._replace(args=Args(**(start.args.as_dict() | {"path": path})))
    return spec._replace(train=spec.train.replace(start=moved), resolved=_moved_text(spec, start.args.path, path))


def _moved_text(spec: Trainable, old: str, new: str) -> str:
    """The text of a spec with another path in `train.start`; all else stays as it is written, where that can be."""
    source = Source(spec.source.path, spec.resolved)
    train = check(source).train
    span = train.start.span if train and train.start else None
    if span is None or span.source is not source or span.text.count(quoted(old)) != 1:
        return check(source, sets=[f"train.start.path={quoted(new)}"]).resolved
    call = span.text.replace(quoted(old), quoted(new))
    return source.text[: span.start] + call + source.text[span.end :]


def another_split(start: Path, dataset: DataSet, data: DataSettings) -> list[str]:
    """A note where weights come from a run on the same source that split it otherwise.

    start: the run, or a file of weights, of which nothing is known. dataset, data: what is trained on now.
    """
    if not dataset.is_split or not (start / INFO).exists():
        return []
    try:
        info = read_info(start)
        theirs = read_spec(start, info).data
    except SpeccError:  # nothing can be said, and the weights may do nevertheless
        return [f"which images the weights of {start} were trained on is not known"]
    if (theirs.source.name, theirs.source.args) != (data.source.name, data.source.args):
        return []
    split = info["validated_on"].rpartition(" images out of ")[2]
    if (split, info.get("split_version", 1)) == (dataset.validated_on.rpartition(" images out of ")[2], DRAW):
        return []
    what = f"{start} was trained on other images of this source: there {split} measured"
    return [f"{what}; some of those that measure now were learned from, so that the figures are too good"]
