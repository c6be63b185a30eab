"""Which number format a training takes, and where it runs."""

import pytest
import torch

from specc.backend import device, precision
from specc.backend.device import SMALL_BATCH
from specc.backend.precision import choose
from specc.errors import SpeccError

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("asked", "native", "macs", "chosen"),
    [
        ("auto", True, SMALL_BATCH, "bf16"),
        ("auto", True, SMALL_BATCH - 1, "fp32"),
        ("auto", False, 10 * SMALL_BATCH, "fp32"),
        ("bf16", False, 0, "bf16"),
        ("fp32", True, 10 * SMALL_BATCH, "fp32"),
    ],
)
def test_choice(monkeypatch: pytest.MonkeyPatch, asked: str, native: bool, macs: int, chosen: str) -> None:
    monkeypatch.setattr(precision, "native_bf16", lambda device: native)
    found = choose(asked, CPU, macs)
    assert found.name == chosen and found.reason
    with found.autocast(CPU):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == found.dtype
    assert found.scaler(CPU) is None


def test_fp16_needs_cuda() -> None:
    with pytest.raises(SpeccError, match="needs a CUDA device") as error:
        choose("fp16", CPU, 0)
    assert error.value.code == "E431"


def test_devices() -> None:
    assert device.find("cpu") == CPU
    assert device.find("auto").type in ("cpu", "cuda")
    assert device.devices()[-1] == "cpu"
    assert "thread" in device.describe(CPU)


def test_cuda_comes_first_and_is_numbered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert device.devices()[:2] == ["cuda:0", "cuda:1"]
    assert device.find("auto") == device.find("cuda") == torch.device("cuda:0")
    assert device.find("cuda:1") == torch.device("cuda:1")
    with pytest.raises(SpeccError, match="device `cuda:2` is not available") as error:
        device.find("cuda:2")
    assert "cuda:0, cuda:1" in error.value.help
