"""Digits, written by `specc emit` from digits.cnn.

151,402 parameters.
1,330,432 multiply-accumulates for an image of 1 x 8 x 8.
Its state dict has the same keys as the network that `specc train` trains. Shapes omit the batch dimension.
Fresh weights are PyTorch's; `specc show --init` prints how `specc train` starts them.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def preprocess(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """The network input, N x 1 x 8 x 8, from uint8 images, N x 1 x 8 x 8.

    mean, std: per channel of the training images, scaled to 0 to 1; a run records its own in `run.json`.
    """
    x = images.float()
    shift = torch.tensor(mean, device=x.device).view(1, -1, 1, 1)
    scale = torch.tensor(std, device=x.device).view(1, -1, 1, 1)
    return (x / 255 - shift) / scale


class Digits(nn.Module):
    """1 x 8 x 8 -> 10, logits."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, kernel_size=3, padding=1, bias=False)
        self.batch_norm1 = nn.BatchNorm2d(32)
        self.conv2 = nn.Conv2d(32, 64, kernel_size=3, padding=1, bias=False)
        self.batch_norm2 = nn.BatchNorm2d(64)
        self.dense1 = nn.Linear(1024, 128)
        self.dropout1 = nn.Dropout(0.5)
        self.dense2 = nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.batch_norm1(self.conv1(x)))  # 32 x 8 x 8
        x = F.relu(self.batch_norm2(self.conv2(x)))  # 64 x 8 x 8
        x = F.max_pool2d(x, 2).flatten(1)  # 1024
        x = self.dropout1(F.relu(self.dense1(x)))  # 128
        return self.dense2(x)  # 10
