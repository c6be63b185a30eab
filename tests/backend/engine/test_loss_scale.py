"""The loss scale of fp16 on the CPU, where torch's scaler works as on CUDA: a step that overflows changes nothing."""

from collections.abc import Iterator

import pytest
import torch

from specc.backend.engine.trainer import Trainer
from specc.backend.train.prepare import Request, prepare
from specc.check import check
from specc.source import Source

SPEC = """
data { source = digits }
network Net { conv(4) -> relu; flatten -> dense(10) }
train { epochs = 1; batch = 64 }
"""
OPTIMIZERS = ["sgd(lr=0.01, momentum=0.9)", "adam(lr=1e-3)", "rmsprop(lr=1e-3)", "muon"]


@pytest.fixture(autouse=True)
def _marked_memory() -> Iterator[None]:
    """Memory that was never written holds NaN."""
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = True  # type: ignore[attr-defined]
    yield
    torch.use_deterministic_algorithms(False)


def trainer(optimizer: str, *, is_scaled: bool) -> Trainer:
    checked = check(Source("net.cnn", SPEC), sets=[f"train.optimizer={optimizer}"])
    made = prepare(Request(checked.trainable(), "cpu")).trainer
    made.state.net.train()
    if is_scaled:
        made.state.scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    return made


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_first_step_that_overflows_changes_no_weight(optimizer: str) -> None:
    plain, scaled = trainer(optimizer, is_scaled=False), trainer(optimizer, is_scaled=True)
    begun = {name: value.clone() for name, value in scaled.state.net.state_dict().items()}
    *_, last = scaled.state.weights.values()  # a bias, which Muon leaves to another optimizer
    overflow = last.register_hook(lambda gradient: gradient * float("inf"))
    scaled.step()
    overflow.remove()
    assert all(torch.equal(value, begun[name]) for name, value in scaled.state.net.state_dict().items())
    scaled.state.step = 0  # the same batches once more
    for _ in range(3):
        plain.step()
        scaled.step()
    for name, value in plain.state.net.state_dict().items():
        torch.testing.assert_close(scaled.state.net.state_dict()[name], value)
