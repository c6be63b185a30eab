"""Runs and checkpoints: what `specc eval`, `specc predict RUN` and `specc train --resume` read."""
# ruff: noqa: E501 - a case a line

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specc.backend.run.folder import RunFolder
from specc.backend.run.form import NEEDED
from specc.backend.run.load import open_run
from specc.backend.run.metrics import read_lines
from specc.backend.train.resume import resume
from tests.helpers.written_run import INFO, SPEC, WEIGHTS, about, header, write_run


def tensor(shape: list[int], offsets: list[int], kind: str = "F32") -> str:
    return json.dumps({"conv1.weight": {"dtype": kind, "shape": shape, "data_offsets": offsets}})


HOLLOW = {
    "empty": b"",
    "seven bytes": bytes(7),
    "cut short": WEIGHTS[:-4],
    "goes on": WEIGHTS + b"x",
    "header of 2^63 bytes": header("{}", 2**63),
    "header of a gigabyte": header("{}", 1 << 30),
    "header that is no JSON": header("{" * 50_000),
    "header nested deep": header("[" * 50_000 + "]" * 50_000),
    "header that is a list": header("[]"),
    "header that is no text": header(b"\xff\xfe{}"),
    "tensor of 2^62 numbers": header(tensor([1 << 31, 1 << 31], [0, 1 << 62])),
    "tensor whose size overflows": header(tensor([1 << 33, 1 << 33], [0, 4]), tail=bytes(4)),
    "tensor behind the end": header(tensor([1], [1000, 1004]), tail=bytes(4)),
    "tensor that ends before it begins": header(tensor([1], [4, 0]), tail=bytes(4)),
    "tensor of no kind": header(tensor([1], [0, 4], "PICKLE"), tail=bytes(4)),
    "pickle": b"\x80\x04cposix\nsystem\n(S'touch evil'\ntR.",
}
OTHER = [
    ("base", ["."]), ("base", None), ("base", "a\0b"), ("data_dir", 7), ("data_dir", "a\0b"), ("classes", "cats"), ("classes", [1]),
    ("classes", []), ("classes", {"cat": 1}), ("spec_sha256", None), ("validated_on", []), ("data_sha256", 7), ("mean", ["0"]),
    ("mean", [float("nan")]), ("std", [10**400]), ("steps_per_epoch", 0), ("steps_per_epoch", True), ("device", 7), ("versions", []),
    ("subset", "7"), ("images", 7), ("resumed", {}), ("next", {"base": "."}),
]  # fmt: skip


def without(name: str, *other: Any) -> str:
    """A run.json that says nothing, or another thing, of `name`."""
    return json.dumps(
        {key: value for key, value in INFO.items() if key != name} | dict.fromkeys([name] * len(other), *other)
    )


SAYS = {"pickle": "is not a safetensors file, but a pickle written by torch.save"}


def many(count: int) -> bytes:
    """A sound file of so many tensors, without a number in any."""
    tensors = {
        f"layer{number}.weight": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for number in range(count)
    }
    return header(json.dumps(tensors)) + bytes(8)


