"""The exported file of every task gives what the network has learned to give, and its certificate says how well."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from onnx import numpy_helper
from sklearn.metrics import average_precision_score, f1_score, jaccard_score, mean_absolute_error, r2_score

from specc.backend.onnx.export import export_run
from specc.backend.onnx.exported import Exported
from specc.backend.onnx.model_file import read_model
from specc.backend.onnx.precision import convert
from specc.backend.onnx.triton import write_repository
from specc.backend.onnx.verify import verify
from specc.backend.onnx.write import write_model
from specc.backend.run.load import open_run
from specc.cli.export import report
from specc.errors import SpeccError
from tests.helpers.task_runs import learned, trained, validation_images

OUTPUTS = {
    "multi-label": ("probabilities", "logits"),
    "regression": ("numbers",),
    "segmentation": ("probabilities", "logits", "classes"),
}
EACH = [(task, output) for task, outputs in OUTPUTS.items() for output in outputs]
CPU = torch.device("cpu")


class Made(NamedTuple):
    """The exported files of a run, and what its network gives for the validation images, by PyTorch and NumPy."""

    files: list[Exported]
    logits: np.ndarray
    images: np.ndarray
    labels: np.ndarray
    info: dict[str, Any]

    @property
    def run(self) -> Path:
        return self.files[0].path.parent

    def given(self) -> np.ndarray:
        """What onnxruntime gives for the raw validation images."""
        session = ort.InferenceSession(str(self.files[0].path), providers=["CPUExecutionProvider"])
        outputs: np.ndarray = session.run(None, {"images": self.images})[0]
        return outputs


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Made]:
    """The exported files of a task that give an output, each made once."""
    made: dict[tuple[str, str], Made] = {}

    def one(task: str, output: str) -> Made:
        if (task, output) not in made:
            export = f"output = {output}; max_loss = 90%"
            run = trained(tmp_path_factory.mktemp("task"), task, export=export)
            files = export_run(run, device="cpu", precisions=["fp16", "int8"])
            images, opened = validation_images(run), open_run(run)
            mean, std = (np.array(opened.info[name]).reshape(3, 1, 1) for name in ("mean", "std"))
            seen = ((images / 255 - mean) / std).astype(np.float32)
            with torch.no_grad():
                logits = opened.net(torch.from_numpy(seen)).numpy().astype(np.float64)
            with np.load(run.parent / "pictures.npz") as arrays:
                labels = arrays["y_val"]
            made[task, output] = Made(files, logits, images, labels, opened.info)
        return made[task, output]

    return one


def by_hand(made: Made, task: str, output: str) -> np.ndarray:
    """What the file should give, worked out from the network's own outputs."""
    logits = made.logits
    if output == "logits":
        return logits
    if task == "multi-label":
        return 1 / (1 + np.exp(-logits))
    if task == "regression":
        return logits * made.info["scale"]["std"] + made.info["scale"]["mean"]
    if output == "classes":
        return logits.argmax(axis=1)
    powers = np.exp(logits)
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(("task", "output"), EACH)
def test_file_gives_what_the_network_does(make: Callable[[str, str], Made], task: str, output: str) -> None:
    made = make(task, output)
    given, wanted = made.given(), by_hand(made, task, output)
    assert given.shape == wanted.shape and given.dtype == (np.uint8 if output == "classes" else np.float32)
    assert np.allclose(given, wanted, rtol=1e-5, atol=1e-5)
    file = read_model(made.files[0].path)
    names = learned(task, made.images).names
    assert (file.task.name, file.output, file.classes, file.shape) == (task, output, names, given.shape[1:])
    model = onnx.load(file.path)
    (gives,) = model.graph.output
    assert gives.name == output and [d.dim_param or d.dim_value for d in gives.type.tensor_type.shape.dim] == [
        "N",
        *given.shape[1:],
    ]
    onnx.checker.check_model(model, full_check=True)


def test_certificate_has_the_figures_of_tags(make: Callable[[str, str], Made]) -> None:
    for output in OUTPUTS["multi-label"]:
        made = make("multi-label", output)
        given, certificate = made.given(), made.files[0].certificate
        answers = given > (0.5 if output == "probabilities" else 0)
        figures = certificate.comparisons[0].figures
        assert figures["map"] == pytest.approx(average_precision_score(made.labels, given, average="macro"), abs=1e-6)
        assert figures["micro_f1"] == pytest.approx(f1_score(made.labels, answers, average="micro"), abs=1e-6)
        assert figures == pytest.approx(dict(certificate.figures), abs=1e-6)
        assert certificate.agreement == 1 and certificate.figure.name == "map"
        assert "same answer on 100.00% of the tags" in report(made.files)


