"""When a training ends before its last epoch: `early_stop = 10`, or in full `early_stop = early_stop(patience=10)`."""

from specc.vocabulary.family import EarlyStop
from specc.vocabulary.kinds import Int
from specc.vocabulary.param import Param

COMPONENTS = (
    EarlyStop(
        "early_stop",
        "Stops the training after this many epochs without a better validation accuracy.",
        (Param("patience", Int(1), doc="epochs to wait"),),
        example="early_stop(patience=10)",
    ),
)
