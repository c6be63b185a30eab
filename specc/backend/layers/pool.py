"""Pooling."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from specc.backend.layers.padding import SameUpper


class BlurPool(nn.Module):
    """Blurs each channel with a binomial filter, mirrored at the borders, and keeps every second pixel."""

    kernel: Tensor

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        row = torch.ones(1, dtype=torch.float64)
        for _ in range(size - 1):
            row = (F.pad(row, (1, 0)) + F.pad(row, (0, 1))) / 2
        kernel = torch.outer(row, row).float().expand(channels, 1, size, size).contiguous()
        self.register_buffer("kernel", kernel, persistent=False)
        self.channels, self.pads = channels, ((size - 1) // 2, size // 2) * 2

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(F.pad(x, self.pads, mode="reflect"), self.kernel, stride=2, groups=self.channels)


class SameUpperMaxPool2d(SameUpper, nn.MaxPool2d):
    """Max pooling that pads as TensorFlow does. What is added is never the largest."""

    def __init__(self, kernel_size: tuple[int, int], stride: tuple[int, int]) -> None:
        super().__init__(kernel_size, stride)
        self.window, self.steps = kernel_size, stride

    def forward(self, x: Tensor) -> Tensor:
        largest: Tensor = super().forward(self.padded(x, self.window, self.steps, float("-inf")))
        return largest


class SameUpperAvgPool2d(SameUpper, nn.AvgPool2d):
    """Average pooling that pads as TensorFlow does. count_include_pad: whether what is added counts as zeros."""

    def __init__(self, kernel_size: tuple[int, int], stride: tuple[int, int], count_include_pad: bool = True) -> None:
        super().__init__(kernel_size, stride)
        self.window, self.steps, self.counts = kernel_size, stride, count_include_pad

    def forward(self, x: Tensor) -> Tensor:
        averages = super().forward(self.padded(x, self.window, self.steps))
        if not self.counts:
            averages /= super().forward(self.padded(torch.ones_like(x[:1, :1]), self.window, self.steps))
        return averages


class ChannelMean(nn.Module):
    """The mean over the channels at each position: N x 1 x H x W."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(1, keepdim=True)


class ChannelMax(nn.Module):
    """The largest number of the channels at each position: N x 1 x H x W."""

    def forward(self, x: Tensor) -> Tensor:
        return x.amax(1, keepdim=True)
