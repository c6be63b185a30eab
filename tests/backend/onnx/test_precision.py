"""Files in fp16 and int8: what they lose is measured, bounded, and shown; their bytes can be had again."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, numpy_helper

from specc.backend.data.split import Resident
from specc.backend.onnx import export as module
from specc.backend.onnx.export import export_run
from specc.backend.onnx.exported import Exported, PartlyExported
from specc.backend.onnx.model_file import read_model
from specc.backend.onnx.precision import convert
from specc.backend.onnx.session import open_session, run
from specc.backend.onnx.verify import verify
from specc.errors import SpeccError
from tests.helpers.tiny_run import change_weights, trained, write_pictures

LOOSE = "max_loss = 20%"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("tiny"), export=LOOSE)


@pytest.fixture(scope="module")
def made(tiny: Path) -> list[Exported]:
    return export_run(tiny, device="cpu", precisions=["fp16", "int8"])


def test_each_precision_is_a_file_with_its_own_certificate(tiny: Path, made: list[Exported]) -> None:
    assert [one.path.name for one in made] == ["model.onnx", "model.fp16.onnx", "model.int8.onnx"]
    for one, precision in zip(made, ["fp32", "fp16", "int8"], strict=True):
        file = read_model(one.path)
        assert file.untouched and file.certificate is not None and file.certificate["precision"] == precision
        name = "certificate.json" if precision == "fp32" else f"model.{precision}.certificate.json"
        beside = json.loads((tiny / name).read_text())
        assert beside["file"]["name"] == one.path.name and beside["file"]["bytes"] == one.size
        assert beside["file"]["seconds_per_image"]["CPUExecutionProvider"] > 0
        assert beside["accuracy_lost"] == one.certificate.lost <= 0.2
        assert beside["providers"]["CPUExecutionProvider"]["agreement"] == one.certificate.agreement


def test_weights_are_in_the_precision_that_was_asked_for(made: list[Exported]) -> None:
    kinds = [{tensor.name: tensor.data_type for tensor in onnx.load(one.path).graph.initializer} for one in made]
    assert kinds[0]["conv2.weight"] == TensorProto.FLOAT
    assert kinds[1]["conv2.weight"] == TensorProto.FLOAT16
    assert kinds[2]["conv2.weight_quantized"] == TensorProto.INT8
    int8 = onnx.load(made[2].path)
    scales = {tensor.name: numpy_helper.to_array(tensor) for tensor in int8.graph.initializer}
    assert scales["conv2.weight_scale"].shape == (8,)  # one for each channel
    assert {node.op_type for node in int8.graph.node} >= {"QuantizeLinear", "DequantizeLinear", "Conv"}
    assert all([entry.domain for entry in onnx.load(one.path).opset_import] == [""] for one in made)


def test_raw_images_go_in_and_float32_comes_out(made: list[Exported]) -> None:
    for one in made:
        model = onnx.load(one.path)
        assert model.graph.input[0].type.tensor_type.elem_type == TensorProto.UINT8
        answer = run(open_session(one.path), np.zeros((5, 3, 16, 16), np.uint8))
        assert answer.dtype == np.float32 and answer.shape == (5, 3)
        assert np.allclose(answer.sum(axis=1), 1, atol=1e-5)


def test_preprocessing_stays_in_float32(made: list[Exported]) -> None:
    def before(one: Exported) -> list[bytes]:
        model = onnx.load(one.path)
        return [node.SerializeToString() for node in model.graph.node if node.name.startswith("preprocess/")][:4]

    assert before(made[0]) == before(made[1]) and len(before(made[0])) == 4


@pytest.mark.parametrize("data", ["", "resize = 16x16"])
def test_same_run_gives_the_same_bytes_in_another_process_and_place(tmp_path: Path, data: str) -> None:
    write_pictures(tmp_path, (21, 18) if data else (16, 16))
    run_path = trained(tmp_path, data=data, export=LOOSE)
    ours = export_run(run_path, out=tmp_path / "model.onnx", device="cpu", precisions=["fp16", "int8"])
    program = (
        "import sys, torch; from pathlib import Path; from specc.backend.onnx.export import export_run\n"
        "export_run(Path(sys.argv[1]), out=Path(sys.argv[2]), device='cpu', precisions=['fp16', 'int8'])"
    )
    other = tmp_path / "elsewhere" / "model.onnx"
    other.parent.mkdir()
    subprocess.run([sys.executable, "-c", program, run_path, other], check=True, cwd=other.parent)
    for one in ours:
        content = one.path.read_bytes()
        assert content == (other.parent / one.path.name).read_bytes(), one.path.name
        assert str(tmp_path).encode() not in content and str(Path.home()).encode() not in content
        assert not onnx.load_from_string(content).graph.value_info


def test_verify_repeats_the_check_of_each_precision(made: list[Exported]) -> None:
    for one in made:
        found = verify(one.path, device=torch.device("cpu"))
        assert found.passed, found.findings
        assert {finding.name: finding.passed for finding in found.findings}["trained model"] is True


def test_int8_is_calibrated_on_the_training_images(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, seen = convert, []

    def watched(model: onnx.ModelProto, precision: str, training: Any) -> onnx.ModelProto:
        seen.append((model, training))
        return real(model, precision, training)

    monkeypatch.setattr(module, "convert", watched)
    export_run(tiny, out=tmp_path / "model.onnx", device="cpu", precisions=["int8"])
    ((model, training),) = seen
    assert len(training) == 60  # the other 36 are validated on
    darker = Resident(training.images // 4, training.labels)
    assert real(model, "int8", training) == real(model, "int8", training) != real(model, "int8", darker)


def test_setting_says_which_precision(tmp_path: Path) -> None:
    run_path = trained(tmp_path, export=f"precision = fp16\n{LOOSE}")
    assert [one.certificate.precision for one in export_run(run_path, device="cpu")] == ["fp32", "fp16"]


def test_logits_and_sigmoids_are_converted_too(tmp_path: Path) -> None:
    run_path = trained(tmp_path, train_with="loss = binary_cross_entropy", export=f"output = logits\n{LOOSE}")
    made = export_run(run_path, device="cpu", precisions=["fp16", "int8"])
    assert all(onnx.load(one.path).graph.output[0].name == "logits" for one in made)


def damaged(real: Any) -> Any:
    def watched(model: onnx.ModelProto, precision: str, training: Any) -> onnx.ModelProto:
        changed = real(model, precision, training)
        (bias,) = [t for t in changed.graph.initializer if t.name in ("dense1.bias", "dense1.bias_quantized")]
        values = numpy_helper.to_array(bias).copy()
        values[2] = 30_000 if precision == "fp16" else 1 << 28
        bias.CopyFrom(numpy_helper.from_array(values, bias.name))
        return changed

    return watched


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_loss_beyond_the_bound_is_an_error_and_the_file_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    run_path = trained(tmp_path, train_with="optimizer = adam(lr=1e-2)", export="max_loss = 0")
    monkeypatch.setattr(module, "convert", damaged(convert))
    wanted = r"by .*% of 36 images; `max_loss` allows 0\.00%, same class on"
    with pytest.raises(SpeccError, match=wanted) as caught:
        export_run(run_path, device="cpu", precisions=[precision])
    assert (caught.value.code, caught.value.status) == ("E462", 1)
    assert not list(run_path.glob("model.*.onnx"))
    assert verify(run_path / "model.onnx", device=torch.device("cpu")).passed
    assert (run_path / "certificate.json").exists() and (run_path / "card.md").exists()


def test_what_passes_is_written_whatever_else_is_refused(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = convert

    def only_fp16(model: onnx.ModelProto, precision: str, training: Any) -> onnx.ModelProto:
        if precision == "int8":
            raise SpeccError("E458", "too large", status=1)
        return real(model, precision, training)

    monkeypatch.setattr(module, "convert", only_fp16)
    with pytest.raises(PartlyExported, match="too large") as caught:
        export_run(tiny, out=tmp_path / "net.onnx", device="cpu", precisions=["int8", "fp16"])
    assert [one.path.name for one in caught.value.written] == ["net.onnx", "net.fp16.onnx"]
    assert [error.code for error in caught.value.refused] == ["E458"] and caught.value.status == 1
    assert all(read_model(one.path).untouched for one in caught.value.written)
    assert "`net.fp16.onnx`" in (tmp_path / "net.card.md").read_text()


def test_weights_beyond_one_file_cannot_be_converted(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("specc.backend.onnx.model_file.LARGEST", 1000)
    with pytest.raises(SpeccError, match="cannot be converted to int8") as caught:
        export_run(tiny, out=tmp_path / "model.onnx", device="cpu", precisions=["int8"])
    assert caught.value.code == "E458"


def refused(run_path: Path) -> SpeccError:
    with pytest.raises(PartlyExported) as caught:
        export_run(run_path, device="cpu", precisions=["fp16"])
    assert [one.path.name for one in caught.value.written] == ["model.onnx"]
    return caught.value.refused[0]


def test_values_beyond_float16_are_refused_with_their_layer(tmp_path: Path) -> None:
    """On the CPU onnxruntime computes such a file in float32, and loses nothing."""
    run_path = trained(tmp_path, body="conv(4) -> relu -> scale(1e6) -> flatten -> dense(3)")
    error = refused(run_path)
    assert (error.code, error.status) == ("E466", 1)
    wanted = r"`scale1`, at .*spec\.cnn:\d+:\d+, has a value of [\d,.e+]+; float16 ends at 65,504"
    assert re.search(wanted, error.message)
    assert not (run_path / "model.fp16.onnx").exists()


def test_inner_values_of_a_layer_count_too(tmp_path: Path) -> None:
    """The product of the first two is beyond float16; what the layer takes and gives is not."""
    body = "conv(4) -> relu -> multiply { | scale(1e3) | scale(1e3) | scale(1e-6) } -> flatten -> dense(3)"
    error = refused(trained(tmp_path, body=body))
    assert error.code == "E466" and "`multiply1`" in error.message


def test_weights_beyond_float16_are_refused(tmp_path: Path) -> None:
    run_path = trained(tmp_path, body="conv(4) -> relu -> scale(1e-6) -> flatten -> dense(3)")
    change_weights(run_path, lambda weights: weights["dense1.weight"].mul_(1e7))
    error = refused(run_path)
    assert error.code == "E466" and "`dense1`" in error.message and "has a weight of" in error.message


def test_values_that_a_folded_norm_brings_back_do_not_count(tmp_path: Path) -> None:
    run_path = trained(tmp_path, body="conv(4) -> batch_norm -> relu -> flatten -> dense(3)", export=LOOSE)

    def enlarge(weights: dict[str, torch.Tensor]) -> None:
        for name, power in (("conv1.weight", 1), ("batch_norm1.running_mean", 1), ("batch_norm1.running_var", 2)):
            weights[name] *= 1e6**power

    change_weights(run_path, enlarge)
    _, half = export_run(run_path, device="cpu", precisions=["fp16"])
    figures = half.certificate.half
    assert figures is not None and figures.images == 36 and 0 < figures.largest < 100
    assert json.loads((run_path / "model.fp16.certificate.json").read_text())["half_precision"] == figures.as_dict()


def test_what_half_precision_loses_is_measured(tmp_path: Path) -> None:
    """Values below the smallest normal number are lost on hardware that flushes them, with all that they tell."""
    body = "conv(4) -> relu -> scale(1e-7) -> scale(1e4) -> scale(1e3) -> flatten -> dense(3)"
    error = refused(trained(tmp_path, train_with="optimizer = adam(lr=1e-2)", export="max_loss = 0%", body=body))
    assert error.code == "E462" and "in half precision the accuracy falls" in error.message


def test_layers_below_the_range_of_float16_are_named(tmp_path: Path) -> None:
    body = "conv(4) -> residual { conv(4) -> scale(1e-7) } -> flatten -> dense(3)"
    _, half = export_run(trained(tmp_path, body=body, export=LOOSE), device="cpu", precisions=["fp16"])
    assert half.certificate.half is not None and half.certificate.half.below == ("scale1",)
    assert "all of `scale1` is below 6.1e-05" in half.path.with_name("card.md").read_text()
