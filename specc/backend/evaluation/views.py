"""The views in which an image is looked at when it is evaluated."""

from typing import NamedTuple

from torch import Tensor
from torch.nn.functional import pad

from specc.values import Args


class View(NamedTuple):
    """Images, N x C x H x W, and the weight of their outputs; the weights of all views sum to 1."""

    images: Tensor
    weight: float
    is_mirrored: bool = False


def views(images: Tensor, a: Args | None) -> list[View]:
    """The images themselves, and then their other views, for the arguments of `tta`."""
    if a is None:
        return [View(images, 1.0)]
    found = [View(images, 1.0)]
    if a.shift:
        found = [View(images, 1 - a.weight), *(View(moved, a.weight / 2) for moved in _shifted(images, a.shift))]
    if a.mirror:
        halves = [View(view.images, view.weight / 2) for view in found]
        found = halves + [View(view.images.flip(3), view.weight, is_mirrored=True) for view in halves]
    return found


def _shifted(images: Tensor, pixels: int) -> tuple[Tensor, Tensor]:
    """Images moved down and right, and up and left; what comes in is reflected."""
    height, width = images.shape[2:]
    padded = pad(images, (pixels,) * 4, mode="reflect")
    return padded[:, :, :height, :width], padded[:, :, 2 * pixels :, 2 * pixels :]
