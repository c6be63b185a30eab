"""Lookahead: slow weights that follow those that the optimizer moves."""

from specc.vocabulary.family import Lookahead
from specc.vocabulary.kinds import NOT_NEGATIVE, Bool, Float, Int
from specc.vocabulary.param import Param

COMPONENTS = (
    Lookahead(
        "lookahead",
        "Every few steps the slow weights, and the norms' running statistics, move part of the way to "
        "the fast ones, which "
        "continue from there (Zhang et al., 2019). The slow ones are evaluated, saved and exported.",
        (
            Param("steps", Int(1), 5, "optimizer steps between two synchronizations"),
            Param("alpha", Float(above=0, high=1), 0.5, "fraction of the way that the slow weights move"),
            Param(
                "power",
                NOT_NEGATIVE,
                0.0,
                "the fraction is 1 - (1 - alpha) * (completed fraction of the training) ** power: above 0, it falls "
                "from 1 to alpha (Jordan, 2024)",
            ),
            Param("start", NOT_NEGATIVE, 0.0, "epochs, or percent of the training, before the first synchronization"),
            Param("rewind", Bool(), False, "at the end of each epoch, reset the fast weights to the slow ones"),
        ),
        example="lookahead(steps=5, alpha=0.5)",
    ),
)
