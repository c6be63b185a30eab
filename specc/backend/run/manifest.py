"""run.json: what was called and when, on which data, where, and how it is carried out.

Written here, and read here. form.py says which form it must have, same_data.py whether the data are still those that it
tells of.
"""

import hashlib
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from os.path import realpath
from pathlib import Path
from typing import Any

import torch

from specc import __version__
from specc.backend.data.dataset import DataSet
from specc.backend.data.divide import DRAW
from specc.backend.device import describe
from specc.backend.run.files import INFO, MOST_BYTES
from specc.backend.run.form import wrong_in
from specc.check import Trainable
from specc.errors import SpeccError
from specc.files import parse_json, read_file, reason, refuse_bytes

FORMAT = 1
PACKAGES = ("torch", "numpy", "safetensors", "onnx")
OUTCOME = ("ended", "step", "finished", "best", "figures")  # what is added when a training ends or pauses
RUNS_FOLDER = "check that this is the folder of a run"


def begun(
    spec: Trainable,
    command: Sequence[str],
    base: Path,
    data_dir: Path | None,
    subset: int | None,
) -> dict[str, Any]:
    """What was called for, and when."""
    return {
        "format": FORMAT,
        "name": spec.name,
        "variant": spec.variant,
        "command": list(command),
        "base": realpath(base),
        "data_dir": realpath(data_dir) if data_dir else None,
        "subset": subset,
        "spec_sha256": sha256_of(spec.resolved),
        "started": now(),
    }


def about(
    dataset: DataSet,
    device: torch.device,
    *,
    parameters: int,
    frozen: int,
    steps_per_epoch: int,
    steps: int,
    precision: str,
    plan: Mapping[str, Any],
    applied: Sequence[str],
) -> dict[str, Any]:
    """What the training itself is, and where it runs.

    parameters: all of them. frozen: those that do not learn. steps: of the whole training.
    applied: what each setting reached, a line each.
    """
    return {
        **about_data(dataset),
        "parameters": parameters,
        "frozen": frozen,
        "steps_per_epoch": steps_per_epoch,
        "steps": steps,
        "device": str(device),
        "device_name": describe(device),
        "threads": torch.get_num_threads(),
        "precision": precision,
        "plan": dict(plan),
        "applied": list(applied),
        "versions": {
            "specc": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
        },
        "platform": platform.platform(),
    }


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def sha256_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def read_info(path: Path) -> dict[str, Any]:
    """What run.json of the run at `path` says.

    Raises SpeccError: E439 there is no run, or not a whole one, E447 it is one of another version, E469 its path is no
    text.
    """
    refuse_bytes(path)
    refuse_file(path)
    if not path.is_dir():
        message = f"{path} does not exist, but the folder of a run is needed"
        raise SpeccError("E439", message, help=_runs_there(path))
    try:
        info = parse_json(read_file(path / INFO, MOST_BYTES))
        if not isinstance(info, dict) or "format" not in info:
            raise ValueError("it is not an object with a `format`")
    except FileNotFoundError:
        message = f"{path} is not a run: it has no {INFO}"
        raise SpeccError("E439", message, help=_runs_there(path)) from None
    except (OSError, ValueError) as error:
        raise unreadable(path / INFO, error) from error
    if info["format"] != FORMAT:
        message = f"{path} was written by another version of specc: its format is {info['format']}, not {FORMAT}"
        versions = info.get("versions")
        by = versions.get("specc", "?") if isinstance(versions, dict) else "?"
        raise SpeccError("E447", message, help=f"it was written by specc {by}")
    if wrong := wrong_in(info):
        raise SpeccError("E439", f"{path / INFO} is invalid: {wrong}", help=RUNS_FOLDER)
    return info


def refuse_file(path: Path) -> None:
    """Raise SpeccError E439 for a path that is no folder, and will not become one."""
    if path.exists() and not path.is_dir():
        raise SpeccError("E439", f"{path} is a file, but the folder of a run is needed", help=_runs_there(path))


def unreadable(path: Path, error: Exception) -> SpeccError:
    return SpeccError("E439", f"{path} cannot be read: {reason(error)}", help=RUNS_FOLDER)


def _runs_there(path: Path) -> str:
    """A help line with the runs near a path."""
    folder = path if path.is_dir() else path.parent
    runs = sorted(found.parent.name for found in folder.glob(f"*/{INFO}")) if folder.is_dir() else []
    return f"runs in {folder}: {', '.join(runs[:5])}" if runs else "run `specc train` to create one"


def about_data(dataset: DataSet) -> dict[str, Any]:
    """What a run.json says of its data."""
    held_out, test = dataset.test, None
    if held_out and held_out.images is not None:
        test = {"words": held_out.words, "images": len(held_out.images), "sha256": held_out.hash}
    return {
        **({"test": test} if test else {}),
        **dataset.task.about(),
        "classes": list(dataset.classes),
        "images": {"train": len(dataset.train), "validation": len(dataset.validation)},
        "validated_on": dataset.validated_on,
        "validation_part": dataset.part,
        "data_sha256": dataset.hash,
        "mean": list(dataset.mean),
        "std": list(dataset.std),
        "class_images": {
            "train": list(dataset.task.counts(dataset.train.labels)),
            "validation": list(dataset.task.counts(dataset.validation.labels)),
        },
        "drawn": dataset.is_split or dataset.is_subset,
        "split_version": DRAW,
    }
