"""Normalization where torch.nn has none of it, or not with a scale or a shift alone."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class _Affine(nn.Module):
    """A scale and a shift for each channel, each learned, or constant and no part of the state dict.

    Constant rather than missing: kernels, forward or backward, do not all take one without the other.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, channels: int, scale: bool, shift: bool) -> None:
        super().__init__()
        for name, value, learned in (("weight", torch.ones(channels), scale), ("bias", torch.zeros(channels), shift)):
            if learned:
                self.register_parameter(name, nn.Parameter(value))
            else:
                self.register_buffer(name, value, persistent=False)


class _BatchNorm(_Affine):
    """Batch normalization of N x C or N x C x H x W with a scale or a shift alone."""

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, num_features: int, eps: float, momentum: float, scale: bool, shift: bool) -> None:
        super().__init__(num_features, scale, shift)
        self.eps, self.momentum = eps, momentum
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.num_batches_tracked.add_(1)
        mean, var = self.running_mean, self.running_var
        return F.batch_norm(x, mean, var, self.weight, self.bias, self.training, self.momentum, self.eps)


class BatchNorm1d(_BatchNorm):
    """Batch normalization of N x C with a scale or a shift alone."""


class BatchNorm2d(_BatchNorm):
    """Batch normalization of N x C x H x W with a scale or a shift alone."""


class InstanceNorm2d(_Affine):
    """Instance normalization with a scale or a shift alone."""

    def __init__(self, num_features: int, eps: float, scale: bool, shift: bool) -> None:
        super().__init__(num_features, scale, shift)
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return F.instance_norm(x, weight=self.weight, bias=self.bias, eps=self.eps)


class GroupNorm(_Affine):
    """Group normalization with a scale or a shift alone."""

    def __init__(self, num_groups: int, num_channels: int, eps: float, scale: bool, shift: bool) -> None:
        super().__init__(num_channels, scale, shift)
        self.num_groups, self.eps = num_groups, eps

    def forward(self, x: Tensor) -> Tensor:
        return F.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)


class LayerNorm(_Affine):
    """Layer normalization of N x C with a scale or a shift alone."""

    def __init__(self, normalized_shape: int, eps: float, scale: bool, shift: bool) -> None:
        super().__init__(normalized_shape, scale, shift)
        self.normalized_shape, self.eps = (normalized_shape,), eps

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)


class ChannelNorm(_Affine):
    """Layer normalization over the channels at each position."""

    def __init__(self, num_channels: int, eps: float, scale: bool, shift: bool) -> None:
        super().__init__(num_channels, scale, shift)
        self.normalized_shape, self.eps = (num_channels,), eps

    def forward(self, x: Tensor) -> Tensor:
        x = F.layer_norm(x.permute(0, 2, 3, 1), self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


class GlobalResponseNorm(nn.Module):
    """x + weight * x * g / (mean of g over the channels) + bias, where g is the norm of a channel over its map."""

    def __init__(self, num_channels: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.zeros(num_channels))
        self.bias = nn.Parameter(torch.zeros(num_channels))

    def forward(self, x: Tensor) -> Tensor:
        size: Tensor = torch.linalg.vector_norm(x, dim=(2, 3), keepdim=True)
        response: Tensor = size / (size.mean(1, keepdim=True) + self.eps)
        return x + (self.bias.view(-1, 1, 1) + self.weight.view(-1, 1, 1) * (x * response))
