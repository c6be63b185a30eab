"""Exported files that are given to `specc verify` and `specc predict`."""
# ruff: noqa: E501 - a case a line

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from onnx import external_data_helper

from specc.backend.onnx import model_file
from specc.backend.onnx.verify import verify
from specc.backend.predict.file import from_file
from tests.helpers.tiny_model import sealed, tiny_body

BODY = tiny_body()


def outside(location: str) -> bytes:
    model = onnx.load_from_string(BODY)
    external_data_helper.set_external_data(model.graph.initializer[0], location=location)
    return bytes(model.SerializeToString())


def foreign() -> bytes:
    model = onnx.load_from_string(BODY)
    model.producer_name = "pytorch"
    del model.metadata_props[:]
    return bytes(model.SerializeToString())


READ: dict[str, tuple[bytes | Callable[[Path], Any], str, str]] = {
    "empty": (b"", "E451", "is empty"),
    "cut short": (BODY[: len(BODY) // 2], "E451", "is not an ONNX file, or is damaged"),
    "cut by a byte": (BODY[:-1], "E451", "is not an ONNX file, or is damaged"),
    "text": (b"version https://git-lfs.github.com/spec/v1\n", "E451", "is not an ONNX file"),
    "zeros": (bytes(100_000), "E451", "is not an ONNX file"),
    "a length of 2^63": (b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "E451", "is not an ONNX file"),
    "nested 10,000 deep": (b"\x3a\x02" * 10_000, "E451", "is not an ONNX file"),
    "weights above its folder": (outside("../../secrets"), "E453", "outside the model's folder"),
    "weights at the root": (outside("/etc/passwd"), "E453", "outside the model's folder"),
    "weights that are not there": (outside("weights.bin"), "E453", "which is not there"),
    "weights in a pipe": (outside("\x1b[2J\nb"), "E453", "which is not there"),
    "somebody else's": (foreign(), "E452", "was not written by specc"),
    "classes that are a number": (tiny_body({"specc.classes": "7"}), "E451", "is not an ONNX file, or is damaged"),
    "input nested deep": (tiny_body({"specc.input": "[" * 100_000}), "E451", "or is damaged"),
    "a certificate nested deep": (model_file.seal(BODY, "[" * 100_000), "E451", "or is damaged"),
    "an endless number of channels": (tiny_body({"specc.input": '{"channels": Infinity, "size": null}'}), "E451", "or is damaged"),
    "a size of three": (tiny_body({"specc.input": '{"channels": 3, "size": [4, 4, 4]}'}), "E451", "or is damaged"),
    "weights in a circle of links": (outside("circle"), "E453", "outside the model's folder"),
    "a size of a billion": (
        tiny_body({"specc.input": json.dumps({"channels": 3, "size": [10**9, 10**9]})}), "E451", "or is damaged"),
    "not there": (lambda path: None, "E450", "does not exist"),
    "folder": (Path.mkdir, "E450", "is a folder"),
}  # fmt: skip
VERIFIED: dict[str, tuple[bytes, str, str]] = {
    "without a certificate": (BODY, "E456", "carries no certificate"),
    "changed": (sealed(BODY).replace(b'"cat"', b'"cow"'), "E456", "was changed after it was certified"),
    "with half a certificate": (sealed(BODY), "E456", "is incomplete"),
}


def write(path: Path, make: bytes | Callable[[Path], Any]) -> Path:
    path.write_bytes(make) if isinstance(make, bytes) else make(path)
    path.with_name("circle").symlink_to("circle")
    return path


@pytest.mark.parametrize("name", READ)
def test_a_model(name: str, tmp_path: Path, meets: Callable[..., None]) -> None:
    make, code, phrase = READ[name]
    path = write(tmp_path / "model.onnx", make)
    meets(code, phrase, lambda: from_file(path))
    meets(code, phrase, lambda: verify(path, device=torch.device("cpu")))


@pytest.mark.parametrize("name", VERIFIED)
def test_a_certificate(name: str, tmp_path: Path, meets: Callable[..., None]) -> None:
    content, code, phrase = VERIFIED[name]
    path = write(tmp_path / "model.onnx", content)
    meets(code, phrase, lambda: verify(path, device=torch.device("cpu")))
