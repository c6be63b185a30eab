"""What a study found, as study.json holds it: all that its table, its picture and the lessons are made of."""

import platform
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from specc import __version__
from specc.backend.data.dataset import DataSet
from specc.backend.device import describe
from specc.backend.evaluation.intervals import CONFIDENCE
from specc.backend.study.cache import Record
from specc.backend.study.plan import Entry, Repetition
from specc.backend.study.runner import Options, Records
from specc.backend.study.statistics import Gain, gain, holm, summary
from specc.check import Checked
from specc.tasks import Figure

CURVE = ("epoch", "train_loss", "train_{}", "val_loss", "val_{}")  # with the name of the figure


def as_json(
    entries: Sequence[Entry],
    against: Mapping[str, str],
    records: Records,
    checked: Callable[[Entry, Repetition], Checked],
    repetitions: Sequence[Repetition],
    overlap: float,
    figure: Figure,
) -> dict[str, Any]:
    """The part of study.json that holds the figures. Shares, and gains of shares, run from 0 to 1.

    figure: by which trainings are compared. against: the entry that each entry is measured against, "" for none.
    overlap: see `statistics.gain`.
    """
    values = {
        name: {
            each: value
            for each, record in found.items()
            if not record.error and (value := record.curve[-1].get(f"val_{figure.name}")) is not None
        }
        for name, found in records.items()
    }
    steps = {
        entry.name: _step(records[entry.name], records[other], gain(values[entry.name], values[other], overlap))
        for entry in entries
        if (other := against[entry.name])
    }
    gains, comparisons = _corrected(steps, {name: _runs(records[name], records[against[name]]) for name in steps})
    variants = []
    for entry in entries:
        found = list(records[entry.name].values())
        fine = [record for record in found if not record.error]
        other = against[entry.name]
        graph = checked(entry, repetitions[0]).graph
        variants.append(
            {
                "name": entry.name,
                "extends": entry.extends or None,
                "compared_with": other or None,
                "settings": [list(setting) for setting in entry.settings],
                "parameters": graph.parameters if graph else None,
                "macs": graph.total_macs if graph else None,
                f"train_{figure.name}": _summary([record.figures.get(figure.name) for record in fine], overlap),
                f"val_{figure.name}": _summary(list(values[entry.name].values()), overlap),
                "of_classes": _of_classes(fine, overlap),
                "gain": gains.get(entry.name),
                "same_as": _same_as(entry, entries, records),
                "seconds": sum(record.seconds for record in fine),
                "error": next((record.error for record in found if record.error), None),
                "runs": [_run(record, figure.name) for record in found],
            }
        )
    done = sum(map(len, records.values()))
    return {
        "figure": figure.name,
        "seeds": list(dict.fromkeys(each.seed for each in repetitions)),
        "folds": repetitions[0].folds or None,
        "confidence": CONFIDENCE,
        "comparisons": comparisons,
        "finished": done == len(entries) * len(repetitions),
        "variants": variants,
    }


def _step(own: dict[Repetition, Record], other: dict[Repetition, Record], found: Gain | None) -> Gain | None:
    """A gain; one between trainings that are the same compares nothing."""
    same = all(one == two for one, two in _runs(own, other))
    return found._replace(p=None) if found and same else found


def _runs(own: dict[Repetition, Record], other: dict[Repetition, Record]) -> tuple[tuple[str, str], ...]:
    """The runs that a gain compares."""
    return tuple((own[each].run, other[each].run) for each in own if each in other)


def _corrected(
    steps: Mapping[str, Gain | None], runs: Mapping[str, tuple[Any, ...]]
) -> tuple[dict[str, dict[str, Any]], int]:
    """The gains as JSON, each with its p-value corrected for the number of comparisons, and that number.

    runs: what each compares. Two variants of the same spec, compared with the same other, are one comparison.
    """
    found = {name: step for name, step in steps.items() if step}
    tested = {runs[name]: step.p for name, step in found.items() if step.p is not None}
    corrected = dict(zip(tested, holm(list(tested.values())), strict=True))
    gains = {
        name: step._asdict()
        | {
            "seeds": step.pairs,
            "p_holm": (p := corrected.get(runs[name])),
            "more_than_chance": None if p is None else p <= 1 - CONFIDENCE,
        }
        for name, step in found.items()
    }
    return gains, len(corrected)


def about(options: Options, device: torch.device) -> dict[str, Any]:
    """The part of study.json that says how and where."""
    return {
        "command": list(options.command),
        "subset": options.subset,
        "device": str(device),
        "device_name": describe(device),
        "platform": platform.platform(),
        "versions": {"specc": __version__, "python": platform.python_version(), "torch": torch.__version__},
    }


def about_data(dataset: DataSet) -> dict[str, Any]:
    """The part of study.json that says which images."""
    return {
        "data": dataset.name,
        "images": {"train": len(dataset.train), "validation": len(dataset.validation)},
        "validated_on": dataset.validated_on,
        "data_sha256": dataset.hash,
    }


def _summary(values: Sequence[float | None], overlap: float) -> dict[str, float | None] | None:
    """Of the values that are known."""
    found = summary([value for value in values if value is not None], overlap)
    return found._asdict() if found else None


def _of_classes(records: Sequence[Record], overlap: float) -> dict[str, dict[str, float | None] | None]:
    """The figure of each class or tag over trainings; {} for a figure that is no mean over these."""
    names = dict.fromkeys(name for record in records for name in record.of_classes)
    return {name: _summary([record.of_classes.get(name) for record in records], overlap) for name in names}


def _same_as(entry: Entry, entries: Sequence[Entry], records: Records) -> str | None:
    """The first entry whose spec is this one's, so that both have the same runs."""
    runs = [record.run for record in records[entry.name].values() if record.run]
    for other in entries:
        if other is entry or not runs:
            return None
        if runs == [record.run for record in records[other.name].values()][: len(runs)]:
            return other.name
    return None


def _run(record: Record, figure: str) -> dict[str, Any]:
    last = record.curve[-1] if record.curve else {}
    return {
        "seed": record.repetition.seed,
        "fold": record.repetition.fold or None,
        "run": record.run or None,
        f"train_{figure}": record.figures.get(figure),
        "train_loss": record.loss,
        "train_images": record.images,
        f"val_{figure}": None if record.error else last.get(f"val_{figure}"),
        "val_loss": None if record.error else last.get("val_loss"),
        "of_classes": dict(record.of_classes),
        "seconds": record.seconds,
        "error": record.error,
        "curve": [{key: line[key] for name in CURVE if (key := name.format(figure)) in line} for line in record.curve],
    }