def test_certificate_has_the_figures_of_numbers(make: Callable[[str, str], Made]) -> None:
    made = make("regression", "numbers")
    given, certificate = made.given(), made.files[0].certificate
    (comparison,) = certificate.comparisons
    assert comparison.figures["mae"] == pytest.approx(mean_absolute_error(made.labels, given), rel=1e-6)
    assert comparison.figures["r2"] == pytest.approx(r2_score(made.labels, given), rel=1e-5)
    assert comparison.whole.agreement is None and "agreement" in certificate.as_dict()["providers"][comparison.provider]
    largest = np.abs(given - by_hand(made, "regression", "numbers")).max(axis=0)
    assert comparison.whole.by_number == pytest.approx(largest, abs=2e-4)
    spans = (given.max(axis=0) - given.min(axis=0)) / 2
    floors = np.abs(given).max(axis=0) / 256
    assert certificate.scales == pytest.approx(np.maximum(spans, floors).tolist(), rel=1e-4)
    assert "mean absolute error" in report(made.files)
    assert "same class" not in report(made.files)


def test_certificate_has_the_figures_of_masks(make: Callable[[str, str], Made]) -> None:
    for output in OUTPUTS["segmentation"]:
        made = make("segmentation", output)
        given, certificate = made.given(), made.files[0].certificate
        answers = given if output == "classes" else given.argmax(axis=1)
        counted = made.labels != 255
        wanted = jaccard_score(made.labels[counted], answers[counted], average="macro")
        assert certificate.comparisons[0].figures["mean_iou"] == pytest.approx(wanted, abs=1e-6)
        assert certificate.agreement == 1 and "of the pixels" in report(made.files)
        assert (certificate.logits_scale is None) == (output == "logits")


@pytest.mark.parametrize(("task", "output"), EACH)
def test_every_file_is_verified_in_every_precision(make: Callable[[str, str], Made], task: str, output: str) -> None:
    made = make(task, output)
    assert [one.certificate.precision for one in made.files] == ["fp32", "fp16", "int8"]
    for one in made.files:
        found = verify(one.path, device=CPU)
        assert found.passed, found.findings
        assert found.certificate["task"] == task and found.findings[-1].passed
        assert json.loads(json.dumps(found.certificate)) == found.certificate


@pytest.mark.parametrize(("task", "output"), EACH)
def test_card_and_repository_know_the_task(
    make: Callable[[str, str], Made], tmp_path: Path, task: str, output: str
) -> None:
    made = make(task, output)
    card = (made.run / "card.md").read_text()
    heading = {"multi-label": "## Tags", "regression": "## Numbers", "segmentation": "## Classes"}[task]
    assert heading in card and "## Confusion" not in card and f"It gives `{output}`" in card
    assert made.files[0].certificate.figure.title in card
    (folder,) = write_repository(tmp_path, [made.files[0].path])
    config = (folder / "config.pbtxt").read_text()
    sides = ", ".join(map(str, made.given().shape[1:]))
    assert f"dims: [ {sides} ]" in config and f'name: "{output}"' in config
    assert ("TYPE_UINT8\n    dims: [ 12, 12 ]" in config) == (output == "classes")
    assert ("label_filename" in config) == (task == "multi-label")


def faulty(monkeypatch: pytest.MonkeyPatch, name: str, change: Callable[[np.ndarray], np.ndarray]) -> None:
    """Let exports write graphs with a fault in one of their constants."""

    def write(*arguments: Any) -> Any:
        written = write_model(*arguments)
        (tensor,) = [one for one in written.model.graph.initializer if one.name == name]
        tensor.CopyFrom(numpy_helper.from_array(change(numpy_helper.to_array(tensor)).astype(np.float32), name))
        return written

    monkeypatch.setattr("specc.backend.onnx.export.write_model", write)


