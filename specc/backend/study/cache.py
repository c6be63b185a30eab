"""The runs of a study, found again by what they depend on."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch

from specc import __version__
from specc.backend.data.divide import DRAW
from specc.backend.run.metrics import is_epoch_line, read_lines
from specc.backend.study.plan import Repetition
from specc.check import Trainable
from specc.errors import SpeccError
from specc.files import parse_json, read_file, write_atomic
from specc.plugins import packages_of

RUNS, RESULT, METRICS = "runs", "result.json", "metrics.jsonl"
MOST_RESULT = 1 << 20  # bytes
SHOWN = 12  # digits of the hash in a folder's name


class Record(NamedTuple):
    """What one training of a study came to.

    run: its folder, seen from the study's; "" where there is none. figures, loss: of the last weights on `images`
    training images as they are. of_classes: of each class or tag the study's figure, where it is a mean over these, on
    the validation images. curve: the lines of its metrics. error: code and message, else None.
    """

    repetition: Repetition
    run: str
    figures: Mapping[str, float | None]
    loss: float | None
    images: int
    of_classes: Mapping[str, float | None]
    curve: list[dict[str, Any]]
    error: dict[str, str] | None

    @classmethod
    def failed(cls, repetition: Repetition, error: SpeccError) -> "Record":
        """The record of a training that came to nothing."""
        return cls(repetition, "", {}, None, 0, {}, [], {"code": error.code, "message": error.message})

    @property
    def seconds(self) -> float:
        """Seconds of training, without evaluation."""
        return float(sum(line["seconds"] for line in self.curve))


def key_of(spec: Trainable, data_hash: str, subset: int | None, device: torch.device, start_hash: str = "") -> str:
    """The SHA-256 of all that a training's result depends on. Seed, fold and epochs are in the resolved spec.

    start_hash: of the weights that it begins with; "" where all are drawn.
    """
    parts = {
        "spec": spec.resolved,
        "data": data_hash,
        "subset": subset,
        "draw": DRAW,
        "specc": __version__,
        "torch": torch.__version__,
        "device": device.type,
        **({"start": start_hash} if start_hash else {}),
        **({"packages": packages} if (packages := packages_of(spec)) else {}),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def place_of(folder: Path, key: str, name: str, repetition: Repetition) -> Path:
    """The folder of the run with this key: the one that is there, whatever it is called, or a new one's name."""
    short = key[:SHOWN]
    readable = "-".join("".join(c if c.isalnum() or c in "_." else " " for c in name).split())
    there = sorted((folder / RUNS).glob(f"*-{short}"))
    return there[0] if there else folder / RUNS / f"{readable}-{str(repetition).replace(' ', '')}-{short}"


def read_record(study: Path, run: Path, key: str, repetition: Repetition) -> Record | None:
    """The record of a run that is finished; None for any other."""
    try:
        found = parse_json(read_file(run / RESULT, MOST_RESULT))
        if found["key"] != key:
            return None
        measured = found["train_figures"], found["train_loss"], found["images"], found["of_classes"]
        curve, error = found["curve"], found["error"]
        if not all(map(is_epoch_line, curve)) or not (curve or error):
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Record(repetition, _from(study, run), *measured, curve, error)


def write_record(study: Path, run: Path, key: str, record: Record) -> Record:
    """Keep the record of a finished run beside it, with its curve; give it with that and the run's folder."""
    curve = list(read_lines(run / METRICS))
    found = {
        "format": 2,
        "key": key,
        "seed": record.repetition.seed,
        "fold": record.repetition.fold or None,
        "train_figures": dict(record.figures),
        "train_loss": record.loss,
        "images": record.images,
        "of_classes": dict(record.of_classes),
        "error": record.error,
        "curve": curve,
    }
    write_atomic(run / RESULT, (json.dumps(found, indent=2) + "\n").encode())
    return record._replace(run=_from(study, run), curve=curve)


def drop(run: Path) -> None:
    """Remove what a training left that was stopped before its first checkpoint."""
    shutil.rmtree(run)


def _from(study: Path, run: Path) -> str:
    return run.relative_to(study).as_posix()
