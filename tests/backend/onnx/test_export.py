"""What is exported is what was trained, or nothing is."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from onnx import numpy_helper

from specc.backend.data.dataset import load
from specc.backend.onnx import compare as compare_module
from specc.backend.onnx import export as module
from specc.backend.onnx.certificate import Certificate
from specc.backend.onnx.ending import Ending
from specc.backend.onnx.export import export_run
from specc.backend.onnx.model_file import DATA_SHA256, SPEC, SPEC_SHA256, read_model, sha256
from specc.backend.onnx.proof import training_left
from specc.backend.onnx.reference import of_run
from specc.backend.onnx.session import CPU, CUDA, loads, open_session, run
from specc.backend.onnx.verify import verify
from specc.backend.onnx.write import portable, write_model
from specc.backend.predict.file import from_file
from specc.backend.resizing import resize
from specc.backend.run.load import open_run
from specc.backend.run.manifest import sha256_of
from specc.check import check
from specc.cli.export import summary
from specc.errors import SpeccError
from specc.source import Source
from specc.tricks.resize import Resize
from specc.values import Size
from tests.helpers.tiny_run import CLASSES, trained, write_pictures


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that every test may export but none may change."""
    return trained(tmp_path_factory.mktemp("tiny"))


def certified(run_path: Path, **options: object) -> Certificate:
    """The certificate of a run's export in fp32."""
    return export_run(run_path, device="cpu", **options)[0].certificate  # type: ignore[arg-type]


def refused(run_path: Path, **options: object) -> SpeccError:
    with pytest.raises(SpeccError) as caught:
        export_run(run_path, device="cpu", **options)  # type: ignore[arg-type]
    return caught.value


def test_file_is_certified_and_tells_its_story(tiny: Path, tmp_path: Path) -> None:
    certificate = certified(tiny, out=tmp_path / "model.onnx")
    assert certificate.largest < 1e-5 and certificate.agreement == 1
    assert certificate.images == 36 and set(certificate.comparisons[0].batches) == {1, 2, 7, 36}
    file = read_model(tmp_path / "model.onnx")
    assert file.untouched and file.classes == CLASSES and file.size == Size(16, 16)
    assert file.certificate == json.loads(json.dumps(certificate.as_dict()))
    spec = (tiny / "spec.cnn").read_text()
    assert file.metadata[SPEC] == spec and file.metadata[SPEC_SHA256] == sha256(spec.encode())
    assert file.metadata[DATA_SHA256] == open_run(tiny).info["data_sha256"]
    beside = json.loads((tmp_path / "certificate.json").read_text())
    assert beside.pop("file")["sha256"] == sha256(file.content) and beside == file.certificate


def test_graph_takes_raw_images_of_any_batch_and_gives_probabilities(tiny: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    export_run(tiny, out=path, device="cpu")
    model = onnx.load(path)
    (takes,), (gives,) = model.graph.input, model.graph.output
    assert takes.name == "images" and takes.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert [d.dim_param or d.dim_value for d in takes.type.tensor_type.shape.dim] == ["N", 3, 16, 16]
    assert gives.name == "probabilities"
    found = run(open_session(path), np.zeros((5, 3, 16, 16), np.uint8))
    assert np.allclose(found.sum(axis=1), 1, atol=1e-6)


def test_evaluation_mode_is_what_is_exported(tiny: Path, tmp_path: Path) -> None:
    certificate = certified(tiny, out=tmp_path / "model.onnx")
    assert certificate.as_dict()["evaluation_mode"] is True
    model = onnx.load(tmp_path / "model.onnx")
    assert training_left(model) == []
    assert not {"Dropout", "BatchNormalization"} & {node.op_type for node in model.graph.node}


def test_nothing_of_this_machine_is_in_the_file(tiny: Path, tmp_path: Path) -> None:
    export_run(tiny, out=tmp_path / "model.onnx", device="cpu")
    content = (tmp_path / "model.onnx").read_bytes()
    for private in (str(tiny.parent), str(tmp_path), str(Path.home()), str(Path(module.__file__).parent)):
        assert private.encode() not in content
    model = onnx.load_from_string(content)
    assert not model.doc_string and not model.graph.doc_string
    assert not any(node.doc_string for node in model.graph.node)


def write_spec(run: Path, text: str) -> None:
    """Make a run look as if it had been trained with this spec."""
    (run / "spec.cnn").write_text(text)
    info = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**info, "spec_sha256": sha256_of(text)}))


