"""A file that differs from its model is caught, and the message says by how much."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
import torch

from specc.backend.data.split import Resident
from specc.backend.onnx.certify import compare_model
from specc.backend.onnx.compare import difference
from specc.backend.onnx.comparison import Comparison
from specc.backend.onnx.ending import Ending
from specc.backend.onnx.judge import judge
from specc.backend.onnx.session import CPU, CUDA, choose, loads, open_session
from specc.backend.onnx.truth import saturated, spread_of
from specc.backend.tasks.bound import bind
from specc.errors import SpeccError
from specc.tasks import CLASSIFICATION
from tests.helpers.tiny_model import CLASSES, KERNEL, logits, reference, tiny_body

MODEL: Any = SimpleNamespace(
    logits=logits,
    ending=Ending("probabilities", "softmax"),
    net=SimpleNamespace(graph=SimpleNamespace(output_shape=(3,))),
    normalize=SimpleNamespace(view=None),
)


def compared(body: bytes, images: np.ndarray) -> Comparison:
    labels = torch.from_numpy(reference(images).argmax(axis=1))
    dataset: Any = SimpleNamespace(
        validation=Resident(torch.from_numpy(images), labels), task=bind(CLASSIFICATION, CLASSES)
    )
    return compare_model(body, MODEL, dataset, None, [CPU]).comparisons[0]


def verdict(comparison: Comparison, tolerance: float, scale: float = 1.0) -> str:
    return judge(CLASSIFICATION, [comparison], tolerance, (scale,))


def test_faithful_file_is_within_tolerance_at_every_batch_size(images: np.ndarray) -> None:
    found = compared(tiny_body(), images)
    assert sorted(found.batches) == [1, 2, 7, 50]
    assert found.whole.images == 50 and found.whole.agreement == found.figures["accuracy"] == 1
    assert found.whole.largest < 1e-5
    assert verdict(found, 1e-5) == ""


def test_changed_weight_is_caught(images: np.ndarray) -> None:
    kernel = KERNEL.copy()
    kernel[7, 1] += 0.05
    text = verdict(compared(tiny_body(kernel=kernel), images), 1e-4)
    assert "CPUExecutionProvider" in text and "the tolerance 0.0001" in text


def test_swapped_channels_are_caught(images: np.ndarray) -> None:
    swapped = KERNEL.reshape(3, 16, 3)[::-1].reshape(48, 3)
    found = compared(tiny_body(kernel=np.ascontiguousarray(swapped)), images)
    assert found.whole.agreement != 1 and verdict(found, 1e-4)


def test_permuted_outputs_are_caught(images: np.ndarray) -> None:
    found = compared(tiny_body(kernel=np.ascontiguousarray(KERNEL[:, [1, 0, 2]])), images)
    assert found.figures["accuracy"] != 1 and verdict(found, 1e-4)


def test_nan_is_beyond_every_tolerance(images: np.ndarray) -> None:
    kernel = KERNEL.copy()
    kernel[0, 0] = np.nan
    assert verdict(compared(tiny_body(kernel=kernel), images), 1e9)


def test_baked_in_batch_size_is_caught(images: np.ndarray) -> None:
    with pytest.raises(SpeccError, match="does not run on a batch of 1 x 3 x 4 x 4 ") as caught:
        compared(tiny_body(batch=50), images)
    assert caught.value.code == "E457" and caught.value.status == 1


def test_wrong_number_of_classes_is_caught(images: np.ndarray) -> None:
    with pytest.raises(SpeccError, match="gives 50 x 2 numbers instead of 50 x 3"):
        compared(tiny_body(kernel=KERNEL[:, :2]), images)


def test_set_smaller_than_the_batches_is_compared_whole(images: np.ndarray) -> None:
    assert sorted(compared(tiny_body(), images[:2]).batches) == [1, 2]


def test_logits_are_measured_by_their_scale() -> None:
    ours, theirs = np.array([[100.0, -200.0]], np.float32), np.array([[100.01, -200.0]], np.float32)
    found = Comparison(CPU, difference(ours, theirs), {}, {})
    assert verdict(found, 1e-4, 200.0) == "" and verdict(found, 1e-4)


def test_spread_leaves_out_what_softmax_does() -> None:
    logits = np.array([[1e6 + 3, 1e6 - 3], [1e6, 1e6 + 2]])
    assert spread_of("softmax", logits) == 3 and spread_of("sigmoid", logits) == 1e6 + 3


def test_saturated_counts_images_whose_probabilities_are_0_and_1() -> None:
    sure, nearly = [1.0, 1e-9, 0.0], [1 - 2**-20, 2**-20, 0.0]
    found = saturated(np.array([sure, nearly, [0.5, 0.25, 0.25], sure], np.float32))
    assert found.tolist() == [True, False, False, True]


def test_provider_that_does_not_load_is_an_error() -> None:
    if loads(CUDA):
        pytest.skip("CUDA loads here")
    with pytest.raises(SpeccError) as caught:
        open_session(tiny_body(), CUDA)
    assert caught.value.code == "E454"
    assert choose([]) == [CPU] and choose(["cuda"]) == [CPU, CUDA] and choose(["cpu"]) == [CPU]


def test_provider_that_is_offered_but_does_not_load_is_an_error_and_prints_nothing(
    capfd: pytest.CaptureFixture[str],
) -> None:
    for provider in [name for name in ort.get_available_providers() if name != CPU and not loads(name)]:
        with pytest.raises(SpeccError, match="did not load") as caught:
            open_session(tiny_body(), provider)
        assert caught.value.code == "E454"
    assert capfd.readouterr() == ("", "")


def test_unknown_provider_is_an_error() -> None:
    with pytest.raises(SpeccError, match="has no NpuExecutionProvider"):
        open_session(tiny_body(), "NpuExecutionProvider")
