"""Augmentations: random changes to training images, each drawn anew for every image in every epoch.

They stand between the pixels as floats from 0 to 1 and `normalize`, and run in the order in which they are written.
"""

from collections.abc import Sequence

from specc.tricks.effect import (
    crop_size,
    crop_visible,
    cutout_visible,
    noise_visible,
    ordered,
    shift_size,
    shift_visible,
)
from specc.values import Bound, Size
from specc.vocabulary.family import Augmentation
from specc.vocabulary.kinds import POSITIVE, PROBABILITY, Float, Int, ListOf, Maybe, SizeOf, Symbols
from specc.vocabulary.param import Param
from specc.vocabulary.problem import Problem
from specc.vocabulary.registry import component

_FILL = Param(
    "fill", Symbols("zero", "reflect"), "zero", "what to fill in beyond the border: black, or the image mirrored"
)
_RATIO = "range of width / height, drawn on a logarithmic scale"

GEOMETRY = (
    Augmentation(
        "flip",
        "Flips each image with probability 1/2. `alternating` draws once, and then flips in every other epoch, so "
        "that two epochs show both versions of every image (Jordan, 2024).",
        (
            Param(
                "direction",
                Symbols("horizontal", "vertical", "alternating"),
                "horizontal",
                "horizontally (left to right) or vertically (top to bottom)",
            ),
        ),
        target="specc.backend.augment.geometry.flip",
        masks="specc.backend.augment.geometry.flip",
        example="flip(horizontal)",
        turns=lambda a: True,
        moves=True,
    ),
    Augmentation(
        "crop",
        "Crops a window of this size at a random position, after padding the image on all four sides.",
        (
            Param("size", SizeOf(), doc="size of the window"),
            Param("pad", Int(0, 4096), 0, "pixels of padding on each side"),
            _FILL,
        ),
        target="specc.backend.augment.geometry.crop",
        masks="specc.backend.augment.geometry.crop",
        example="crop(16, pad=2)",
        size=crop_size,
        visible=crop_visible,
        moves=True,
    ),
    Augmentation(
        "crop_and_resize",
        "Crops a window of random area and aspect ratio, and resizes it (bilinear) to the size of the image, or to "
        "`size` (antialiased; Szegedy et al., 2015).",
        (
            Param(
                "scale",
                ListOf(Float(above=0, high=1), 2),
                (0.8, 1.0),
                "range of the window's area, as a fraction of the image's",
            ),
            Param("ratio", ListOf(POSITIVE, 2), (3 / 4, 4 / 3), _RATIO),
            Param("size", Maybe(SizeOf()), None, "size of the result, such as the `view`; `none`: that of the image"),
        ),
        target="specc.backend.augment.geometry.crop_and_resize",
        masks="specc.backend.augment.geometry.crop_and_resize_masks",
        example="crop_and_resize(scale=(0.7, 1))",
        check=ordered("scale", "ratio"),
        size=lambda a, size: a.size or size,
    ),
    Augmentation(
        "shift",
        "Shifts each image by up to this many pixels along both axes.",
        (Param("pixels", Int(1, 4096), doc="the largest shift"), _FILL),
        target="specc.backend.augment.geometry.shift",
        masks="specc.backend.augment.geometry.shift",
        example="shift(1)",
        size=shift_size,
        visible=shift_visible,
        moves=True,
    ),
    Augmentation(
        "rotate",
        "Rotates each image by an angle between -degrees and degrees (bilinear); empty corners are filled with black.",
        (Param("degrees", Float(above=0, high=180), doc="the largest angle"),),
        target="specc.backend.augment.geometry.rotate",
        masks="specc.backend.augment.geometry.rotate_masks",
        example="rotate(15)",
        turns=lambda a: a.degrees >= 90,
    ),
)

PIXELS = (
    Augmentation(
        "noise",
        "Adds Gaussian noise to every pixel of an image, whose pixels range from 0 to 1.",
        (
            Param("std", POSITIVE, doc="standard deviation of the noise"),
            Param("p", PROBABILITY, 1.0, "fraction of images that get noise"),
        ),
        target="specc.backend.augment.pixels.noise",
        example="noise(0.01, p=0.5)",
        visible=noise_visible,
    ),
    Augmentation(
        "cutout",
        "Blacks out a square around a random pixel; it may extend beyond the border (DeVries and Taylor, 2017).",
        (Param("size", SizeOf(), doc="side of the square"),),
        target="specc.backend.augment.pixels.cutout",
        example="cutout(8)",
        visible=cutout_visible,
        moves=True,
    ),
    Augmentation(
        "erase",
        "Fills a rectangle inside the image with random pixels (random erasing; Zhong et al., 2017).",
        (
            Param("p", PROBABILITY, 0.5, "fraction of images that lose a rectangle"),
            Param(
                "scale",
                ListOf(Float(above=0, high=1), 2),
                (0.02, 0.4),
                "range of its area, as a fraction of the image's",
            ),
            Param("ratio", ListOf(POSITIVE, 2), (0.3, 1 / 0.3), _RATIO),
        ),
        target="specc.backend.augment.pixels.erase",
        example="erase(0.5)",
        check=ordered("scale", "ratio"),
        visible=lambda a, size: 1 - a.scale[1],
    ),
)


def _amount(high: float, what: str) -> tuple[Param, ...]:
    return (Param("amount", Float(above=0, high=high), doc=what),)


COLOR = (
    Augmentation(
        "brightness",
        "Multiplies each image by a factor between 1 - amount and 1 + amount.",
        _amount(1, "how far the factor may be from 1"),
        target="specc.backend.augment.color.brightness",
        example="brightness(0.2)",
    ),
    Augmentation(
        "contrast",
        "Scales the contrast of each image, around its mean gray, by a factor between 1 - amount and 1 + amount.",
        _amount(1, "how far the factor may be from 1"),
        target="specc.backend.augment.color.contrast",
        example="contrast(0.2)",
    ),
    Augmentation(
        "saturation",
        "Scales the saturation, the distance of each pixel from its gray, by a factor between 1 - "
        "amount and 1 + amount.",
        _amount(1, "how far the factor may be from 1"),
        target="specc.backend.augment.color.saturation",
        example="saturation(0.2)",
        color=True,
    ),
    Augmentation(
        "hue",
        "Rotates each image's hues by up to `amount` of the color wheel.",
        _amount(0.5, "largest rotation; 0.5 reaches every hue"),
        target="specc.backend.augment.color.hue",
        example="hue(0.05)",
        color=True,
    ),
    Augmentation(
        "grayscale",
        "Converts an image to gray; it keeps its three channels.",
        (Param("p", PROBABILITY, 0.1, "fraction of images that are converted"),),
        target="specc.backend.augment.color.grayscale",
        example="grayscale(0.2)",
        color=True,
    ),
)

MIXING = (
    Augmentation(
        "mixup",
        "Blends each image and its label with those of another image of the batch; the weight is drawn from "
        "Beta(alpha, alpha) (Zhang et al., 2017).",
        (Param("alpha", POSITIVE, 0.2, "small values: mostly one of the two; 1: all weights are equally likely"),),
        target="specc.backend.augment.mixing.mixup",
        example="mixup(0.2)",
        mixes=True,
    ),
    Augmentation(
        "cutmix",
        "Pastes a rectangle of another image of the batch into each, and blends the labels by area; the fraction is "
        "drawn from Beta(alpha, alpha) (Yun et al., 2019).",
        (Param("alpha", POSITIVE, 1.0, "small values: mostly one of the two; 1: all weights are equally likely"),),
        target="specc.backend.augment.mixing.cutmix",
        example="cutmix(1)",
        mixes=True,
    ),
)

POLICIES = (
    Augmentation(
        "rand_augment",
        "Applies `n` of fourteen geometric and color transforms, drawn for each image, with strength "
        "`m` of 30 (Cubuk et "
        "al., 2019; the transforms and their strengths are torchvision's).",
        (
            Param("n", Int(1, 14), 2, "number of transforms, applied one after the other"),
            Param("m", Int(0, 30), 9, "strength"),
        ),
        target="specc.backend.augment.policy.rand_augment",
        masks="specc.backend.augment.policy.rand_augment_masks",
        example="rand_augment(2, 9)",
    ),
    Augmentation(
        "trivial_augment",
        "Applies one of fourteen geometric and color transforms of any strength, both drawn for each image (Müller and "
        "Hutter, 2021; the wide ranges).",
        target="specc.backend.augment.policy.trivial_augment",
        masks="specc.backend.augment.policy.trivial_augment_masks",
        example="trivial_augment",
    ),
    Augmentation(
        "choose",
        "Applies one of its branches, drawn for each image; all are equally likely.",
        body="branches",
        target="specc.backend.augment.branching.choose",
        example="choose { | rotate(15) | shift(2) -> flip }",
    ),
    Augmentation(
        "maybe",
        "Applies its body to a fraction of the images.",
        (Param("p", PROBABILITY, 0.5, "fraction of images that it is applied to"),),
        body="one",
        skips=True,
        target="specc.backend.augment.branching.maybe",
        example="maybe(0.3) { rotate(15) }",
    ),
)

COMPONENTS = (*GEOMETRY, *PIXELS, *COLOR, *MIXING, *POLICIES)


def component_of(call: Bound) -> Augmentation:
    """The augmentation that a call names."""
    return component(Augmentation, call)


def mixer(tricks: Sequence[Bound]) -> Bound | None:
    """The first augmentation that mixes images, also within others; None where there is none."""
    for call in tricks:
        inner = call if component_of(call).mixes else next(filter(None, map(mixer, call.branches)), None)
        if inner is not None:
            return inner
    return None


def augmented_size(tricks: Sequence[Bound], size: Size, channels: int | None = None) -> Size:
    """The size of images of `size` after these augmentations.

    channels: of the images; None where that is not known yet.

    Raises Problem: E303 where a crop does not fit, E301 where the branches of a `choose` would give images of different
    sizes, E318 where a change of color meets images that are not RGB.
    """
    for call in tricks:
        size = _size_after(call, size, channels)
    return size


def _size_after(call: Bound, size: Size, channels: int | None) -> Size:
    augmentation = component_of(call)
    if augmentation.color and channels not in (None, 3):
        raise Problem(
            "E318",
            f"`{call.name}` changes colors, but the images have {channels} channel{'s' * (channels != 1)}",
            help=f"remove `{call.name}`: it needs RGB images",
        )
    sizes = [augmented_size(branch, size, channels) for branch in call.branches]
    if augmentation.skips:
        sizes.append(size)
    if len(set(sizes)) > 1:
        found = " and ".join(map(str, dict.fromkeys(sizes)))
        raise Problem(
            "E301",
            f"the branches of `{call.name}` give images of different sizes: {found}",
            help="all images of a batch must have one size: crop all of them, before or after",
        )
    return sizes[0] if sizes else augmentation.size(call.args, size)
