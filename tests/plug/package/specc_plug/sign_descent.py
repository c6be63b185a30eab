"""An optimizer: steps of one size, in the direction of the sign of the momentum (Bernstein et al., 2018)."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from specc.vocabulary.family import Optimizer
from specc.vocabulary.kinds import NOT_NEGATIVE, POSITIVE, Float
from specc.vocabulary.param import Param

if TYPE_CHECKING:
    import torch


def sign_descent(params: Iterable[Any], lr: float, momentum: float) -> "torch.optim.Optimizer":
    """The optimizer."""
    import torch

    class SignDescent(torch.optim.Optimizer):
        def __init__(self) -> None:
            super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": 0.0})

        @torch.no_grad()
        def step(self, closure: None = None) -> None:  # type: ignore[override]
            for group in self.param_groups:
                for weight in group["params"]:
                    if weight.grad is None:
                        continue
                    state = self.state[weight]
                    if not state:
                        state["momentum"] = torch.zeros_like(weight)
                    mean = state["momentum"].lerp_(weight.grad, 1 - group["momentum"])
                    weight.mul_(1 - group["lr"] * group["weight_decay"]).sub_(mean.sign() * group["lr"])

    return SignDescent()


WORDS = (
    Optimizer(
        "sign_descent",
        "Steps of one size, in the direction of the sign of the momentum (Bernstein et al., 2018).",
        (
            Param("lr", POSITIVE, 1e-3, "how far each weight moves in a step"),
            Param("momentum", Float(low=0, below=1), 0.9, "share of the running mean of the gradient that is kept"),
            Param("weight_decay", NOT_NEGATIVE, 0.0, "decay of the kernels"),
        ),
        example="sign_descent(lr=1e-3)",
        target="specc_plug.sign_descent.sign_descent",
        tunable=("momentum",),
    ),
)
