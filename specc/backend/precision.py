"""The number format of convolutions and dense layers in training. Weights, norms and losses stay in fp32."""

from typing import NamedTuple

import torch

from specc.backend.device import SMALL_BATCH, native_bf16
from specc.errors import SpeccError


class Precision(NamedTuple):
    """The chosen format and, in words, why."""

    name: str
    reason: str

    @property
    def dtype(self) -> torch.dtype:
        return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[self.name]

    def autocast(self, device: torch.device) -> torch.autocast:
        """The context in which a forward pass runs."""
        return torch.autocast(device.type, self.dtype, enabled=self.name != "fp32")

    def scaler(self, device: torch.device) -> torch.amp.GradScaler | None:
        """fp16 loses small gradients unless the loss is scaled up (Micikevicius et al., 2017)."""
        return torch.amp.GradScaler(device.type) if self.name == "fp16" else None


def choose(asked: str, device: torch.device, macs: int) -> Precision:
    """The precision of a training with `macs` multiply-accumulates in a batch's forward pass.

    For small ones, converting to bfloat16 costs a CPU what it saves.

    Raises SpeccError E431 where the device cannot train in the one that is asked for.
    """
    if asked == "fp16" and device.type != "cuda":
        raise SpeccError(
            "E431",
            f"precision fp16 needs a CUDA device, but this training runs on `{device}`",
            help="write precision = bf16 or precision = auto",
        )
    if asked != "auto":
        return Precision(asked, "set in the spec")
    if not native_bf16(device):
        return Precision("fp32", f"{device.type} has no native bfloat16")
    if device.type == "cpu" and macs < SMALL_BATCH:
        return Precision("fp32", "the network is small")
    return Precision("bf16", f"{device.type} has native bfloat16")
