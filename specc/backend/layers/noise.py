"""Random disturbances in training."""

import torch
from torch import Tensor, nn


class DropPath(nn.Module):
    """In training, sets a whole image to zero with probability p and scales the others by 1 / (1 - p)."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        keep = torch.rand(x.shape[0], *[1] * (x.dim() - 1), device=x.device) >= self.p
        return x * (keep.to(x.dtype) / (1 - self.p))


class GaussianNoise(nn.Module):
    """In training, adds normal noise of mean 0 and deviation `std`."""

    def __init__(self, std: float) -> None:
        super().__init__()
        self.std = std

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.std == 0:
            return x
        # Not `randn_like`, which is slow where x is channels-last.
        return x + self.std * torch.randn(x.shape, dtype=x.dtype, device=x.device)
