"""When a training ends before its last epoch: `early_stop = 10`, or in full `early_stop = early_stop(patience=10)`."""

from specc.kinds import Int
from specc.ops.op import Param, Trick

TRICKS = (
    Trick(
        "early_stop",
        "early_stop",
        "Ends the training after so many epochs without a better validation accuracy.",
        (Param("patience", Int(1), doc="epochs that are let pass"),),
        example="early_stop(patience=10)",
    ),
)
