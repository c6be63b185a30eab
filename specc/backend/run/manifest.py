"""What run.json says: what was called and when, on which data, where, and how it is carried out."""

import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from os.path import realpath
from pathlib import Path
from typing import Any

import torch

from specc import __version__
from specc.backend.data.dataset import DataSet
from specc.backend.device import describe
from specc.backend.engine.trainer import Trainer
from specc.backend.execution.plan import Plan
from specc.backend.run.load import FORMAT, sha256_of
from specc.check import Trainable

PACKAGES = ("torch", "numpy", "safetensors", "onnx")


def begun(
    spec: Trainable, command: Sequence[str], base: Path, data_dir: Path | None, subset: int | None
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


def about(trainer: Trainer, dataset: DataSet, place: torch.device, plan: Plan, notes: list[str]) -> dict[str, Any]:
    """What the training itself is, and where it runs."""
    graph = trainer.state.net.graph
    learned = sum(weight.numel() for weight in trainer.state.weights.values())
    return {
        "classes": list(dataset.classes),
        "images": {"train": len(dataset.train), "validation": len(dataset.validation)},
        "validated_on": dataset.validated_on,
        "data_sha256": dataset.hash,
        "mean": list(dataset.mean),
        "std": list(dataset.std),
        "parameters": graph.parameters,
        "frozen": graph.parameters - learned,
        "steps_per_epoch": trainer.per_epoch,
        "steps": trainer.total,
        "device": str(place),
        "device_name": describe(place),
        "threads": torch.get_num_threads(),
        "precision": plan.precision.name,
        "plan": plan.as_dict(),
        "applied": notes,
        "versions": {
            "specc": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
        },
        "platform": platform.platform(),
    }


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
