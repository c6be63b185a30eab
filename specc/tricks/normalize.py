"""How pixels become the numbers that a network sees. The exported graph does the same."""

from collections.abc import Sequence

from specc.values import Args
from specc.vocabulary.family import Normalization
from specc.vocabulary.kinds import POSITIVE, Float, ListOf, Symbols
from specc.vocabulary.param import Param
from specc.vocabulary.problem import Problem


def _same_length(a: Args) -> None:
    if len(a.mean) != len(a.std):
        raise Problem(
            "E216",
            f"`mean` has {len(a.mean)} values, but `std` has {len(a.std)}",
            param="std",
            help="give both one value per channel",
        )


STANDARD = Normalization(
    "standard",
    "(x - mean) / std: computed per channel over the training set, or per image over all its pixels.",
    (Param("per", Symbols("set", "image"), "set", "what mean and standard deviation are computed over"),),
    target="specc.backend.data.normalize.standard",
    moments=lambda a, mean, deviation: (0.0, 1.0),
    example="standard",
)


def _constants_of(a: Args) -> tuple[Sequence[float], Sequence[float]]:
    return a.mean, a.std


def _fixed_moments(a: Args, mean: float, deviation: float) -> tuple[float, float]:
    return _moments(a.mean, a.std, mean, deviation)


def _moments(means: Sequence[float], deviations: Sequence[float], mean: float, deviation: float) -> tuple[float, float]:
    shift, scale = (sum(values) / len(values) for values in (means, deviations))
    return (mean - shift) / scale, deviation / scale


# Of the 1.28 million training images of ImageNet, as torchvision and timm give them with their weights.
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


COMPONENTS = (
    Normalization(
        "unit",
        "Scales pixels to the range from 0 to 1.",
        target="specc.backend.data.normalize.unit",
        moments=lambda a, mean, deviation: (mean, deviation),
        example="unit",
    ),
    STANDARD,
    Normalization(
        "fixed",
        "(x - mean) / std with given values, for pixels from 0 to 1.",
        (
            Param("mean", ListOf(Float()), doc="one value per channel, or one for all"),
            Param("std", ListOf(POSITIVE), doc="one value per channel, or one for all"),
        ),
        target="specc.backend.data.normalize.fixed",
        moments=_fixed_moments,
        constants=_constants_of,
        example="fixed(mean=[0.1307], std=[0.3081])",
        check=_same_length,
    ),
    Normalization(
        "imagenet",
        "fixed(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]): what most published weights expect.",
        target="specc.backend.data.normalize.imagenet",
        moments=lambda a, mean, deviation: _moments(*IMAGENET, mean, deviation),
        constants=lambda a: IMAGENET,
        example="imagenet",
    ),
    Normalization(
        "none",
        "Leaves pixels as they are in the files, from 0 to 255.",
        target="specc.backend.data.normalize.none",
        moments=lambda a, mean, deviation: (255 * mean, 255 * deviation),
        example="none",
    ),
)
