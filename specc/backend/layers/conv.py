"""Convolutions and fully connected layers."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from specc.backend.layers.padding import SameUpper


class PaddedConv2d(nn.Conv2d):
    """A convolution with zeros added to the four sides by different amounts. pads: left, right, top, bottom."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: tuple[int, int],
        pads: tuple[int, int, int, int],
        stride: tuple[int, int] = (1, 1),
        dilation: tuple[int, int] = (1, 1),
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, 0, dilation, groups, bias)
        self.pads = pads

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, self.pads))


class SameUpperConv2d(SameUpper, nn.Conv2d):
    """A convolution that pads as TensorFlow does."""

    def forward(self, x: Tensor) -> Tensor:
        window = tuple(d * (k - 1) + 1 for k, d in zip(self.kernel_size, self.dilation, strict=True))
        return super().forward(self.padded(x, window, self.stride))


class StandardizedConv2d(nn.Conv2d):
    """A convolution with standardized kernels: each filter minus its mean, over its deviation.

    gain: then times a learned number for each filter, and gamma / sqrt(numbers of a filter).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: tuple[int, int],
        stride: tuple[int, int] = (1, 1),
        padding: tuple[int, int] = (0, 0),
        dilation: tuple[int, int] = (1, 1),
        groups: int = 1,
        bias: bool = True,
        eps: float = 1e-6,
        gain: bool = False,
        gamma: float = 1.0,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias)
        self.eps, self.factor = eps, gamma * self.weight[0].numel() ** -0.5
        self.register_parameter("gain", nn.Parameter(torch.ones(out_channels, 1, 1, 1)) if gain else None)

    def kernel(self) -> Tensor:
        scale = None if self.gain is None else (self.gain * self.factor).flatten()
        filters = self.weight.reshape(1, self.out_channels, -1)
        normed = F.batch_norm(filters, None, None, scale, training=True, momentum=0.0, eps=self.eps)
        return normed.reshape_as(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.kernel(), self.bias, self.stride, self.padding, self.dilation, self.groups)


class PaddedStandardizedConv2d(StandardizedConv2d):
    """One with zeros added to the four sides by different amounts. pads: left, right, top, bottom."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: tuple[int, int],
        pads: tuple[int, int, int, int],
        stride: tuple[int, int] = (1, 1),
        dilation: tuple[int, int] = (1, 1),
        groups: int = 1,
        bias: bool = True,
        eps: float = 1e-6,
        gain: bool = False,
        gamma: float = 1.0,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, (0, 0), dilation, groups, bias, eps, gain, gamma
        )
        self.pads = pads

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, self.pads))


class SameUpperStandardizedConv2d(SameUpper, StandardizedConv2d):
    """One that pads as TensorFlow does."""

    def forward(self, x: Tensor) -> Tensor:
        window = tuple(d * (k - 1) + 1 for k, d in zip(self.kernel_size, self.dilation, strict=True))
        return super().forward(self.padded(x, window, self.stride))


class ChannelConv(nn.Conv1d):
    """A convolution along the channels of N x C x 1 x 1."""

    def __init__(self, kernel_size: int) -> None:
        super().__init__(1, 1, kernel_size, padding=kernel_size // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(1).unsqueeze(1)).reshape(x.shape)


class FlatLinear(nn.Linear):
    """A fully connected layer that flattens N x C x 1 x 1 first."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(1))
