"""Each hash of a certificate is held against what it is of, and against the file's own metadata."""

import shutil
from pathlib import Path

import onnx
import pytest
import torch

from specc.backend.onnx.certificate import as_json
from specc.backend.onnx.export import export_run
from specc.backend.onnx.model_file import CERTIFICATE, DATA_SHA256, SPEC, SPEC_SHA256, read_model, seal, sha256
from specc.backend.onnx.verify import verify
from tests.helpers.tiny_run import trained

OTHER = "0" * 64


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("origin")
    export_run(trained(folder), device="cpu")
    return folder


def failing(origin: Path, folder: Path, certificate: dict[str, str], metadata: dict[str, str]) -> set[str]:
    """What does not pass in a copy of the file with other entries, sealed anew by somebody who knows how."""
    shutil.copy(origin / "pictures.npz", folder)
    file = read_model(origin / "run" / "model.onnx")
    assert file.certificate is not None
    model = onnx.load_from_string(file.content.removesuffix(seal(b"", file.metadata[CERTIFICATE])))
    entries = {prop.key: prop.value for prop in model.metadata_props} | metadata
    onnx.helper.set_model_props(model, entries)
    body = model.SerializeToString()
    changed = {**file.certificate, "model_sha256": sha256(body), **certificate}
    (folder / "model.onnx").write_bytes(seal(body, as_json(changed)))
    found = verify(folder / "model.onnx", data_dir=folder, device=torch.device("cpu"))
    assert found.passed == all(finding.passed is not False for finding in found.findings)
    return {finding.name for finding in found.findings if finding.passed is False}


def test_what_is_not_changed_passes(origin: Path, tmp_path: Path) -> None:
    assert failing(origin, tmp_path, {}, {}) == set()


@pytest.mark.parametrize(
    ("certificate", "metadata"),
    [
        ({"data_sha256": OTHER}, {}),
        ({}, {DATA_SHA256: OTHER}),
        ({"data_sha256": OTHER}, {DATA_SHA256: OTHER}),  # they agree, but the data are others
    ],
)
def test_data(origin: Path, tmp_path: Path, certificate: dict[str, str], metadata: dict[str, str]) -> None:
    assert failing(origin, tmp_path, certificate, metadata) == {"data"}


@pytest.mark.parametrize(
    ("certificate", "metadata"),
    [
        ({"spec_sha256": OTHER}, {}),
        ({}, {SPEC_SHA256: OTHER}),
        ({"spec_sha256": OTHER}, {SPEC_SHA256: OTHER}),  # they agree, but the spec is another
    ],
)
def test_spec(origin: Path, tmp_path: Path, certificate: dict[str, str], metadata: dict[str, str]) -> None:
    assert failing(origin, tmp_path, certificate, metadata) == {"spec"}


def test_a_spec_that_was_changed(origin: Path, tmp_path: Path) -> None:
    text = read_model(origin / "run" / "model.onnx").metadata[SPEC]
    assert failing(origin, tmp_path, {}, {SPEC: text.replace("epochs = 2", "epochs = 3")}) == {"spec"}


def test_validated_on_other_images(origin: Path, tmp_path: Path) -> None:
    assert failing(origin, tmp_path, {"validated_on": "a split"}, {}) == {"validation images"}
