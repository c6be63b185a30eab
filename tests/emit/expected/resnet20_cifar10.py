"""ResNet20, written by `specc emit` from resnet20_cifar10.cnn.

272,474 parameters.
40,813,184 multiply-accumulates for an image of 3 x 32 x 32.
Its state dict has the same keys as the network that `specc train` trains. Shapes omit the batch dimension.
Fresh weights are PyTorch's; `specc show --init` prints how `specc train` starts them.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def preprocess(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """The network input, N x 3 x 32 x 32, from uint8 images, N x 3 x 32 x 32.

    mean, std: per channel of the training images, scaled to 0 to 1; a run records its own in `run.json`.
    """
    x = images.float()
    shift = torch.tensor(mean, device=x.device).view(1, -1, 1, 1)
    scale = torch.tensor(std, device=x.device).view(1, -1, 1, 1)
    return (x / 255 - shift) / scale


class Unit(nn.Module):
    """Block `unit`, 10 times; the first is 3 x 32 x 32 -> 16 x 32 x 32."""

    def __init__(self, in_channels: int, c: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, c, kernel_size=3, stride=stride, padding=1, bias=False)
        self.batch_norm1 = nn.BatchNorm2d(c)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.batch_norm1(self.conv1(x)))


class Shortcut(nn.Module):
    """Block `shortcut`, 2 times; the first is 16 x 32 x 32 -> 32 x 16 x 16."""

    def __init__(self, in_channels: int, c: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, c, kernel_size=1, stride=2, bias=False)
        self.batch_norm1 = nn.BatchNorm2d(c)

    def forward(self, x: Tensor) -> Tensor:
        return self.batch_norm1(self.conv1(x))


class Basic(nn.Module):
    """Block `basic`, 9 times; the first is 16 x 32 x 32 -> 16 x 32 x 32."""

    def __init__(self, in_channels: int, c: int, stride: int = 1) -> None:
        super().__init__()
        self.projects = in_channels != c
        self.unit1 = Unit(in_channels, c, stride=stride)
        self.conv1 = nn.Conv2d(c, c, kernel_size=3, padding=1, bias=False)
        self.batch_norm1 = nn.BatchNorm2d(c)
        if self.projects:
            self.shortcut1 = Shortcut(in_channels, c)

    def forward(self, x: Tensor) -> Tensor:
        y = self.unit1(x)
        y = self.batch_norm1(self.conv1(y))
        if self.projects:
            x = self.shortcut1(x)
        return F.relu(y + x)


class ResNet20(nn.Module):
    """3 x 32 x 32 -> 10, logits."""

    def __init__(self) -> None:
        super().__init__()
        self.unit1 = Unit(3, 16)
        self.basic1 = Basic(16, 16)
        self.basic2 = Basic(16, 16)
        self.basic3 = Basic(16, 16)
        self.basic4 = Basic(16, 32, stride=2)
        self.basic5 = Basic(32, 32)
        self.basic6 = Basic(32, 32)
        self.basic7 = Basic(32, 64, stride=2)
        self.basic8 = Basic(64, 64)
        self.basic9 = Basic(64, 64)
        self.dense1 = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.unit1(x)  # 16 x 32 x 32
        x = self.basic1(x)
        x = self.basic2(x)
        x = self.basic3(x)
        x = self.basic4(x)  # 32 x 16 x 16
        x = self.basic5(x)
        x = self.basic6(x)
        x = self.basic7(x)  # 64 x 8 x 8
        x = self.basic8(x)
        x = self.basic9(x)
        x = F.adaptive_avg_pool2d(x, 1)  # 64 x 1 x 1
        return self.dense1(x.flatten(1))  # 10
