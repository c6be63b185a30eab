"""Images within the page: as they are where they are small, else as thumbnails."""

import base64
from io import BytesIO
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from specc.backend.report_page.html import text

Levels = NDArray[np.uint8]
TINY, LARGEST, QUALITY = 64, 176, 82  # sides in pixels; up to TINY an image keeps its pixels


class Budget:
    """How many more images a page may hold: so that it can be sent."""

    def __init__(self, images: int) -> None:
        self.left = images

    def take(self, wanted: int) -> int:
        """So many of the wanted images may be shown."""
        given = min(wanted, self.left)
        self.left -= given
        return given


class Picture(NamedTuple):
    """An image that is ready for the page."""

    address: str
    is_tiny: bool
    ratio: float

    def html(self, words: str) -> str:
        """words: what it shows, for those who cannot see it."""
        kind = ' class="tiny"' if self.is_tiny else ""
        return f'<img{kind} src="{self.address}" alt="{text(words)}">'


def picture(pixels: Levels) -> Picture:
    """The picture of an image: uint8 C x H x W; of other than 1 or 3 channels the first is shown."""
    image = pixels if len(pixels) in (1, 3) else pixels[:1]
    return of_rows(np.ascontiguousarray(image.transpose(1, 2, 0)))


def of_rows(rows: Levels) -> Picture:
    """The picture of an image: uint8 H x W x 1 or 3."""
    image = Image.fromarray(rows[:, :, 0] if rows.shape[2] == 1 else rows)
    ratio = image.width / image.height
    is_tiny = max(image.size) <= TINY
    content = BytesIO()
    if is_tiny:
        image.save(content, "PNG")
    else:
        image.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
        image.save(content, "JPEG", quality=QUALITY)
    kind = "png" if is_tiny else "jpeg"
    return Picture(f"data:image/{kind};base64,{base64.b64encode(content.getvalue()).decode()}", is_tiny, ratio)
