"""How a training is carried out, where specc's own choice shall not hold. It changes speed, not what is computed."""

from specc.vocabulary.family import PlanOptions
from specc.vocabulary.kinds import Int, Maybe, Symbols
from specc.vocabulary.param import Param

COMPONENTS = (
    PlanOptions(
        "plan",
        "How the training is executed; settings that are not given are chosen automatically. `specc "
        "train --plan` shows the choices.",
        (
            Param(
                "step", Symbols("auto", "eager", "compiled"), "auto", "compiled: compile the network with torch.compile"
            ),
            Param(
                "launch",
                Symbols("auto", "single"),
                "auto",
                "on CUDA; single: launch each operation by itself, without a CUDA graph",
            ),
            Param(
                "across",
                Symbols("exact", "fast"),
                "exact",
                "how several processes add up gradients; exact: in a fixed order, the same bits for any number of "
                "processes; fast: by a plain all-reduce, the same bits for the same number only",
            ),
            Param(
                "features",
                Symbols("auto", "recompute"),
                "auto",
                "what frozen layers make of an image, where no augmentation changes it; auto: computed once and kept, "
                "where that saves time; recompute: computed in each step",
            ),
            Param(
                "recompute",
                Symbols("auto", "always", "never"),
                "auto",
                "whether parts of the forward pass are computed twice, so that less is held in memory, with the same "
                "result; auto: where a batch does not fit otherwise",
            ),
            Param("threads", Maybe(Int(1, 1024)), None, "number of CPU threads; `none`: chosen automatically"),
        ),
        example="plan(step=compiled, threads=1)",
    ),
)
