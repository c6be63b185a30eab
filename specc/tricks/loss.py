"""Losses: what training makes small. Each takes logits and either class indices or soft targets (mixup, cutmix)."""

from specc.vocabulary.component import Component
from specc.vocabulary.kinds import NOT_NEGATIVE, POSITIVE, Float, ListOf, Maybe, Symbols
from specc.vocabulary.param import Param

_WEIGHTS = Param("weights", Maybe(ListOf(POSITIVE)), None, "a weight for each class, in the order of the classes")
_REDUCTION = Param(
    "reduction",
    Symbols("mean", "sum"),
    "mean",
    "over the images of a batch; `sum`: gradients grow with the batch. What is reported is the mean",
)

COMPONENTS = (
    Component(
        "cross_entropy",
        "loss",
        "Minus the log of the probability (softmax) given to the right class, as a mean weighted by the class.",
        (
            Param("smoothing", Float(low=0, below=1), 0.0, "share of the target spread evenly over all classes"),
            _WEIGHTS,
            _REDUCTION,
        ),
        example="cross_entropy(smoothing=0.1)",
    ),
    Component(
        "focal",
        "loss",
        "Cross entropy times (1 - p)^gamma, so that images that are already right count less (Lin et al., 2017).",
        (Param("gamma", NOT_NEGATIVE, 2.0, "0 is cross entropy"), _WEIGHTS, _REDUCTION),
        example="focal(gamma=2)",
    ),
    Component(
        "binary_cross_entropy",
        "loss",
        "One yes-or-no question for each class: the mean over the classes of the cross entropy of a sigmoid.",
        (_WEIGHTS, _REDUCTION),
        example="binary_cross_entropy",
    ),
)
