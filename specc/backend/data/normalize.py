"""Normalization: from pixels to what the network sees; the same in training, evaluation and the exported graph."""

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor, nn

from specc.backend.resolve import resolve
from specc.errors import SpeccError
from specc.tricks.normalize import IMAGENET
from specc.tricks.resize import center
from specc.values import Args, Bound, Size
from specc.vocabulary.family import Normalization
from specc.vocabulary.registry import component

Values = Sequence[float]
Shape = tuple[int, int, int]


class Normalize(nn.Module):
    """N x C x H x W, float32 from 0 to 1 or uint8 (which is divided by 255 first), to float32 of the same shape.

    floor None: (x - mean) / std. `mean` and `std` are float32 buffers, 1 x C x 1 x 1.
    Else, for each image: (x - m) / max(s, floor), where m and s are the mean and the deviation (of the population) over
    all channels and pixels of the image; `mean` and `std` are 0 and 1, and not used.
    view: larger images are cropped to their center of this size first.
    """

    mean: Tensor
    std: Tensor
    view: Size | None = None

    def __init__(self, mean: Values, std: Values, floor: float | None = None) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).view(1, -1, 1, 1))
        self.floor = floor

    def forward(self, x: Tensor) -> Tensor:
        if self.view is not None:
            top, left = (center(whole, part) for whole, part in zip(x.shape[2:], self.view, strict=True))
            x = x[:, :, top : top + self.view.height, left : left + self.view.width]
        if x.dtype == torch.uint8:
            x = x.float().div_(255)
        if self.floor is None:
            return (x - self.mean).div_(self.std)
        centered = x - x.mean((1, 2, 3), keepdim=True)
        deviation = centered.square().mean((1, 2, 3), keepdim=True).sqrt()
        return centered / deviation.clamp(min=self.floor)


def normalizer(call: Bound, shape: Shape, mean: Values, std: Values, view: Size | None = None) -> Normalize:
    """What a checked `normalize` stands for.

    shape: C, H, W of what the network sees. mean, std: of each channel of the training images, in units of the image
    from 0 to 1. view: what is seen of larger images, their center.

    Raises SpeccError E313 where `fixed` has values for another number of channels.
    """
    module: Normalize = resolve(component(Normalization, call).target)(call.args, shape, mean, std)
    module.view = view
    return module


def unit(a: Args, shape: Shape, mean: Values, std: Values) -> Normalize:
    """Pixels from 0 to 1."""
    return Normalize([0.0] * shape[0], [1.0] * shape[0])


def none(a: Args, shape: Shape, mean: Values, std: Values) -> Normalize:
    """Pixels from 0 to 255, as the files hold them."""
    return Normalize([0.0] * shape[0], [1 / 255] * shape[0])


def standard(a: Args, shape: Shape, mean: Values, std: Values) -> Normalize:
    """Mean 0 and deviation 1: of the training set in each channel, or of each image.

    A channel that never varies is only centered. The floor of an image's deviation, 1 / sqrt(C * H * W) of a level, is
    that of TensorFlow's per_image_standardization, whose pixels run to 255: no more than one pixel that differs by one
    level gives.
    """
    if a.per == "image":
        return Normalize([0.0] * shape[0], [1.0] * shape[0], floor=prod(shape) ** -0.5 / 255)
    return Normalize(mean, [value or 1.0 for value in std])


def fixed(a: Args, shape: Shape, mean: Values, std: Values) -> Normalize:
    """Given means and deviations: one for each channel, or one for all."""
    return _given(a.mean, a.std, shape[0])


def imagenet(a: Args, shape: Shape, mean: Values, std: Values) -> Normalize:
    """The means and deviations of ImageNet's three channels."""
    return _given(*IMAGENET, shape[0])


def _given(mean: Values, std: Values, channels: int) -> Normalize:
    if len(mean) not in (1, channels):
        message = f"`normalize` has {len(mean)} means and deviations, but the images have {channels} channels"
        raise SpeccError("E313", message, help=f"give {channels} of each, or one for all channels", status=1)
    repeat = channels if len(mean) == 1 else 1
    return Normalize(list(mean) * repeat, list(std) * repeat)
