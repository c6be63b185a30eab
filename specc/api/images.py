"""Images that Python holds, as uint8 pixels, channels x height x width."""

import os
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from torch import Tensor

from specc.backend.images import BadImage, Pixels, pixels_of_image
from specc.errors import SpeccError

Image: TypeAlias = str | os.PathLike[str] | Pillow.Image | NDArray[np.uint8] | Tensor


def pixels_of(image: Any, channels: int) -> Pixels:
    """The pixels of a PIL image, an array (H x W or H x W x C) or a tensor (C x H x W), in so many channels.

    Raises SpeccError E461 for an image that the model does not take, TypeError for what is none of these.
    """
    if isinstance(image, Pillow.Image):
        try:
            return pixels_of_image(image, channels)
        except BadImage as bad:
            raise SpeccError("E461", f"the image {bad}", help="give an image of 8 bits a channel", status=1) from None
    if isinstance(image, Tensor):
        array, axes = image.detach().cpu().numpy(), "C x H x W"
    elif isinstance(image, np.ndarray):
        array, axes = (image if image.ndim != 3 else image.transpose(2, 0, 1)), "H x W or H x W x C"
        array = array[None] if array.ndim == 2 else array
    else:
        raise TypeError(f"an image is a path, a PIL image, an array or a tensor, not a {type(image).__name__}")
    if array.dtype != np.uint8:
        help = "give uint8 values of 0 to 255: for floats in [0, 1], (255 * image).round().astype('uint8')"
        raise SpeccError("E461", f"the image has values of type {array.dtype}", help=help, status=1)
    if array.ndim != 3 or array.shape[0] not in (1, 3) or not array.size:
        shape = " x ".join(map(str, image.shape)) or "no axis"
        help = f"give {axes} with 1 or 3 channels; of a batch, a list of its images"
        raise SpeccError("E461", f"the image has the shape {shape}", help=help, status=1)
    return pixels_of_image(Pillow.fromarray(array[0] if len(array) == 1 else array.transpose(1, 2, 0)), channels)
