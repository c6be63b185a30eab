"""L1 and L2: the gradient that is added is that of the penalty which the definition adds to the loss."""

import pytest
import torch
from torch import nn

from specc.backend.engine.penalty import Penalty
from specc.values import Args, Bound

L1 = Bound("l1", Args(strength=1e-2))
L2 = Bound("l2", Args(strength=3e-2))
BOTH = Bound("l1_l2", Args(l1=1e-2, l2=3e-2))


def net() -> nn.Sequential:
    torch.manual_seed(0)
    made = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 4))
    return made.to(torch.float64).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's own stub lacks it


def kernels(own: Bound | None = None) -> dict[str, Bound | None]:
    return {"0.weight": None, "4.weight": own}


def loss_of(made: nn.Module) -> torch.Tensor:
    x = torch.randn(5, 2, 4, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return made(x).square().mean()


@pytest.mark.parametrize(
    ("everywhere", "own", "strengths"),
    [
        (L1, None, {"0.weight": (1e-2, 0.0), "4.weight": (1e-2, 0.0)}),
        (L2, None, {"0.weight": (0.0, 3e-2), "4.weight": (0.0, 3e-2)}),
        (BOTH, None, {"0.weight": (1e-2, 3e-2), "4.weight": (1e-2, 3e-2)}),
        (None, L2, {"4.weight": (0.0, 3e-2)}),
        (L1, L2, {"0.weight": (1e-2, 0.0), "4.weight": (1e-2, 3e-2)}),
    ],
)
def test_gradient_and_value_are_those_of_the_definition(
    everywhere: Bound | None, own: Bound | None, strengths: dict[str, tuple[float, float]]
) -> None:
    ours, reference = net(), net()
    penalty = Penalty(everywhere, kernels(own), dict(ours.named_parameters()))
    loss_of(ours).backward()
    penalty.add_gradient()

    weights = dict(reference.named_parameters())
    defined = sum(l1 * weights[n].abs().sum() + l2 * (weights[n] ** 2).sum() for n, (l1, l2) in strengths.items())
    assert isinstance(defined, torch.Tensor)
    (loss_of(reference) + defined).backward()

    for (name, a), b in zip(ours.named_parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, msg=name)
    assert penalty.value() == pytest.approx(defined.item(), rel=1e-6)
    assert sorted(penalty.names) == sorted(strengths)


def test_frozen_kernels_and_zero_strengths_are_left_out() -> None:
    made = net()
    made[0].weight.requires_grad_(False)
    learning = {name: weight for name, weight in made.named_parameters() if weight.requires_grad}
    assert Penalty(L2, kernels(), learning).names == ["4.weight"]
    assert Penalty(Bound("l2", Args(strength=0.0)), kernels(), learning).names == []
    assert Penalty(None, kernels(), learning).value() == 0.0
