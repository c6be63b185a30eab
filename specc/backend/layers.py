"""Small modules for what torch.nn has none of. Each stands by itself, so that it can be printed as source.

Inputs are N x C x H x W unless said otherwise, in any memory format.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


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


class FlatLinear(nn.Linear):
    """A fully connected layer that flattens N x C x 1 x 1 first."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(1))


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


class Add(nn.Module):
    """Adds its inputs, which all have one shape."""

    def forward(self, x: Tensor, *others: Tensor) -> Tensor:
        for other in others:
            x = x + other
        return x


class Multiply(nn.Module):
    """Multiplies its inputs; N x C x 1 x 1 is spread over height and width."""

    def forward(self, x: Tensor, *others: Tensor) -> Tensor:
        for other in others:
            x = x * other
        return x


class Concat(nn.Module):
    """Lays the channels of its inputs one after the other."""

    def forward(self, *inputs: Tensor) -> Tensor:
        return torch.cat(inputs, dim=1)


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