RUN: dict[str, tuple[str, str | bytes | Callable[[], bytes], str, str]] = {
    "no run.json": ("run.json", "", "E439", "cannot be read"),
    "run.json cut short": ("run.json", json.dumps(INFO)[:40], "E439", "cannot be read"),
    "run.json is a list": ("run.json", "[]", "E439", "cannot be read"),
    "run.json is no text": ("run.json", b"\xff\xfe\x00", "E439", "cannot be read"),
    "run.json without a format": ("run.json", "{}", "E439", "cannot be read"),
    "run.json of a newer version": ("run.json", '{"format": 2, "versions": {"specc": "9.0"}}', "E447", "another version"),
    "run.json of no version": ("run.json", '{"format": "\\u001b[2J"}', "E447", "another version"),
    **{f"run.json without `{name}`": ("run.json", without(name), "E439", f"`{name}`, ") for name in NEEDED},
    **{f"run.json with `{one}` {other!r}": ("run.json", without(one, other), "E439", f"`{one}` is not") for one, other in OTHER},
    "run.json nested deep": ("run.json", "[" * 100_000, "E439", "nested too deeply"),
    "run.json of another number of classes": ("run.json", without("classes", ["cat"]), "E439", "1 in `classes` instead of 10"),
    "run.json of another number of channels": ("run.json", without("std", [1.0] * 3), "E439", "3 in `std` instead of 1"),
    "run.json of a newer version, and strange": ("run.json", '{"format": [2], "versions": 7}', "E447", "another version"),
    "spec changed": ("spec.cnn", SPEC.replace("relu", "tanh"), "E434", "was changed after the training"),
    "spec cut short": ("spec.cnn", SPEC[:60], "E440", "the spec has errors"),
    "spec is no text": ("spec.cnn", b"\xff\xfe", "E439", "cannot be read"),
    "weights of another network": ("best.safetensors", header("{}"), "E445", "does not match the spec"),
    **{
        f"weights: {name}": ("best.safetensors", content, "E443", SAYS.get(name, "is damaged"))
        for name, content in HOLLOW.items()
    },
    "weights: 300,000 tensors": ("best.safetensors", lambda: many(300_000), "E443", "its header has"),
}  # fmt: skip


@pytest.mark.parametrize("name", RUN)
def test_a_run(name: str, tmp_path: Path, meets: Callable[..., None]) -> None:
    file, content, code, phrase = RUN[name]
    path = write_run(tmp_path / "run", **{file: content() if callable(content) else content})
    meets(code, phrase, lambda: open_run(path))


def test_the_run_is_sound_before_it_is_damaged(tmp_path: Path) -> None:
    assert open_run(write_run(tmp_path / "run")).classes == INFO["classes"]


CHECKPOINTS: dict[str, tuple[str | bytes | None, bytes | None]] = {
    "none": (None, None),
    "no tensors": (about(WEIGHTS), None),
    "other tensors": (about(WEIGHTS), WEIGHTS[:-1] + b"x"),
    "tensors cut short": (about(WEIGHTS), WEIGHTS[:100]),
    "JSON cut short": (about(WEIGHTS)[:30], WEIGHTS),
    "JSON is a list": ("[]", WEIGHTS),
    "JSON nested deep": ("[" * 100_000, WEIGHTS),
    "hash of a list nested deep": (about(WEIGHTS, more=[[]])[:-3] + "[" * 900 + "]" * 900 + "]]}", WEIGHTS),
    "JSON without lines": (about(WEIGHTS, seconds=0, scaler=None), WEIGHTS),
    "JSON with strange lines": (about(WEIGHTS, seconds=0, scaler=None, lines=[[1, 2]]), WEIGHTS),
    "JSON whose step is a text": (about(WEIGHTS, seconds=0, scaler=None, lines=[], step="1"), WEIGHTS),
    "JSON with half a step": (about(WEIGHTS, seconds=0, scaler=None, lines=[], per_epoch=0), WEIGHTS),
    "JSON is no text": (b"\xff\xfe", WEIGHTS),
    "JSON without a hash": ("{}", WEIGHTS),
}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_a_checkpoint(name: str, tmp_path: Path, meets: Callable[..., None]) -> None:
    about, tensors = CHECKPOINTS[name]
    path = write_run(tmp_path / "run")
    for suffix, content in ((".json", about), (".safetensors", tensors)):
        if content is not None:
            file = path / "checkpoints" / f"00000001{suffix}"
            file.write_bytes(content.encode() if isinstance(content, str) else content)
    meets("E438", "checkpoint", lambda: resume(path, quiet=True))


def test_torn_metrics_are_read_as_far_as_they_go(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    odd = b'\xff\n{"step": 9, "epoch": "x"}\n{"step": 9, "epoch": Infinity}\n{"step": true}\n' + b"[" * 100_000 + b"\n"
    path.write_bytes(b'{"step": 1}\n[]\n{"step": "x"}\nnull\n\x1b[2J\n' + odd + b'{"step": 2}\n{"step": 3, "loss')
    assert [line["step"] for line in read_lines(path)] == [1, 2]
    line = {"step": 1}
    assert "was damaged" in RunFolder(tmp_path).restore_metrics([line, line], [line])
    assert path.read_text() == '{"step": 1}\n'
