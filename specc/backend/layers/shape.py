"""Layers that cut and resize maps."""

import torch.nn.functional as F
from torch import Tensor, nn


class Channels(nn.Module):
    """Keeps the channels from `start` up to, not including, `stop`."""

    def __init__(self, start: int, stop: int) -> None:
        super().__init__()
        self.start, self.stop = start, stop

    def forward(self, x: Tensor) -> Tensor:
        return x[:, self.start : self.stop]


class CropTo(nn.Module):
    """Cuts the middle of x to the height and width of `other`."""

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        height, width = other.shape[2:]
        top, left = (x.shape[2] - height) // 2, (x.shape[3] - width) // 2
        return x[:, :, top : top + height, left : left + width]


class CropAt(nn.Module):
    """Cuts the height and width of `other` out of x. offset: of the top left corner."""

    def __init__(self, offset: tuple[int, int]) -> None:
        super().__init__()
        self.offset = offset

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        (top, left), (height, width) = self.offset, other.shape[2:]
        return x[:, :, top : top + height, left : left + width]


class ResizeLike(nn.Module):
    """Scales x to the height and width of `other`."""

    def __init__(self, mode: str) -> None:
        super().__init__()
        self.mode = mode

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        return F.interpolate(x, size=other.shape[2:], mode=self.mode)