FAULTS = {
    "mean": ("regression", "output/floats2", lambda mean: mean + np.array([0, 1e-3])),
    "scale": ("regression", "output/floats", lambda std: std * [1, 1.5]),
    "tags": ("multi-label", "dense1.weight", lambda weight: np.roll(weight, 1, axis=0)),
    "pixels": ("segmentation", "conv3.bias", lambda bias: bias + np.array([0, 0.1, 0])),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_caught_and_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    task, name, change = FAULTS[fault]
    run = trained(tmp_path, task)
    faulty(monkeypatch, name, change)
    with pytest.raises(SpeccError) as caught:
        export_run(run, device="cpu")
    assert caught.value.code == "E455" and not (run / "model.onnx").exists()


def test_masks_of_classes_hide_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = trained(tmp_path, "segmentation", export="output = classes")
    faulty(monkeypatch, "conv3.weight", lambda weight: weight * 1.01)  # of which no answer depends
    with pytest.raises(SpeccError, match="the logits of the whole validation set"):
        export_run(run, device="cpu")


def test_loss_of_an_error_is_relative(make: Callable[[str, str], Made], monkeypatch: pytest.MonkeyPatch) -> None:
    made = make("regression", "numbers")
    before, after = (one.certificate.comparisons[0].figures["mae"] for one in (made.files[0], made.files[2]))
    assert before and after
    assert made.files[2].certificate.lost == pytest.approx((after - before) / before, rel=1e-3, abs=1e-6)

    def far_off(model: onnx.ModelProto, *arguments: Any) -> onnx.ModelProto:
        converted = convert(model, *arguments)
        (tensor,) = [one for one in converted.graph.initializer if one.name == "output/floats2"]
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) * np.float32(1.1), tensor.name))
        return converted

    monkeypatch.setattr("specc.backend.onnx.export.convert", far_off)
    with pytest.raises(
        SpeccError, match=r"the mean absolute error rises from .* to .*, by .*%, on 36 images"
    ) as caught:
        export_run(made.run, device="cpu", precisions=["int8"], out=made.run / "again.onnx")
    assert caught.value.code == "E462"


def test_numbers_that_are_learned_as_they_are(tmp_path: Path) -> None:
    run = trained(tmp_path, "regression", data="targets = none", train_with="optimizer = adam(lr=1e-4)")
    assert "scale" not in open_run(run).info
    (exported,) = export_run(run, device="cpu")
    nodes = onnx.load(exported.path).graph.node
    assert nodes[-1].op_type == "Identity" and nodes[-1].name == "numbers"
    assert verify(exported.path, device=CPU).passed


@pytest.mark.parametrize("resize", ["16x20", "cover(16x20)", "contain(16x20, fill=7)"])
def test_maps_of_images_that_the_graph_resizes(tmp_path: Path, resize: str) -> None:
    run = trained(tmp_path, "segmentation", data=f"resize = {resize}; view = 12x12", size=(30, 22))
    (exported,) = export_run(run, device="cpu")
    assert len(exported.certificate.comparisons[0].sizes) >= 3 and verify(exported.path, device=CPU).passed


def changed_info(run: Path, **values: Any) -> SpeccError:
    info = json.loads((run / "run.json").read_text())
    try:
        (run / "run.json").write_text(json.dumps({**info, **values}))
        with pytest.raises(SpeccError) as caught:
            open_run(run)
        return caught.value
    finally:
        (run / "run.json").write_text(json.dumps(info))


def test_changed_meaning_is_noticed(make: Callable[[str, str], Made]) -> None:
    made = make("regression", "numbers")
    scale = made.info["scale"]
    other = {**scale, "std": [2 * scale["std"][0], scale["std"][1]]}
    assert "does not match the best.safetensors next to it: `scale`" in changed_info(made.run, scale=other).message
    for wrong in ({"mean": [1], "std": [0]}, {"mean": [1, 2], "std": [1]}, [1], None):
        assert "`scale` is not a table" in changed_info(made.run, scale=wrong).message
    short = {name: values[:1] for name, values in scale.items()}
    assert "not equally long" in changed_info(made.run, scale=short).message
    assert "`task` is not one of classification" in changed_info(made.run, task="guessing").message
    assert "`task`" in changed_info(made.run, task="multi-label").message
    masks = make("segmentation", "classes")
    assert "`ignore` is `7` instead of `255`" in changed_info(masks.run, ignore=7).message
