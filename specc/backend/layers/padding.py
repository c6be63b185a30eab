"""Padding that depends on the size of the map."""

import torch.nn.functional as F
from torch import Tensor


class SameUpper:
    """Pads as TensorFlow does: as little as ceil(size / stride) windows need, an odd pixel at the end."""

    def padded(self, x: Tensor, window: tuple[int, ...], stride: tuple[int, ...], value: float = 0.0) -> Tensor:
        pads: list[int] = []
        for length, size, step in ((x.shape[3], window[1], stride[1]), (x.shape[2], window[0], stride[0])):
            total = max((-(length // -step) - 1) * step + size - length, 0)
            pads += [total // 2, total - total // 2]
        return F.pad(x, pads, value=value) if any(pads) else x
