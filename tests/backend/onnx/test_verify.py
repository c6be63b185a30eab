"""A certified file is checked again from itself and its data; what was changed since is found."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch

from specc.backend.onnx.certificate import as_json
from specc.backend.onnx.export import export_run
from specc.backend.onnx.model_file import CERTIFICATE, read_model, seal, sha256
from specc.backend.onnx.verify import Verification, verify
from specc.errors import SpeccError
from tests.helpers.tiny_run import trained, write_pictures


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("origin")
    export_run(trained(folder), device="cpu")
    return folder


@pytest.fixture
def model(origin: Path, tmp_path: Path) -> Path:
    """The file alone, in a folder without its run; its data lie in `data` beside it."""
    shutil.copy(origin / "run" / "model.onnx", tmp_path)
    (tmp_path / "data").mkdir()
    shutil.copy(origin / "pictures.npz", tmp_path / "data")
    return tmp_path / "model.onnx"


def checked(model: Path) -> Verification:
    return verify(model, data_dir=model.parent / "data", device=torch.device("cpu"))


def states(found: Verification) -> dict[str, bool | None]:
    return {finding.name: finding.passed for finding in found.findings}


def forge(model: Path, **changes: Any) -> None:
    """Change the certificate in the file, and leave the rest."""
    file = read_model(model)
    assert file.certificate is not None
    body = file.content.removesuffix(seal(b"", file.metadata[CERTIFICATE]))
    model.write_bytes(seal(body, as_json({**file.certificate, **changes})))


def test_file_and_data_alone_are_enough(model: Path) -> None:
    found = checked(model)
    assert found.passed
    expected = {"content", "graph", "spec", "data", "class names", "accuracy on CPUExecutionProvider"}
    assert expected <= {name for name, passed in states(found).items() if passed}
    assert states(found)["trained model"] is None


def test_beside_its_run_it_is_compared_with_the_weights(origin: Path) -> None:
    found = states(verify(origin / "run" / "model.onnx", device=torch.device("cpu")))
    assert found["trained model"] is True and found["certificate beside it"] is True


def test_run_says_where_its_data_are(origin: Path, tmp_path: Path) -> None:
    shutil.copytree(origin / "run", tmp_path / "run")
    info = json.loads((tmp_path / "run" / "run.json").read_text())
    info |= {"base": str(tmp_path), "data_dir": str(origin)}
    (tmp_path / "run" / "run.json").write_text(json.dumps(info))
    assert verify(tmp_path / "run" / "model.onnx", device=torch.device("cpu")).passed


def test_other_weights_beside_it_are_not_compared(origin: Path, model: Path) -> None:
    weights = bytearray((origin / "run" / "best.safetensors").read_bytes())
    weights[-1] ^= 1
    model.with_name("best.safetensors").write_bytes(weights)
    found = checked(model)
    assert found.passed and "not those that were exported" in found.findings[-1].detail


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_changed_byte_is_an_error(model: Path, share: float) -> None:
    content = bytearray(model.read_bytes())
    content[int(content.index(b"conv2.weight") * share)] ^= 4
    model.write_bytes(content)
    with pytest.raises(SpeccError) as caught:
        checked(model)
    assert caught.value.code in ("E456", "E451") and caught.value.status == 1


def test_file_that_another_program_wrote_anew_is_an_error(model: Path) -> None:
    changed = onnx.load(model)
    changed.graph.initializer[0].name += "x"
    onnx.save(changed, model)
    with pytest.raises(SpeccError, match="changed after it was certified"):
        checked(model)


def test_forged_accuracy_is_found(model: Path) -> None:
    certificate = read_model(model).certificate
    assert certificate is not None
    forge(model, correct=certificate["correct"] - 5)
    found = checked(model)
    assert not found.passed and states(found)["accuracy on CPUExecutionProvider"] is False


def test_graph_that_is_not_in_evaluation_mode_is_found(model: Path) -> None:
    """Sealed anew by somebody who left dropout on: its hash is right."""
    file = read_model(model)
    assert file.certificate is not None
    changed = onnx.load_from_string(file.content.removesuffix(seal(b"", file.metadata[CERTIFICATE])))
    at = next(number for number, node in enumerate(changed.graph.node) if node.name == "conv2")
    changed.graph.node[at].input[0] = "dropped"
    changed.graph.node.insert(at, onnx.helper.make_node("Dropout", ["relu1"], ["dropped"], name="dropout1"))
    body = changed.SerializeToString()
    model.write_bytes(seal(body, as_json({**file.certificate, "model_sha256": sha256(body)})))
    found = checked(model)
    assert not found.passed and states(found)["content"] is True and states(found)["evaluation mode"] is False


def test_certificate_that_lacks_a_figure_is_an_error(model: Path) -> None:
    certificate = read_model(model).certificate
    assert certificate is not None
    body = model.read_bytes().removesuffix(seal(b"", read_model(model).metadata[CERTIFICATE]))
    del certificate["data_sha256"]
    model.write_bytes(seal(body, as_json(certificate)))
    with pytest.raises(SpeccError, match="is incomplete: `data_sha256`"):
        checked(model)


def test_certificate_beside_it_of_another_file_is_found(origin: Path, model: Path) -> None:
    beside = json.loads((origin / "run" / "certificate.json").read_text())
    model.with_name("certificate.json").write_text(json.dumps({**beside, "correct": 36}))
    assert states(checked(model))["certificate beside it"] is False
    model.with_name("certificate.json").write_text("no json")
    assert states(checked(model))["certificate beside it"] is False


def test_pipes_beside_it_are_not_opened(model: Path) -> None:
    os.mkfifo(model.with_name("best.safetensors"))
    assert states(checked(model))["trained model"] is None
    model.with_name("certificate.json").unlink(missing_ok=True)
    os.mkfifo(model.with_name("certificate.json"))
    assert states(checked(model))["certificate beside it"] is False


@pytest.mark.parametrize("providers", [[], {}, {"CPUExecutionProvider": 7}, {"CPUExecutionProvider": {"correct": "7"}}])
def test_certificate_of_another_form_is_an_error(model: Path, providers: object) -> None:
    forge(model, providers=providers)
    with pytest.raises(SpeccError, match="is incomplete: `providers`"):
        checked(model)


def test_other_data_are_found(model: Path) -> None:
    write_pictures(model.parent / "data", seed=3)
    found = checked(model)
    assert not found.passed and states(found)["data"] is False
    assert "accuracy on CPUExecutionProvider" not in states(found)


def test_missing_data_are_an_error(model: Path) -> None:
    (model.parent / "data" / "pictures.npz").unlink()
    with pytest.raises(SpeccError) as caught:
        checked(model)
    assert caught.value.code == "E403"
