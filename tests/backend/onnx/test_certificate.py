"""What a certificate says: each figure over all that was compared, and each entry of it."""

from typing import Any

import pytest

from specc.backend.evaluation.figures import Estimate
from specc.backend.evaluation.intervals import Interval, wilson
from specc.backend.onnx.certificate import Certificate, as_json
from specc.backend.onnx.comparison import Comparison, Figures, Half
from specc.tasks import CLASSIFICATION, REGRESSION

ACCURACY = CLASSIFICATION.figure("accuracy")
FINE = Figures(images=8, largest=0.25, mean=0.125, agreement=1.0)
WORSE = Figures(images=2, largest=0.5, mean=0.25, agreement=0.5)
WORST = Figures(images=7, largest=0.75, mean=0.25, agreement=0.875)
LOGITS = Figures(images=8, largest=3.0, mean=1.0, agreement=1.0)


def compared(
    provider: str, whole: Figures, batches: dict[int, Figures] | None = None, correct: int = 5, **changed: Any
) -> Comparison:
    return Comparison(provider, whole, batches or {}, {"accuracy": correct / 8}, **changed)


def certificate(*comparisons: Comparison, **changed: Any) -> Certificate:
    values: dict[str, Any] = {
        "network": "Net", "task": CLASSIFICATION, "outputs": ("cat", "dog"), "output": "probabilities",
        "precision": "fp32", "opset": 20, "tolerance": 1e-4, "max_loss": 0.01, "max_batch": 64, "scales": (1.0,),
        "logits_scale": 4.0, "saturated": 0.125, "images": 8, "figures": {"accuracy": 0.75}, "figure": ACCURACY,
        "estimate": Estimate(0.75, Interval(0.5, 0.875)), "validated_on": "the test part", "epochs": 3,
        "optimistic": "it chose the epoch", "test": {"images": 4}, "start": None, "frozen": 0,
        "half": None, "device": "cpu",
        "comparisons": comparisons or (compared("CPU", FINE),), "model_sha256": "1", "weights_file": None,
        "spec_sha256": "2", "data_sha256": "3", "weights_sha256": "4", "versions": {"specc": "0"},
    }  # fmt: skip
    return Certificate(**(values | changed))


def interval(correct: int) -> list[float]:
    return list(wilson(correct, 8) or ())


def test_the_worst_of_all_that_was_compared() -> None:
    cpu = compared("CPU", FINE, {2: WORSE})
    assert certificate(cpu).largest == 0.5
    assert certificate(cpu, compared("CUDA", FINE, {7: WORST}, 7)).largest == 0.75
    assert certificate(compared("CPU", FINE, sizes={"9x9": WORST})).largest == 0.75
    found = certificate(cpu, compared("CUDA", FINE._replace(agreement=0.75), {2: WORSE}, 4))
    assert found.agreement == 0.75, "over the whole set"
    assert found.lost == found.as_dict()["accuracy_lost"] == 0.25 and certificate(cpu).lost == 0.125
    assert certificate(compared("CPU", FINE, correct=7)).lost == -0.125


def test_logits_in_parts_of_their_scale() -> None:
    assert certificate().largest_of_logits is None
    cpu = compared("CPU", FINE, logits=LOGITS)
    cuda = compared("CUDA", FINE, logits=LOGITS._replace(largest=1.0))
    assert certificate(cpu).largest_of_logits == certificate(cpu, cuda).largest_of_logits == 0.75
    assert certificate(cpu, logits_scale=None).largest_of_logits is None


def test_every_entry() -> None:
    cpu = compared("CPU", FINE, {2: WORSE, 8: FINE}, logits=LOGITS)
    found = certificate(cpu).as_dict()
    figures = {"images": 8, "largest_difference": 0.25, "mean_difference": 0.125, "agreement": 1.0}
    assert found["providers"] == {
        "CPU": figures | {
            "accuracy": 0.625, "accuracy_interval": interval(5), "correct": 5, "figures": {"accuracy": 0.625},
            "batches": {
                "2": {"images": 2, "largest_difference": 0.5, "mean_difference": 0.25, "agreement": 0.5}, "8": figures
            },
            "logits": figures | {"largest_difference": 3.0, "mean_difference": 1.0},
        }
    }  # fmt: skip
    assert found | {"providers": {}} == {
        "format": found["format"], "network": "Net", "task": "classification", "output": "probabilities",
        "precision": "fp32", "opset": 20, "tolerance": 1e-4, "max_loss": None, "max_batch": 64, "scale": 1.0,
        "logits_scale": 4.0, "saturated": 0.125, "evaluation_mode": True, "validation_images": 8,
        "validated_on": "the test part", "best_of_epochs": 3, "optimistic": "it chose the epoch",
        "start": None, "frozen": 0,
        "test": {"images": 4}, "half_precision": None, "pytorch_on": "cpu", "accuracy_lost": 0.125, "accuracy": 0.75,
        "accuracy_interval": interval(6), "correct": 6, "figure": "accuracy", "figure_interval": [0.5, 0.875],
        "figures": {"accuracy": 0.75}, "lost": 0.125, "providers": {}, "model_sha256": "1", "weights_file": None,
        "spec_sha256": "2", "data_sha256": "3", "weights_sha256": "4", "versions": {"specc": "0"},
    }  # fmt: skip


def test_of_numbers_each_has_its_scale_and_its_difference() -> None:
    whole = Figures(images=8, largest=0.5, mean=0.25, agreement=None, by_number=(0.5, 0.125))
    mae = REGRESSION.figure("mae")
    one = Comparison("CPU", whole, {}, {"mae": 2.5})
    found = certificate(
        one, task=REGRESSION, figure=mae, figures={"mae": 2.0}, scales=(2.0, 0.25), logits_scale=None, tolerance=0.5
    )
    assert found.allowed == (1.0, 0.125) and found.agreement is None
    assert found.lost == 0.25, "an error may rise by a part of itself"
    entries = found.as_dict()
    assert entries["scale"] == [2.0, 0.25] and entries["providers"]["CPU"]["largest_differences"] == [0.5, 0.125]
    assert not {"accuracy", "accuracy_lost", "correct"} & entries.keys()


def test_the_bound_is_that_of_the_precision() -> None:
    half = Half(CLASSIFICATION, ACCURACY, 8, {"accuracy": 0.625}, 0.875, "conv1", 1000.0, ("relu1",))
    found = certificate(precision="fp16", half=half).as_dict()
    assert (found["tolerance"], found["max_loss"]) == (None, 0.01)
    assert found["half_precision"] == {
        "validation_images": 8, "correct": 5, "accuracy": 0.625, "accuracy_interval": interval(5),
        "figures": {"accuracy": 0.625}, "agreement": 0.875, "largest_value": 1000.0, "largest_value_of": "conv1",
        "below_smallest_normal": ["relu1"],
    }  # fmt: skip
    assert "62.50%" in str(half) and "87.50%" in str(half) and "`conv1`" in str(half) and "`relu1`" in str(half)
    assert "6.1e-05" not in str(half._replace(below=()))


def test_what_is_no_number_is_not_written() -> None:
    with pytest.raises(ValueError, match="JSON"):
        as_json({"accuracy": float("nan")})
    assert as_json({"a": 1}) == '{\n  "a": 1\n}\n'
