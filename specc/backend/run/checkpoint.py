"""Checkpoints: a state on the disk, whole or not at all.

A checkpoint is a pair of files: `00000468.safetensors` with the tensors, and then `00000468.json` with the rest and
the SHA-256 of both. It is there once the second is.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from specc.backend.build import build
from specc.backend.run.metrics import is_epoch_line
from specc.errors import SpeccError
from specc.faults import reach
from specc.files import is_number, parse_json, read_file, sweep_parts, write_atomic
from specc.ir.graph import Graph

KEPT = 2
FORMAT = 3
EARLIER = (1, 2)
LARGEST = 1 << 40  # bytes of a state that is read where nothing is known of its network
ROOM = 1 << 28  # bytes for a file's header and for the table of an epoch's batches
MOST_ABOUT = 1 << 26  # bytes of what stands beside it
TIMES = 8  # a state has a network's weights at most so often: its own, of averages, and of what an optimizer remembers


class State(Protocol):
    """What a checkpoint holds: a training that can be taken apart and put together again."""

    step: int

    def tensors(self) -> dict[str, Tensor]:
        """All tensors, on the CPU."""

    def scalars(self) -> dict[str, Any]:
        """What is not a tensor, as JSON takes it; see `_is_whole`."""

    def restore(self, tensors: dict[str, Tensor], scalars: dict[str, Any]) -> None:
        """Take on what was saved; raises KeyError or RuntimeError where it is of something else."""


class Checkpoint(NamedTuple):
    """What was read. newest: the step of the newest one; damaged: the names of those that were passed over."""

    newest: int
    tensors: dict[str, Tensor]
    scalars: dict[str, Any]
    damaged: list[str]


def save_checkpoint(folder: Path, state: State) -> None:
    """Write the state into `folder`, and drop all but the newest checkpoints.

    Raises OSError where the disk does not take it; the checkpoints that were there stay.
    """
    reach("checkpoint.before")
    tensors = save(state.tensors())
    stem = f"{state.step:08d}"
    about = {"format": FORMAT, **state.scalars()}
    about["sha256"] = _hash(tensors, about)
    write_atomic(folder / f"{stem}.safetensors", tensors)
    reach("checkpoint.between")
    write_atomic(folder / f"{stem}.json", json.dumps(about, indent=1).encode())
    reach("sweep.before")
    sweep(folder, state.step)


def sweep(folder: Path, step: int) -> None:
    """Remove checkpoints but the newest, those of steps after `step`, and what a killed process left.

    There are later ones only where they were damaged, and the training went on from one before them.
    """
    kept = {f"{one:08d}" for one in [one for one in _steps(folder) if one <= step][-KEPT:]}
    for path in folder.iterdir():
        if path.suffix in (".json", ".safetensors") and path.stem not in kept:
            path.unlink(missing_ok=True)
            reach("sweep.middle")
    sweep_parts(folder)


def most_bytes(graph: Graph) -> int:
    """What the file with the tensors of a network's training can have at most."""
    with torch.device("meta"):
        own = build(graph).state_dict().values()
    return int(TIMES * sum(value.nbytes + 8 for value in own) + ROOM)


def load_checkpoint(folder: Path, most: int = LARGEST) -> Checkpoint:
    """The newest checkpoint that is undamaged. most: bytes; larger ones are damaged.

    Raises SpeccError: E438 where there is none, E447 where they are of an earlier version.
    """
    damaged: list[str] = []
    steps = _steps(folder)
    for step in reversed(steps):
        path = folder / f"{step:08d}.safetensors"
        try:
            about = parse_json(read_file(path.with_suffix(".json"), MOST_ABOUT))
            if about["format"] in EARLIER:
                raise _of_other_version(path, about["format"])
            tensors = read_file(path, most)
            if about.pop("sha256") == _hash(tensors, about) and _is_whole(about):
                return Checkpoint(steps[-1], load(tensors), about, damaged)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, SafetensorError):
            pass
        damaged.append(path.name)
    names = ", ".join(damaged)
    message = f"the checkpoints in {folder} are damaged: {names}" if damaged else f"no checkpoint in {folder}"
    raise SpeccError("E438", message, help="start again with `specc train` and the run's spec.cnn")


def _of_other_version(path: Path, number: int) -> SpeccError:
    message = f"{path} was written by another version of specc: its format is {number}, not {FORMAT}"
    return SpeccError("E447", message, help="resume with that version, or start a new run with `specc train`")


def _is_whole(about: dict[str, Any]) -> bool:
    """Whether what stands beside the tensors has the form of a training's `scalars`."""
    return (
        type(about["step"]) is int
        and about["step"] >= 0
        and is_number(about["seconds"])
        and type(about.get("per_epoch", 1)) is int
        and about.get("per_epoch", 1) > 0
        and isinstance(about.get("thawed", False), bool)
        and type(about.get("snapshots", 0)) is int
        and about.get("snapshots", 0) >= 0
        and isinstance(about["lines"], list)
        and all(map(is_epoch_line, about["lines"]))
        and (about["scaler"] is None or isinstance(about["scaler"], dict))
    )


def _hash(tensors: bytes, about: dict[str, Any]) -> str:
    """The SHA-256 of both files' content."""
    digest = hashlib.sha256(tensors)
    digest.update(json.dumps(about, sort_keys=True).encode())
    return digest.hexdigest()


def restore(state: State, checkpoint: Checkpoint, path: Path) -> list[str]:
    """Bring a fresh training of the run at `path` to where a checkpoint was; notes on what was passed over.

    Raises SpeccError E445 where it is of another network.
    """
    try:
        state.restore(checkpoint.tensors, checkpoint.scalars)
    except (KeyError, RuntimeError, TypeError, ValueError, IndexError) as error:
        message = f"the checkpoint in {path} does not match its spec: {error}"
        raise SpeccError(
            "E445", message, help="check whether spec.cnn was changed after the training started"
        ) from error
    return [f"skipped a damaged checkpoint: {name}" for name in checkpoint.damaged]


def newest_step(folder: Path) -> int | None:
    """The step of the newest checkpoint, damaged or not; None where there is none."""
    return max(_steps(folder), default=None)


def _steps(folder: Path) -> list[int]:
    """The steps of the checkpoints that are there, in order."""
    return sorted(int(path.stem) for path in folder.glob("*.json") if path.stem.isdecimal())
