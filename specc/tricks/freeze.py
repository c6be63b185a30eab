"""Weights that do not learn: `freeze = [stem, norms]` to the end, `freeze = freeze(backbone, until=3)` at first."""

from specc.vocabulary.family import Freeze
from specc.vocabulary.kinds import POSITIVE, ListOf, Maybe, Selector
from specc.vocabulary.param import Param

COMPONENTS = (
    Freeze(
        "freeze",
        "Keeps weights as they are: to the end, as `freeze = [stem, norms]` does, or until an epoch. From then on "
        "everything learns, and the optimizer begins with a fresh state. Select weights as in `group`: by kind, by the "
        "name of a layer or block, or by part, `head` or `backbone`.",
        (
            Param("*weights", ListOf(Selector()), doc="which weights, such as backbone, stem, norms"),
            Param("until", Maybe(POSITIVE), None, "epochs, or percent of the training, after which they learn, too"),
        ),
        example="freeze(backbone, until=3)",
    ),
)
