"""A layer whose weights have names that no layer of specc has."""

from typing import TYPE_CHECKING, Any

from specc.ops.op import Op
from specc.values import Args
from specc.vocabulary.shape import Shape
from specc.vocabulary.target import Target
from specc.vocabulary.weight import WeightSpec

if TYPE_CHECKING:
    from torch import nn


def affine(channels: int) -> "nn.Module":
    """The module."""
    import torch
    from torch import Tensor, nn

    class Affine(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gamma = nn.Parameter(torch.empty(channels, 1, 1))
            self.beta = nn.Parameter(torch.empty(channels, 1, 1))

        def forward(self, x: Tensor) -> Tensor:
            return x * self.gamma + self.beta

    return Affine()


def _onnx(g: Any, names: list[str], a: Args, w: Any, x: Shape, y: Shape) -> str:
    return str(g.node("Add", [g.node("Mul", [names[0], w["gamma"]]), w["beta"]]))


WORDS = (
    Op(
        "affine",
        "normalization",
        "Scales and shifts each channel, by learned numbers.",
        weights=lambda x, a: (
            WeightSpec("gamma", (x[0], 1, 1), "norm", 1.0),
            WeightSpec("beta", (x[0], 1, 1), "norm", 0.0),
        ),
        torch=lambda x, a: Target("specc_plug.affine.affine", {"channels": x[0]}),
        onnx=_onnx,
        example="conv(8) -> affine",
    ),
)
