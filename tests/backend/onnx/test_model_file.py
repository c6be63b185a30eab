"""Exported files are read whole and untouched, or are refused with a reason."""

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx.external_data_helper import set_external_data

from specc.backend.onnx.model_file import CERTIFICATE, read_model
from specc.errors import SpeccError
from specc.values import Size
from tests.helpers.tiny_model import CLASSES, KERNEL, sealed, tiny_body


def written(folder: Path, content: bytes) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(content)
    return path


def refused(path: Path) -> SpeccError:
    with pytest.raises(SpeccError) as caught:
        read_model(path)
    return caught.value


def test_sealed_file_tells_what_it_is(tmp_path: Path) -> None:
    file = read_model(written(tmp_path, sealed(tiny_body(), network="Tiny")))
    assert file.classes == CLASSES and file.channels == 3 and file.size == Size(4, 4)
    assert file.untouched and file.certificate is not None and file.certificate["network"] == "Tiny"


def test_sealed_file_is_a_sound_onnx_file(tmp_path: Path) -> None:
    path = written(tmp_path, sealed(tiny_body()))
    onnx.checker.check_model(path, full_check=True)
    assert [entry.key for entry in onnx.load(path).metadata_props].count(CERTIFICATE) == 1


def test_any_changed_byte_is_noticed(tmp_path: Path) -> None:
    content = sealed(tiny_body())
    at = content.index(KERNEL.tobytes())
    changed = content[: at + 5] + bytes([content[at + 5] ^ 1]) + content[at + 6 :]
    assert not read_model(written(tmp_path, changed)).untouched


def test_permuted_labels_are_noticed(tmp_path: Path) -> None:
    changed = sealed(tiny_body()).replace(b'["cat", "dog", "eel"]', b'["dog", "cat", "eel"]')
    assert read_model(written(tmp_path, changed)).classes[0] == "dog"
    assert not read_model(written(tmp_path, changed)).untouched


def test_something_appended_is_noticed(tmp_path: Path) -> None:
    more = onnx.ModelProto(metadata_props=[onnx.StringStringEntryProto(key="more", value="x")])
    assert not read_model(written(tmp_path, sealed(tiny_body()) + more.SerializeToString())).untouched


def test_file_without_certificate_is_not_untouched(tmp_path: Path) -> None:
    assert not read_model(written(tmp_path, tiny_body())).untouched


def test_missing_file_and_folder_are_named(tmp_path: Path) -> None:
    assert refused(tmp_path / "no.onnx").code == "E450"
    assert "does not exist" in refused(tmp_path / "no.onnx").message
    assert "is a folder" in refused(tmp_path).message


@pytest.mark.parametrize("content", [b"", b"a text", b"\x89PNG\r\n", bytes(range(256)) * 4])
def test_what_is_no_onnx_file_is_refused(tmp_path: Path, content: bytes) -> None:
    assert refused(written(tmp_path, content)).code == "E451"


def test_truncated_file_is_refused_wherever_it_ends(tmp_path: Path) -> None:
    def state(path: Path) -> str:
        try:
            return "untouched" if read_model(path).untouched else "changed"
        except SpeccError as error:
            return error.code

    content = sealed(tiny_body())
    found = {state(written(tmp_path, content[:length])) for length in range(0, len(content), 7)}
    assert found == {"E451"}


def test_somebody_elses_onnx_file_is_refused(tmp_path: Path) -> None:
    model = onnx.load_from_string(tiny_body())
    model.producer_name = "pytorch"
    del model.metadata_props[:]
    assert refused(written(tmp_path, model.SerializeToString())).code == "E452"


@pytest.mark.parametrize("location", ["../weights.bin", "/etc/hostname", "missing.bin", "link.bin"])
def test_weights_outside_the_folder_are_refused(tmp_path: Path, location: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "weights.bin").write_bytes(KERNEL.tobytes())
    (folder / "link.bin").symlink_to(tmp_path / "weights.bin")
    assert refused(written(folder, external(location))).code == "E453"


@pytest.mark.skipif(os.name != "posix", reason="named pipes are POSIX's")
@pytest.mark.parametrize("where", ["initializer", "attribute", "function", "training"])
def test_nothing_outside_the_folder_is_opened(tmp_path: Path, where: str) -> None:
    """A pipe that nobody writes to would hold up whoever opens it. The reference may lie anywhere in the model."""
    os.mkfifo(tmp_path / "pipe")
    folder = tmp_path / "model"
    folder.mkdir()
    model = onnx.load_from_string(tiny_body())
    tensor = onnx.TensorProto(name="far", data_type=onnx.TensorProto.FLOAT, dims=[1], raw_data=b"0000")
    set_external_data(tensor, "../pipe")
    tensor.ClearField("raw_data")
    node = onnx.helper.make_node("Constant", [], ["c"], value=tensor)
    if where == "initializer":
        model.graph.initializer.append(tensor)
    elif where == "attribute":
        inner = onnx.helper.make_graph([node], "inner", [], [])
        model.graph.node.append(onnx.helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner))
    elif where == "function":
        model.functions.append(onnx.FunctionProto(name="F", domain="d", node=[node]))
    else:
        model.training_info.append(onnx.TrainingInfoProto(algorithm=onnx.GraphProto(node=[node])))
    error = refused(written(folder, model.SerializeToString()))
    assert error.code == "E453" and "outside the model's folder" in error.message


def test_weights_beside_the_file_are_read(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(KERNEL.tobytes())
    assert read_model(written(tmp_path, external("weights.bin"))).classes == CLASSES


def external(location: str) -> bytes:
    model = onnx.load_from_string(tiny_body(kernel=np.zeros((48, 3), np.float32)))
    tensor = next(t for t in model.graph.initializer if t.name == "kernel")
    set_external_data(tensor, location)
    tensor.ClearField("raw_data")
    return model.SerializeToString()
