"""Layers that join several inputs."""

import torch
from torch import Tensor, nn


class Add(nn.Module):
    """Adds its inputs, which all have one shape."""

    def forward(self, x: Tensor, *others: Tensor) -> Tensor:
        for other in others:
            x = x + other
        return x


class Multiply(nn.Module):
    """Multiplies its inputs; N x C x 1 x 1 and N x 1 x H x W are spread over N x C x H x W."""

    def forward(self, x: Tensor, *others: Tensor) -> Tensor:
        for other in others:
            x = x * other
        return x


class Concat(nn.Module):
    """Lays the channels of its inputs one after the other."""

    def forward(self, *inputs: Tensor) -> Tensor:
        return torch.cat(inputs, dim=1)


class Maximum(nn.Module):
    """The largest of its inputs, number by number; all have one shape."""

    def forward(self, x: Tensor, *others: Tensor) -> Tensor:
        for other in others:
            x = torch.maximum(x, other)
        return x
