"""Multiplication by constants and by learned numbers."""

import torch
from torch import Tensor, nn


class Scale(nn.Module):
    """Multiplies by a constant."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, x: Tensor) -> Tensor:
        return x * self.value


class LayerScale(nn.Module):
    """Multiplies each channel by a learned number. shape: C x 1 x 1 for maps, C for flat inputs."""

    def __init__(self, shape: tuple[int, ...], init: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full(shape, init))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight


class LearnedScale(nn.Module):
    """Multiplies everything by one learned number."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(value))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight
