"""How images of any size are brought to one: the words of `data.resize`, and the geometry that all who resize share."""

from typing import Literal, NamedTuple

from specc.values import Bound, Size
from specc.vocabulary.family import Resizing
from specc.vocabulary.kinds import Int, SizeOf, Symbols
from specc.vocabulary.param import Param

Fit = Literal["stretch", "cover", "contain"]
By = Literal["bilinear", "bicubic", "nearest"]

_SIZE = Param("size", SizeOf(), doc="the size that every image is brought to")
_BY = Param(
    "by",
    Symbols("bilinear", "bicubic", "nearest"),
    "bilinear",
    "interpolation: bilinear or bicubic (a = -0.5), both antialiased, or the nearest pixel",
)

STRETCH = Resizing(
    "stretch",
    "Resizes images to this size whatever their proportions. `resize = 224x224` is short for it.",
    (_SIZE, _BY),
    example="stretch(224x224)",
)

COMPONENTS = (
    STRETCH,
    Resizing(
        "cover",
        "Resizes images in their own proportions until they cover this size, and crops the center: torchvision's "
        "`Resize(256)` and `CenterCrop(256)` for a square.",
        (_SIZE, _BY),
        example="cover(256x256, by=bicubic)",
    ),
    Resizing(
        "contain",
        "Resizes images in their own proportions until they just fit into this size, and fills the rest.",
        (_SIZE, Param("fill", Int(0, 255), 0, "gray level around the image, 0 (black) to 255 (white)"), _BY),
        example="contain(224x224, fill=0)",
    ),
)


class Axis(NamedTuple):
    """One side of an image: `old` pixels are scaled to `new`, of which `kept` stay, from number `start` on.

    What is kept beyond the scaled image (start < 0, or start + kept > new) is filled.
    """

    old: int
    new: int
    start: int
    kept: int

    @property
    def is_identity(self) -> bool:
        return self.old == self.new == self.kept and self.start == 0


class Resize(NamedTuple):
    """How images are brought to `size`.

    fit: "stretch", "cover" or "contain". by: how pixels between pixels are found. fill: the level around a contained
    image. For a mask that has to stay on its image: `resize._replace(by="nearest", fill=ignore)`.
    """

    size: Size
    fit: Fit = "stretch"
    by: By = "bilinear"
    fill: int = 0

    def axes(self, old: Size) -> tuple[Axis, Axis]:
        """What happens to the height and to the width of an image of this size.

        As torchvision does it: the side that is not given is truncated, `int(size * long / short)`
        (`_compute_resized_output_size`), and half of what stands over is cut, rounded to even (`center_crop`).
        """
        scaled = self.scaled(old)
        height, width = (
            Axis(before, new, center(new, kept), kept) for before, new, kept in zip(old, scaled, self.size, strict=True)
        )
        return height, width

    def scaled(self, old: Size) -> Size:
        """The size that an image of this size is scaled to, before it is cropped or filled."""
        if self.fit == "stretch":
            return self.size
        height = self.size.width * old.height // old.width
        width = self.size.height * old.width // old.height
        if self.fit == "cover":
            return Size(max(self.size.height, height), max(self.size.width, width))
        return Size(max(1, min(self.size.height, height)), max(1, min(self.size.width, width)))


def resize_of(call: Bound) -> Resize:
    """What a checked call of the family stands for."""
    fit: dict[str, Fit] = {"stretch": "stretch", "cover": "cover", "contain": "contain"}
    return Resize(fit=fit[call.name], **call.args.as_dict())


def center(whole: int, part: int) -> int:
    """Where the center `part` pixels of `whole` begin: half the difference, rounded to even; below 0 to be filled."""
    return round((whole - part) / 2)
