"""How validation images are looked at: as they are, or in several views whose logits are averaged."""

from specc.values import Args, Size
from specc.vocabulary.family import Evaluation
from specc.vocabulary.kinds import PROBABILITY, Int, Maybe, Symbols
from specc.vocabulary.param import Param
from specc.vocabulary.problem import Problem


def _check(a: Args) -> None:
    if a.mirror is None and a.shift == 0:
        message = "`tta` has no views other than the image itself"
        raise Problem("E216", message, help="write tta(flip), tta(shift=1) or tta(flip, shift=1)")


def views_fit(a: Args, size: Size) -> None:
    """Raise `Problem` E303 where images are too small for a shift."""
    if a.shift >= min(size):
        raise Problem(
            "E303",
            f"`tta` reflects {a.shift} pixels, but images of {size} allow at most {min(size) - 1}",
            param="shift",
            help=f"use at most {min(size) - 1}",
        )


COMPONENTS = (
    Evaluation(
        "tta",
        "Test-time augmentation: averages the logits of an image and of views of it (Krizhevsky et al., 2012). For "
        "the validation figures of training and `specc eval`; an exported file sees one view.",
        (
            Param("mirror", Maybe(Symbols("flip")), None, "also flip each view left to right"),
            Param("shift", Int(0, 4096), 0, "also shift by this many pixels up and left, and down and right"),
            Param("weight", PROBABILITY, 0.5, "total weight of the two shifted views"),
        ),
        example="tta(flip, shift=1)",
        check=_check,
    ),
)
