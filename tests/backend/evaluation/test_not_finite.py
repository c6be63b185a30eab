"""A model whose answers are not finite numbers is refused wherever it is asked, with the place where it began."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load

from specc.backend.data.dataset import load as load_data
from specc.backend.evaluation.of_run import evaluate_run
from specc.backend.onnx.export import export_run
from specc.backend.predict import predict
from specc.backend.predict.file import from_file
from specc.backend.predict.run import from_run
from specc.backend.run.load import open_run
from specc.backend.run.manifest import read_info
from specc.backend.run.same_data import meaning_of
from specc.backend.run.weights import weights_bytes
from specc.backend.study.measure import on_training_images
from tests.helpers.small_run import error_of
from tests.helpers.tiny_model import KERNEL, sealed, tiny_body
from tests.helpers.tiny_run import trained


def measured(run: Path) -> Any:
    opened = open_run(run)
    data = load_data(opened.spec.data, data_dir=None, base=opened.base)
    return on_training_images(opened.spec, run, data, torch.device("cpu"))


USES: dict[str, Callable[[Path], Any]] = {
    "eval": lambda run: evaluate_run(open_run(run), device="cpu"),
    "predict": lambda run: predict(from_run(run), run / "cat.png", 1),
    "export": lambda run: export_run(run, device="cpu"),
    "study": measured,
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("finished"))


BROKEN: dict[str, tuple[dict[str, float], str]] = {
    "weights that are too large": ({"conv2.weight": 3e38}, "the output of `conv2` ("),
    "a weight that is no number": ({"dense1.bias": float("nan")}, "the output of `dense1` ("),
    "a statistic that is infinite": ({"batch_norm1.running_mean": -float("inf")}, "the output of `batch_norm1` ("),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("kind", BROKEN)
def test_the_layer_where_it_began_is_named(finished: Path, tmp_path: Path, kind: str, use: str) -> None:
    run = Path(shutil.copytree(finished, tmp_path / "run"))
    Image.fromarray(np.full((16, 16, 3), 200, np.uint8)).save(run / "cat.png")
    changes, phrase = BROKEN[kind]
    for name in ("best.safetensors", "last.safetensors"):
        tensors = load((run / name).read_bytes())
        tensors |= {key: torch.full_like(tensors[key], value) for key, value in changes.items()}
        (run / name).write_bytes(weights_bytes(tensors, meaning_of(read_info(run))))
    error = error_of(lambda: USES[use](run))
    assert (error.code, error.status) == ("E465", 1)
    assert phrase in error.message
    assert not (run / "model.onnx").exists()


def test_the_node_of_a_file_where_it_began_is_named(tmp_path: Path) -> None:
    path, image = tmp_path / "model.onnx", tmp_path / "cat.png"
    path.write_bytes(sealed(tiny_body(kernel=np.abs(KERNEL) * np.float32(1e38))))
    Image.fromarray(np.full((4, 4, 3), 255, np.uint8)).save(image)
    error = error_of(lambda: predict(from_file(path), image, 1))
    assert (error.code, error.status) == ("E465", 1)
    assert "in the output of the node `logits` (MatMul), its input up to 1" in error.message


def test_an_exported_file_names_the_layer(finished: Path, tmp_path: Path) -> None:
    """The nodes of a file are called as the layers are."""
    import onnx
    from onnx import numpy_helper

    from specc.backend.onnx import model_file

    (exported,) = export_run(finished, out=tmp_path / "model.onnx", device="cpu")
    model = onnx.load(str(exported.path))
    (certificate,) = [entry.value for entry in model.metadata_props if entry.key == model_file.CERTIFICATE]
    del model.metadata_props[-1]
    (kernel,) = [one for one in model.graph.initializer if one.name == "dense1.weight"]
    kernel.CopyFrom(numpy_helper.from_array(np.full_like(numpy_helper.to_array(kernel), 3e38), kernel.name))
    body = model.SerializeToString()
    values = json.loads(certificate) | {"model_sha256": model_file.sha256(body)}
    exported.path.write_bytes(model_file.seal(body, json.dumps(values)))
    Image.fromarray(np.full((16, 16, 3), 200, np.uint8)).save(tmp_path / "cat.png")
    error = error_of(lambda: predict(from_file(exported.path), tmp_path / "cat.png", 1))
    assert error.code == "E465" and "the node `dense1" in error.message
