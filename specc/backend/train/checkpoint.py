"""Checkpoints: a state on the disk, whole or not at all.

A checkpoint is a pair of files: `00000468.safetensors` with the tensors, and then `00000468.json` with the rest and
the SHA-256 of the first. It is there once the second is.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from safetensors.torch import load, save

from specc.backend.train.state import Tensors, TrainState
from specc.errors import SpeccError
from specc.files import write_atomic

KEPT = 2


def save_checkpoint(folder: Path, state: TrainState) -> None:
    """Write the state into `folder`, and drop all but the newest checkpoints.

    Raises OSError where the disk does not take it; the checkpoints that were there stay.
    """
    tensors = save(state.tensors())
    stem = f"{state.step:08d}"
    about = {"format": 1, "sha256": hashlib.sha256(tensors).hexdigest(), **state.scalars()}
    write_atomic(folder / f"{stem}.safetensors", tensors)
    write_atomic(folder / f"{stem}.json", json.dumps(about, indent=1).encode())
    sweep(folder)


def sweep(folder: Path) -> None:
    """Remove old checkpoints and what a killed process left."""
    kept = {path.stem for path in sorted(folder.glob("*.json"))[-KEPT:]}
    for path in folder.iterdir():
        if path.suffix == ".part" or (path.suffix in (".json", ".safetensors") and path.stem not in kept):
            path.unlink(missing_ok=True)


def load_checkpoint(folder: Path) -> tuple[Tensors, dict[str, Any], list[str]]:
    """The newest checkpoint that is undamaged: its tensors, the rest, and the names of damaged ones passed over.

    Raises SpeccError E438 where there is none.
    """
    damaged: list[str] = []
    for path in sorted(folder.glob("*.json"), reverse=True):
        try:
            about = json.loads(path.read_bytes())
            tensors = path.with_suffix(".safetensors").read_bytes()
            if hashlib.sha256(tensors).hexdigest() == about["sha256"]:
                return load(tensors), about, damaged
        except (OSError, ValueError, KeyError, TypeError):
            pass
        damaged.append(path.with_suffix(".safetensors").name)
    names = ", ".join(damaged)
    found = f"the checkpoints in {folder} are damaged: {names}" if damaged else f"there is no checkpoint in {folder}"
    raise SpeccError("E438", found, help="begin again with `specc train` and the run's spec.cnn")
