"""Losses: what training makes small, and for which tasks."""

from specc.values import Args
from specc.vocabulary.family import Loss
from specc.vocabulary.kinds import NOT_NEGATIVE, POSITIVE, Either, Float, ListOf, Maybe, Pair, Symbols, Text
from specc.vocabulary.param import Param
from specc.vocabulary.problem import Problem

_NAMED = Pair(Text(), POSITIVE, 'a name and a weight, as in [("defect", 9)]')
_WEIGHTS = Param(
    "weights",
    Maybe(Either(Symbols("balanced"), ListOf(POSITIVE), ListOf(_NAMED))),
    None,
    "of classes by name, the others 1; or one for each class, in their order; `balanced`: n / (K n_c) of the training "
    "images",
)
_REDUCTION = Param(
    "reduction",
    Symbols("mean", "sum"),
    "mean",
    "over the images of a batch; with `sum`, gradients grow with the batch. The reported loss is always the mean",
)


_WEIGHT = Param("weight", POSITIVE, 1.0, "what it counts in a list of losses")
_ALL = (_REDUCTION, _WEIGHT)


def _each_name_once(a: Args) -> None:
    names = [weight[0] for weight in a.weights or () if isinstance(weight, tuple)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise Problem("E315", f"`{twice}` gets two weights", param="weights", help="leave one of them out")


CROSS_ENTROPY = Loss(
    "cross_entropy",
    "Negative log of the softmax probability of the correct class, averaged with the class weights.",
    (
        Param("smoothing", Float(low=0, below=1), 0.0, "fraction of the target that is spread evenly over all classes"),
        _WEIGHTS,
        *_ALL,
    ),
    target="specc.backend.evaluation.loss_formulas.cross_entropy",
    others={"segmentation": "specc.backend.evaluation.pixel_losses.cross_entropy"},
    example="cross_entropy(smoothing=0.1)",
    check=_each_name_once,
)

COMPONENTS = (
    CROSS_ENTROPY,
    Loss(
        "focal",
        "Cross entropy times (1 - p)^gamma, so that images that are already classified well count less "
        "(Lin et al., 2017).",
        (Param("gamma", NOT_NEGATIVE, 2.0, "0 gives cross entropy"), _WEIGHTS, *_ALL),
        target="specc.backend.evaluation.loss_formulas.focal",
        others={"multi-label": "specc.backend.evaluation.loss_formulas.binary_focal"},
        example="focal(gamma=2)",
        check=_each_name_once,
    ),
    Loss(
        "binary_cross_entropy",
        "Treats each class or tag as a binary classification: the mean over them of the sigmoid cross entropy.",
        (_WEIGHTS, *_ALL),
        target="specc.backend.evaluation.loss_formulas.binary_cross_entropy",
        tasks=("classification", "multi-label"),
        per_class=True,
        example="binary_cross_entropy",
        check=_each_name_once,
    ),
    Loss(
        "mse",
        "Mean squared error of the standardized numbers.",
        _ALL,
        target="specc.backend.evaluation.loss_formulas.mse",
        tasks=("regression",),
        example="mse",
    ),
    Loss(
        "mae",
        "Mean absolute error of the standardized numbers: outliers count less than in `mse`.",
        _ALL,
        target="specc.backend.evaluation.loss_formulas.mae",
        tasks=("regression",),
        example="mae",
    ),
    Loss(
        "huber",
        "Half the squared error up to `delta`, linear beyond (Huber, 1964), of the standardized numbers.",
        (Param("delta", POSITIVE, 1.0, "where it becomes linear, in standard deviations"), *_ALL),
        target="specc.backend.evaluation.loss_formulas.huber",
        tasks=("regression",),
        example="huber(delta=1)",
    ),
    Loss(
        "dice",
        "One minus the Dice coefficient of the probabilities and the mask, averaged over the images and over the "
        "classes present in each mask (Milletari et al., 2016): small classes count as much as large ones.",
        _ALL,
        target="specc.backend.evaluation.pixel_losses.dice",
        tasks=(),
        others={"segmentation": "specc.backend.evaluation.pixel_losses.dice"},
        example="dice",
    ),
)
