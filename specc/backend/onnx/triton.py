"""A model repository for NVIDIA's Triton Inference Server: NAME/config.pbtxt, NAME/labels.txt, NAME/1/model.onnx."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from specc.backend.onnx.model_file import ModelFile, read_model
from specc.errors import SpeccError, clean
from specc.files import read_file, write_together

LABELS = "labels.txt"


def write_repository(folder: Path, models: Sequence[Path]) -> list[Path]:
    """A repository in `folder` of exported files, each byte for byte as it was certified; gives the models' folders.

    A model is named as its network is, and `NAME_int8` in another precision. Requests are batched by the server.

    Raises SpeccError: E450 and on where a file cannot be read, E481 the repository cannot be written.
    """
    made = []
    for path in models:
        file = read_model(path)
        assert file.certificate is not None
        precision = file.certificate["precision"]
        name = file.certificate["network"] + ("" if precision == "fp32" else f"_{precision}")
        version = folder / name / "1"
        try:
            version.mkdir(parents=True, exist_ok=True)
            weights = {version / beside: read_file(path.with_name(beside)) for beside in file.beside}
            write_together({**weights, version / "model.onnx": file.content})
            labels = "".join(f"{clean(label)}\n" for label in file.classes)
            configuration = config(name, file, file.certificate)
            write_together(
                {version.parent / LABELS: labels.encode(), version.parent / "config.pbtxt": configuration.encode()}
            )
        except OSError as error:
            message = f"{version} cannot be written: {error.strerror or error}"
            raise SpeccError("E481", message, help="choose another place with --out") from None
        made.append(version.parent)
    return made


def config(name: str, file: ModelFile, certificate: dict[str, Any]) -> str:
    """The text of config.pbtxt (github.com/triton-inference-server/common, model_config.proto).

    Labels go with an output of which Triton can name the largest numbers: not with numbers or maps.
    """
    labels = "" if file.task.per_pixel or file.output == "numbers" else f'\n    label_filename: "{LABELS}"'
    sides = ", ".join(map(str, file.size)) if file.size else "-1, -1"
    return f"""\
name: "{name}"
backend: "onnxruntime"
max_batch_size: {certificate["max_batch"]}
input [
  {{
    name: "images"
    data_type: TYPE_UINT8
    dims: [ {file.channels}, {sides} ]
  }}
]
output [
  {{
    name: "{file.output}"
    data_type: {"TYPE_UINT8" if file.output == "classes" else "TYPE_FP32"}
    dims: [ {", ".join(map(str, file.shape))} ]{labels}
  }}
]
dynamic_batching {{ }}
"""
