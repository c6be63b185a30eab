"""Means of the weights over a training, which are evaluated, saved and exported; `ema` is a setting of its own."""

from specc.values import Percent
from specc.vocabulary.family import Averaging
from specc.vocabulary.kinds import NOT_NEGATIVE
from specc.vocabulary.param import Param

COMPONENTS = (
    Averaging(
        "swa",
        "Stochastic weight averaging (Izmailov et al., 2018): the mean of the weights at the end of each epoch, from "
        "`start` on, all with the same weight. The norms' running statistics are computed anew for it, as plain means "
        "over the training images. The mean is evaluated, saved and exported.",
        (
            Param(
                "start",
                NOT_NEGATIVE,
                Percent(0.75),
                "epochs, or percent of the training, before the first epoch's end that counts",
            ),
        ),
        example="swa(start=75%)",
    ),
)
