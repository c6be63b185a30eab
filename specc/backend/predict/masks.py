"""Predicted masks as image files: the class of each pixel, and the image with the classes' colors over it."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from specc.backend.predict import UNSEEN, Prediction
from specc.errors import SpeccError
from specc.files import write_together

OPACITY = 0.5  # of the colors in an overlay


class MaskFiles(NamedTuple):
    """The files of one image."""

    mask: Path
    overlay: Path


def palette() -> NDArray[np.uint8]:
    """The colors of 256 classes, 256 x 3: the PASCAL VOC color map, in which class 0 is black and 255 a light gray.

    The bits of a class's number, from the lowest, go in turns to red, green and blue, each from its highest bit down.
    """
    classes = np.arange(256)
    colors = np.zeros((256, 3), np.uint8)
    for step in range(8):
        for channel in range(3):
            colors[:, channel] |= ((classes >> (3 * step + channel) & 1) << (7 - step)).astype(np.uint8)
    return colors


def files_of(folder: Path, places: Mapping[Path, Path]) -> dict[Path, MaskFiles]:
    """Where the masks of images go: NAME.png and NAME-overlay.png. places: as `Inputs` has them.

    Raises SpeccError E475 where two files would have the same name, or a mask would lie where an image does.
    """
    files: dict[Path, MaskFiles] = {}
    owners: dict[Path, Path] = {}
    sources = {image.resolve() for image in places}
    for image, place in places.items():
        names = (place.with_name(f"{place.name}{ending}.png") for ending in ("", "-overlay"))
        files[image] = MaskFiles(*(folder / name for name in names))
        for path in files[image]:
            if path in owners:
                message = f"{owners[path]} and {image} would both be written to {path}"
                raise SpeccError("E475", message, help="predict one of them with another --out")
            if path.resolve() in sources:
                raise SpeccError("E475", f"{path} is one of the images", help="choose another folder with --out")
            owners[path] = image
    return files


def write_masks(prediction: Prediction, files: MaskFiles) -> None:
    """Write a mask with its palette, and the image with the colors of all classes but the first over it.

    Both have the image's own size. Raises SpeccError E481 where they cannot be written.
    """
    assert prediction.mask is not None and prediction.pixels is not None
    mask = Image.fromarray(prediction.mask)
    mask.putpalette(palette().tobytes())
    overlay = Image.fromarray(overlaid(prediction.pixels, prediction.mask))
    try:
        files.mask.parent.mkdir(parents=True, exist_ok=True)
        write_together({files.mask: _png(mask), files.overlay: _png(overlay)})
    except OSError as error:
        message = f"{files.mask} cannot be written: {error.strerror or error}"
        raise SpeccError("E481", message, help="choose another folder with --out") from None


def overlaid(
    pixels: NDArray[np.uint8], mask: NDArray[np.uint8], colors: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8]:
    """An image, 1 or 3 x H x W, with the colors of a mask, H x W, over it: H x W x 3. Class 0 is left clear, and
    what the network did not see. colors: of 256 classes, 256 x 3; the `palette` where it is None."""
    image = np.broadcast_to(pixels, (3, *mask.shape)).transpose(1, 2, 0).astype(np.float64)
    mixed = np.rint(image * (1 - OPACITY) + (palette() if colors is None else colors)[mask] * OPACITY)
    return np.where(((mask > 0) & (mask != UNSEEN))[:, :, None], mixed, image).astype(np.uint8)


def _png(image: Image.Image) -> bytes:
    content = BytesIO()
    image.save(content, "PNG")
    return content.getvalue()
