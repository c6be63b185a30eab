"""The repository for Triton: its configuration is what Triton's message takes, its models are the certified ones."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

from specc.backend.onnx.export import export_run
from specc.backend.onnx.session import open_session, run
from specc.backend.onnx.triton import write_repository
from specc.errors import SpeccError
from tests.helpers.tiny_run import CLASSES, trained, write_pictures

TEXT, INT64, INT32 = 9, 3, 5  # of FieldDescriptorProto.Type
ONE, MANY = 1, 3


def model_config() -> Any:
    """The part of `inference.ModelConfig` (model_config.proto) that is written, by its field names and numbers."""
    file = descriptor_pb2.FileDescriptorProto(name="model_config.proto", package="inference", syntax="proto3")
    kinds = file.enum_type.add(name="DataType")
    for number, name in enumerate(["TYPE_INVALID", "TYPE_BOOL", "TYPE_UINT8"]):
        kinds.value.add(name=name, number=number)
    kinds.value.add(name="TYPE_FP32", number=11)

    def message(name: str, *fields: tuple[str, int, int, int, str]) -> None:
        made = file.message_type.add(name=name)
        for field, number, label, kind, of in fields:
            made.field.add(name=field, number=number, label=label, type=kind, type_name=of or None)

    tensor = [("name", 1, ONE, TEXT, ""), ("data_type", 2, ONE, 14, ".inference.DataType")]
    message("ModelInput", *tensor, ("dims", 4, MANY, INT64, ""))
    message("ModelOutput", *tensor, ("dims", 3, MANY, INT64, ""), ("label_filename", 4, ONE, TEXT, ""))
    message("ModelDynamicBatching")
    message(
        "ModelConfig",
        ("name", 1, ONE, TEXT, ""),
        ("max_batch_size", 4, ONE, INT32, ""),
        ("input", 5, MANY, 11, ".inference.ModelInput"),
        ("output", 6, MANY, 11, ".inference.ModelOutput"),
        ("dynamic_batching", 11, ONE, 11, ".inference.ModelDynamicBatching"),
        ("backend", 17, ONE, TEXT, ""),
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("inference.ModelConfig"))()


def read(folder: Path) -> Any:
    return text_format.Parse((folder / "config.pbtxt").read_text(), model_config())


def test_configuration_says_what_the_model_takes_and_gives(tmp_path: Path) -> None:
    (one,) = export_run(trained(tmp_path), device="cpu")
    (folder,) = write_repository(tmp_path / "models", [one.path])
    found = read(folder)
    assert (found.name, folder.name, found.backend, found.max_batch_size) == ("Tiny", "Tiny", "onnxruntime", 64)
    assert (found.input[0].name, found.input[0].data_type, list(found.input[0].dims)) == ("images", 2, [3, 16, 16])
    assert (found.output[0].name, found.output[0].data_type, list(found.output[0].dims)) == ("probabilities", 11, [3])
    assert (folder / found.output[0].label_filename).read_text().splitlines() == CLASSES
    assert found.HasField("dynamic_batching")
    assert (folder / "1" / "model.onnx").read_bytes() == one.path.read_bytes()


def test_each_precision_is_a_model_and_images_may_have_any_size(tmp_path: Path) -> None:
    write_pictures(tmp_path, (20, 24))
    run_path = trained(tmp_path, data="resize = 16x16", export="max_loss = 20%; output = logits; max_batch = 7")
    made = export_run(run_path, device="cpu", precisions=["fp16"])
    folders = write_repository(tmp_path / "models", [one.path for one in made])
    assert [read(folder).name for folder in folders] == ["Tiny", "Tiny_fp16"]
    assert [read(folder).max_batch_size for folder in folders] == [7, 7]
    assert list(read(folders[1]).input[0].dims) == [3, -1, -1] and read(folders[1]).output[0].name == "logits"


def test_weights_beside_the_model_go_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specc.backend.onnx.model_file.LARGEST", 1000)
    (one,) = export_run(trained(tmp_path), device="cpu")
    (folder,) = write_repository(tmp_path / "models", [one.path])
    images = np.zeros((2, 3, 16, 16), np.uint8)
    ours, theirs = (run(open_session(path), images) for path in (one.path, folder / "1" / "model.onnx"))
    assert (ours == theirs).all()


def test_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (one,) = export_run(trained(tmp_path), device="cpu")
    (tmp_path / "models").write_text("a file")
    with pytest.raises(SpeccError) as caught:
        write_repository(tmp_path / "models", [one.path])
    assert caught.value.code == "E481"
