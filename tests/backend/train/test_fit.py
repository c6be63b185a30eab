"""The batch that fits into memory: by estimate, by a trial step, and after memory ran out."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from specc.backend.engine.rehearsal import rehearse
from specc.backend.engine.step import Step
from specc.backend.memory import estimate, needed, out_of_memory, smaller
from specc.backend.precision import Precision
from specc.backend.train.fit import fit
from specc.check import Checked, check
from specc.errors import SpeccError
from specc.source import Source

SPEC = """
data { source = digits }
network Net { conv(4) -> relu; flatten -> dense(10) }
train { batch = 48; accumulate = 2 }
"""
CPU = torch.device("cpu")


@pytest.fixture
def checked() -> Checked:
    return check(Source("net.cnn", SPEC))


def tried(checked: Checked) -> Any:
    return fit(checked, device="cpu", data_dir=None, base=Path())


def test_the_next_smaller_batch_divides_the_whole() -> None:
    assert [smaller(48, than) for than in (48, 24, 16, 2, 1)] == [24, 16, 12, 1, 0]


def test_a_batch_that_fits_stays(checked: Checked) -> None:
    found = tried(checked)
    assert (found.batch, found.accumulate) == (48, 2) and "instead of" not in found.said


def test_the_rough_estimate_takes_what_is_free(checked: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specc.backend.memory.free_memory", lambda: int(needed(checked.trainable(), 20) / 0.9) + 1)
    assert estimate(checked.trainable(), CPU) == 16


def takes(checked: Checked, batch: int) -> int:
    """Bytes of a step with so many images, everything kept."""
    return rehearse(checked.trainable(), batch, Precision("fp32", ""), CPU).step


def test_the_batch_takes_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    checked = check(Source("net.cnn", SPEC), sets=["train.plan=plan(recompute=never)", "train.precision=fp32"])
    free = int(takes(checked, 20) / 0.9) + 1
    monkeypatch.setattr("specc.backend.memory.free_memory", lambda: free)
    found = tried(checked)
    assert (found.batch, found.accumulate) == (16, 6)
    assert "train.batch = 16 and train.accumulate = 6 instead of 48" in found.said


def test_parts_are_computed_twice_before_the_batch_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    deep = SPEC.replace("conv(4) -> relu;", "repeat(6) { conv(4) -> batch_norm -> relu };")
    checked = check(Source("net.cnn", deep), sets=["train.precision=fp32"])
    free = int(0.7 * takes(checked, 48) / 0.9)
    monkeypatch.setattr("specc.backend.memory.free_memory", lambda: free)
    found = tried(checked)
    assert (found.batch, found.accumulate) == (48, 2)
    assert "; parts of the forward pass are computed twice" in found.said


def test_a_trial_step_has_the_last_word(checked: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Step.backward

    def backward(step: Step, images: Tensor, labels: Tensor, weights: Any = None) -> Tensor:
        if len(images) > 10:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(step, images, labels, weights)

    monkeypatch.setattr(Step, "backward", backward)
    found = tried(checked)
    assert (found.batch, found.accumulate) == (8, 12)


def test_nothing_fits(checked: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specc.backend.memory.free_memory", lambda: 1000)
    with pytest.raises(SpeccError, match="not even one image fits") as caught:
        tried(checked)
    assert caught.value.code == "E448"


def test_what_was_asked_for_and_what_would_fit(checked: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specc.backend.memory.free_memory", lambda: int(needed(checked.trainable(), 13) / 0.9))
    error = RuntimeError(
        "DefaultCPUAllocator: can't allocate memory: you tried to allocate 123456 bytes. Error code 12"
    )
    found = out_of_memory(checked.trainable(), 48, CPU, error)
    assert found.code == "E448" and ": 123456 bytes requested at once, " in found.message
    assert "train.batch = 12 with train.accumulate = 8" in found.help
