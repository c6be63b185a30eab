"""What a study found, as study.json holds it: all that its table, its picture and the lessons are made of."""

import platform
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from specc import __version__
from specc.backend.data.dataset import DataSet
from specc.backend.device import describe
from specc.backend.study.cache import Record
from specc.backend.study.plan import Entry
from specc.backend.study.runner import Options, Records
from specc.backend.study.statistics import CONFIDENCE, gain, summary
from specc.check import Checked

CURVE = ("epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy")


def as_json(
    entries: Sequence[Entry],
    against: Mapping[str, str],
    records: Records,
    checked: Callable[[Entry, int], Checked],
    seeds: Sequence[int],
) -> dict[str, Any]:
    """The part of study.json that holds the figures. Accuracies and gains run from 0 to 1.

    against: the entry that each entry is measured against, "" for none.
    """
    values = {
        name: {seed: record.curve[-1]["val_accuracy"] for seed, record in found.items() if not record.error}
        for name, found in records.items()
    }
    variants = []
    for entry in entries:
        found = list(records[entry.name].values())
        fine = [record for record in found if not record.error]
        other = against[entry.name]
        graph = checked(entry, seeds[0]).graph
        step = gain(values[entry.name], values[other]) if other else None
        variants.append(
            {
                "name": entry.name,
                "extends": entry.extends or None,
                "compared_with": other or None,
                "settings": [list(setting) for setting in entry.settings],
                "parameters": graph.parameters if graph else None,
                "macs": graph.total_macs if graph else None,
                "train_accuracy": _summary([record.train_accuracy or 0.0 for record in fine]),
                "val_accuracy": _summary(list(values[entry.name].values())),
                "gain": step._asdict() if step else None,
                "same_as": _same_as(entry, entries, records),
                "seconds": sum(record.seconds for record in fine),
                "error": next((record.error for record in found if record.error), None),
                "runs": [_run(record) for record in found],
            }
        )
    done = sum(map(len, records.values()))
    return {
        "seeds": list(seeds),
        "confidence": CONFIDENCE,
        "finished": done == len(entries) * len(seeds),
        "variants": variants,
    }


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


def _summary(values: list[float]) -> dict[str, float | None] | None:
    found = summary(values)
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
        "seed": record.seed,
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
