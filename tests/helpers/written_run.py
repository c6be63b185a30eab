"""A run as it lies on disk, written without training; a test damages what it wants to see refused."""

import hashlib
import json
import struct
from pathlib import Path
from typing import Any

from torch import Tensor

from specc.backend.build import build
from specc.backend.run.checkpoint import _hash as checkpoint_hash
from specc.backend.run.same_data import meaning_of
from specc.backend.run.weights import weights_bytes
from specc.check import check
from specc.source import Source

SPEC = "data { source = digits }\nnetwork N { input(1, 8x8); conv(4) -> relu; global_avg_pool -> dense(10) }\n"
INFO: dict[str, Any] = {
    "format": 1, "name": "N", "data_dir": None, "device": "cpu", "base": ".", "data_sha256": "0" * 64,
    "classes": list("0123456789"), "versions": {"specc": "0.1"},
    "spec_sha256": hashlib.sha256(SPEC.encode()).hexdigest(),
    "validated_on": "nothing", "mean": [0.0], "std": [1.0], "steps_per_epoch": 1,
}  # fmt: skip


def header(text: str | bytes, length: int | None = None, tail: bytes = b"") -> bytes:
    """A safetensors file with this header, and what it says of the header's length."""
    content = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(content) if length is None else length) + content + tail


def tensors() -> dict[str, Tensor]:
    graph = check(Source("net.cnn", SPEC)).graph
    assert graph is not None
    return build(graph).state_dict()


def weights() -> bytes:
    return weights_bytes(tensors(), meaning_of(INFO))


WEIGHTS = weights()


def write_run(folder: Path, **changed: str | bytes) -> Path:
    folder.mkdir()
    (folder / "checkpoints").mkdir()
    files: dict[str, str | bytes] = {"spec.cnn": SPEC, "run.json": json.dumps(INFO), "best.safetensors": WEIGHTS}
    for name, content in (files | changed).items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def about(tensors: bytes, **more: Any) -> str:
    values = {"format": 3, "step": 1} | more
    return json.dumps(values | {"sha256": checkpoint_hash(tensors, values)})