def test_absolute_path_of_the_data_is_cut(tmp_path: Path) -> None:
    run_path = trained(tmp_path)
    spec = (run_path / "spec.cnn").read_text()
    write_spec(run_path, spec.replace('"pictures.npz"', f'"{tmp_path}/pictures.npz"'))
    export_run(run_path, device="cpu")
    file = read_model(run_path / "model.onnx")
    assert str(tmp_path).encode() not in file.content and 'npz("pictures.npz")' in file.metadata[SPEC]


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/home/alice/p.npz", "p.npz"),
        ("~/p.npz", "p.npz"),
        ("../alice/p.npz", "p.npz"),
        (r"C:\\Users\\alice\\p.npz", "p.npz"),
        ("sets/p.npz", "sets/p.npz"),
    ],
)
def test_way_to_the_data_is_left_out(path: str, kept: str) -> None:
    text = f'data {{ source = npz("{path}") }}\nnetwork N {{ input(3, 4x4) -> flatten -> dense(2) }}\n'
    written = portable(check(Source("net.cnn", text)).trainable())
    assert f'npz("{kept}")' in written and "alice" not in written


def test_same_run_gives_the_same_bytes_in_another_process_and_place(tiny: Path, tmp_path: Path) -> None:
    ours, theirs = tmp_path / "model.onnx", tmp_path / "elsewhere" / "other.onnx"
    theirs.parent.mkdir()
    export_run(tiny, out=ours, device="cpu")
    program = (
        "import sys, torch; from pathlib import Path; from specc.backend.onnx.export import export_run\n"
        "export_run(Path(sys.argv[1]), out=Path(sys.argv[2]), device='cpu')"
    )
    subprocess.run([sys.executable, "-c", program, tiny, theirs], check=True, cwd=theirs.parent)
    assert ours.read_bytes() == theirs.read_bytes()
    assert (theirs.parent / "other.certificate.json").exists()


@pytest.mark.parametrize("normalize", ["unit", "none", "standard(per=image)", "fixed(mean=[0.4], std=[0.2])"])
def test_every_normalization_is_inside_the_graph(tmp_path: Path, normalize: str) -> None:
    run_path = trained(tmp_path)
    spec = (run_path / "spec.cnn").read_text()
    write_spec(run_path, spec.replace("normalize = standard", f"normalize = {normalize}"))
    assert certified(run_path).largest < 1e-5


@pytest.mark.parametrize("opset", [18, 22])
def test_opset_is_the_one_asked_for(tmp_path: Path, opset: int) -> None:
    run_path = trained(tmp_path, export=f"opset = {opset}", data="resize = 16x16")
    assert certified(run_path).opset == opset
    assert onnx.load(run_path / "model.onnx").opset_import[0].version == opset


def test_logits_are_held_to_their_own_scale(tmp_path: Path) -> None:
    certificate = certified(trained(tmp_path, export="output = logits"))
    (scale,) = certificate.scales
    assert scale > 0 and scale != 1
    assert onnx.load(tmp_path / "run" / "model.onnx").graph.output[0].name == "logits"


HUGE = "conv(4) -> relu -> scale(1e6) -> flatten -> dense(3) -> softmax"


def test_logits_are_compared_where_probabilities_are_saturated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_path = trained(tmp_path, body=HUGE)
    certificate = certified(run_path)
    assert certificate.saturated == 1 and certificate.largest == 0
    (found,) = certificate.comparisons
    assert certificate.logits_scale is not None and certificate.logits_scale > 1e4
    assert found.logits is not None and 0 < found.logits.largest < 1e-4 * certificate.logits_scale
    assert certificate.largest_of_logits == found.logits.largest / certificate.logits_scale
    verified = verify(run_path / "model.onnx", device=torch.device("cpu"))
    assert verified.passed and verified.certificate["providers"][CPU]["logits"]["largest_difference"] > 0
    assert "saturated" in (run_path / "card.md").read_text() and "saturated" in summary(certificate)
    real = write_model

    def faulty(*arguments: Any) -> Any:
        """Logits that are a tenth too large: the probabilities are the same."""
        written = real(*arguments)
        (weight,) = [one for one in written.model.graph.initializer if one.name == "dense1.weight"]
        weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight) * np.float32(1.1), weight.name))
        return written

    monkeypatch.setattr(module, "write_model", faulty)
    error = refused(run_path)
    assert error.code == "E455" and "the logits of the whole validation set" in error.message
    assert "`dense1`" in error.message


def test_a_network_that_is_not_saturated_is_not_called_so(tiny: Path, tmp_path: Path) -> None:
    certificate = certified(tiny, out=tmp_path / "model.onnx")
    assert certificate.saturated == 0 and "saturated" not in summary(certificate)
    assert certificate.largest_of_logits is not None and certificate.largest_of_logits < 1e-5


