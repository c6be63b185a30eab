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

CURVE = ("epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy")


def as_json(
    entries: Sequence[Entry],
    against: Mapping[str, str],
    records: Records,
    checked: Callable[[Entry, Repetition], Checked],
    repetitions: Sequence[Repetition],
    overlap: float,
) -> dict[str, Any]:
    """The part of study.json that holds the figures. Accuracies and gains run from 0 to 1.

    against: the entry that each entry is measured against, "" for none. overlap: see `statistics.gain`.
    """
    values = {
        name: {each: record.curve[-1]["val_accuracy"] for each, record in found.items() if not record.error}
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
                "train_accuracy": _summary([record.train_accuracy or 0.0 for record in fine], overlap),
                "val_accuracy": _summary(list(values[entry.name].values()), overlap),
                "gain": gains.get(entry.name),
                "same_as": _same_as(entry, entries, records),
                "seconds": sum(record.seconds for record in fine),
                "error": next((record.error for record in found if record.error), None),
                "runs": [_run(record) for record in found],
            }
        )
    done = sum(map(len, records.values()))
    return {
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


def _summary(values: list[float], overlap: float) -> dict[str, float | None] | None:
    found = summary(values, overlap)
    return found._asdict() if found else None


def _same_as(entry: Entry, entries: Sequence[Entry], records: Records) -> str | None:
    """The first entry whose spec is this one's, so that both have the same runs."""
    runs = [record.run for record in records[entry.name].values() if record.run]
    for other in entries:
        if other is entry or not runs:
            return None
        if runs == [record.run for record in records[other.name].values()][: len(runs)]:
            return other.name
    return None


def _run(record: Record) -> dict[str, Any]:
    last = record.curve[-1] if record.curve else {}
    return {
        "seed": record.repetition.seed,
        "fold": record.repetition.fold or None,
        "run": record.run or None,
        "train_accuracy": record.train_accuracy,
        "train_loss": record.train_loss,
        "train_images": record.train_images,
        "val_accuracy": None if record.error else last.get("val_accuracy"),
        "val_loss": None if record.error else last.get("val_loss"),
        "seconds": record.seconds,
        "error": record.error,
        "curve": [{name: line[name] for name in CURVE} for line in record.curve],
    }
