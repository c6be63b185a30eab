"""A run as it lies on disk, written without training; a test damages what it wants to see refused."""

import hashlib
import json
import struct
from pathlib import Path
from typing import Any

from safetensors.torch import save

from specc.backend.build import build
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


def weights() -> bytes:
    graph = check(Source("net.cnn", SPEC)).graph
    assert graph is not None
    return bytes(save(build(graph).state_dict()))


WEIGHTS = weights()


def write_run(folder: Path, **changed: str | bytes) -> Path:
    folder.mkdir()
    (folder / "checkpoints").mkdir()
    files: dict[str, str | bytes] = {"spec.cnn": SPEC, "run.json": json.dumps(INFO), "best.safetensors": WEIGHTS}
    for name, content in (files | changed).items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def about(tensors: bytes, **more: Any) -> str:
    return json.dumps({"format": 1, "sha256": hashlib.sha256(tensors).hexdigest(), "step": 1} | more)