def test_probabilities_of_separate_questions_are_sigmoids(tmp_path: Path) -> None:
    run_path = trained(tmp_path, train_with="loss = binary_cross_entropy")
    assert certified(run_path).largest < 1e-5
    assert onnx.load(run_path / "model.onnx").graph.node[-1].op_type == "Sigmoid"


def test_resize_is_inside_the_graph(tmp_path: Path) -> None:
    write_pictures(tmp_path, (21, 34))
    run_path = trained(tmp_path, data="resize = 16x16")
    certificate = certified(run_path)
    assert len(certificate.comparisons[0].sizes) == 3
    file = read_model(run_path / "model.onnx")
    assert file.size is None
    session, opened = open_session(file.path), open_run(run_path)
    reference = of_run(opened, Ending("probabilities", "softmax"), torch.device("cpu"))
    raw = np.load(tmp_path / "pictures.npz")["x_test"]
    assert np.abs(run(session, raw) - reference(resize(raw, Resize(Size(16, 16))))).max() < 1e-4
    dataset = load(opened.spec.data, base=tmp_path)
    held = next(iter(dataset.validation.stream([torch.arange(36)], torch.device("cpu")))).numpy()
    assert np.abs(run(session, raw) - run(session, held)).max() < 1e-4


def test_file_is_not_written_where_the_tolerance_is_not_kept(tmp_path: Path) -> None:
    run_path = trained(tmp_path, export="tolerance = 1e-12")
    assert refused(run_path).code == "E455"
    assert not (run_path / "model.onnx").exists()


def test_other_data_than_the_run_was_trained_on_are_refused(tmp_path: Path) -> None:
    run_path = trained(tmp_path)
    write_pictures(tmp_path, seed=1)
    assert refused(run_path).code == "E441"


def test_place_that_cannot_be_written_is_named(tiny: Path, tmp_path: Path) -> None:
    error = refused(tiny, out=tmp_path / "missing" / "model.onnx")
    assert error.code == "E481" and "missing" in error.message


def test_provider_asked_for_that_does_not_load_is_an_error(tiny: Path, tmp_path: Path) -> None:
    if loads(CUDA):
        pytest.skip("CUDA loads here")
    assert refused(tiny, out=tmp_path / "model.onnx", providers=["cuda"]).code == "E454"
    assert [c.provider for c in certified(tiny, out=tmp_path / "model.onnx").comparisons] == [CPU]


def test_every_provider_that_loads_is_compared(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that is there beside the CPU: here a second name for what runs on it."""
    from specc.backend.onnx import session

    real = session.open_session
    monkeypatch.setattr(ort, "get_available_providers", lambda: ["OtherExecutionProvider", CPU])
    monkeypatch.setattr(session, "loads", lambda name: True)
    monkeypatch.setattr(compare_module, "open_session", lambda model, provider, weights: real(model, CPU, weights))
    found = certified(tiny, out=tmp_path / "model.onnx")
    assert [c.provider for c in found.comparisons] == [CPU, "OtherExecutionProvider"]


def test_weights_beyond_one_file_lie_beside_it(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = certified(tiny, out=tmp_path / "inside.onnx")
    monkeypatch.setattr("specc.backend.onnx.model_file.LARGEST", 1000)
    path = tmp_path / "net.onnx"
    (one,) = export_run(tiny, out=path, device="cpu")
    beside = path.with_name("net.onnx.data")
    assert one.size == path.stat().st_size + beside.stat().st_size
    file = read_model(path)
    assert file.untouched and file.certificate is not None and file.beside == {beside.name}
    assert one.certificate.weights_file == {
        "name": beside.name,
        "bytes": beside.stat().st_size,
        "sha256": sha256(beside.read_bytes()),
    }
    assert one.certificate.comparisons == inside.comparisons
    onnx.checker.check_model(path, full_check=True)
    images = np.random.default_rng(0).integers(0, 256, (3, 3, 16, 16), dtype=np.uint8)
    ours, theirs = (run(open_session(p), images) for p in (path, tmp_path / "inside.onnx"))
    assert (ours == theirs).all()
    assert from_file(path).answer(images) == pytest.approx(ours)
    assert verify(path, data_dir=tiny.parent, device=torch.device("cpu")).passed


def test_weights_beside_the_file_that_were_changed_are_noticed(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("specc.backend.onnx.model_file.LARGEST", 1000)
    path = tmp_path / "net.onnx"
    export_run(tiny, out=path, device="cpu")
    beside = tmp_path / "net.onnx.data"
    content = bytearray(beside.read_bytes())
    content[100] ^= 1
    beside.write_bytes(content)
    assert not read_model(path).untouched
    with pytest.raises(SpeccError, match="changed after it was certified"):
        verify(path, device=torch.device("cpu"))
    beside.unlink()
    with pytest.raises(SpeccError, match="which is not there"):
        read_model(path)
