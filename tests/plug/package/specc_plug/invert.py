"""An augmentation: negatives."""

from typing import TYPE_CHECKING

from specc.values import Args
from specc.vocabulary.family import Augmentation
from specc.vocabulary.kinds import PROBABILITY
from specc.vocabulary.param import Param

if TYPE_CHECKING:
    from torch import Tensor

    from specc.backend.augment.draw import Draw


def invert(x: "Tensor", a: Args, draw: "Draw") -> "Tensor":
    return (x - draw.happens(a.p).to(x.dtype).view(-1, 1, 1, 1)).abs()


WORDS = (
    Augmentation(
        "invert",
        "Makes a negative of each image with probability `p`.",
        (Param("p", PROBABILITY, 0.5, "share of images that become negatives"),),
        example="invert(0.2)",
        target="specc_plug.invert.invert",
    ),
)
