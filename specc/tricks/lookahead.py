"""Lookahead: slow weights that follow those that the optimizer moves."""

from specc.vocabulary.family import Lookahead
from specc.vocabulary.kinds import NOT_NEGATIVE, Bool, Float, Int
from specc.vocabulary.param import Param

COMPONENTS = (
    Lookahead(
        "lookahead",
        "Every few steps slow weights, and the norms' running statistics, go a part of the way to the fast ones, which "
        "go on from there (Zhang et al., 2019). The slow ones are evaluated, kept and exported.",
        (
            Param("steps", Int(1), 5, "steps of the optimizer between two meetings"),
            Param("alpha", Float(above=0, high=1), 0.5, "part of the way that the slow weights go"),
            Param(
                "power",
                NOT_NEGATIVE,
                0.0,
                "the part is 1 - (1 - alpha) * (share of the training that is done) ** power: above 0, it falls from "
                "1 to alpha (Jordan, 2024)",
            ),
            Param("start", NOT_NEGATIVE, 0.0, "epochs, or percent of the training, before the first meeting"),
            Param("rewind", Bool(), False, "at the end of an epoch the fast weights go back to the slow ones"),
        ),
        example="lookahead(steps=5, alpha=0.5)",
    ),
)
