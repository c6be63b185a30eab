"""How a training is carried out, where specc's own choice shall not hold. It changes speed, not what is computed."""

from specc.vocabulary.family import PlanOptions
from specc.vocabulary.kinds import Int, Maybe, Symbols
from specc.vocabulary.param import Param

COMPONENTS = (
    PlanOptions(
        "plan",
        "How a training is carried out; what is not said here is chosen. `specc train --plan` shows the choice.",
        (
            Param("step", Symbols("auto", "eager", "compiled"), "auto", "compiled: the network by torch.compile"),
            Param(
                "launch", Symbols("auto", "single"), "auto", "on CUDA; single: operation by operation, no CUDA graph"
            ),
            Param("threads", Maybe(Int(1, 1024)), None, "of a CPU; `none`: chosen"),
        ),
        example="plan(step=compiled, threads=1)",
    ),
)
