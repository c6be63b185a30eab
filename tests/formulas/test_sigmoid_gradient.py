"""Why a deep stack of sigmoids does not learn: its gradient is a product of slopes, none above 1/4.

Hochreiter, 1991; Glorot and Bengio, 2010. With a_l = sigmoid(z_l), z_l = w_l a_(l-1):
da_L/dx = prod a_l (1 - a_l) w_l, so |da_L/dx| <= 4^-L prod |w_l|.
"""

import itertools
import math
from typing import Any

import pytest
import torch

from specc.check import check
from specc.ir.signal import predict
from specc.ops.signal import Moments
from specc.source import Source


@pytest.mark.parametrize("depth", [1, 3, 10, 30])
@pytest.mark.parametrize("shape", ["1", "1, 1x1"])
def test_the_gradient_is_the_product(net_of: Any, depth: int, shape: str) -> None:
    layer = "dense(1, bias=false, init=normal(1.5))" if shape == "1" else "conv(1, 1x1, bias=false, init=normal(1.5))"
    net = net_of(f"repeat({depth}) {{ {layer} -> sigmoid }}", shape, plain=True)
    weights = [value.item() for value in net.parameters()]
    assert len(weights) == depth
    for start in (-3.0, 0.0, 0.4, 5.0):
        x = torch.full((1, 1) if shape == "1" else (1, 1, 1, 1), start, dtype=torch.float64, requires_grad=True)
        net(x).sum().backward()
        a, product, bound = start, 1.0, 1.0
        for w in weights:
            a = 1 / (1 + math.exp(-w * a))
            product *= a * (1 - a) * w
            bound *= abs(w) / 4
        assert x.grad is not None
        assert x.grad.item() == pytest.approx(product, rel=1e-12)
        assert abs(x.grad.item()) <= bound


def test_the_slope_is_at_most_a_quarter_and_that_at_zero(net_of: Any) -> None:
    net = net_of("sigmoid", "1")
    x = torch.linspace(-20, 20, 4001, dtype=torch.float64).unsqueeze(1).requires_grad_()
    net(x).sum().backward()
    assert x.grad is not None
    assert x.grad.max().item() == 0.25 == x.grad[2000].item()
    assert (x.grad > 0).all()


WIDTH = 64


def stack(depth: int, init: str, act: str = "sigmoid") -> str:
    return f"repeat({depth}) {{ dense({WIDTH}, init={init}) -> {act} }}\ndense(10, init={init})"


@pytest.mark.parametrize("depth", [1, 3, 6, 10])
@pytest.mark.parametrize("init", ["glorot_uniform", "he_normal", "normal(0.02)"])
def test_what_is_predicted_before_training_is_that_product(net_of: Any, depth: int, init: str) -> None:
    """The gradient of the first kernel over that of the last one for an image, from the graph alone and as it is."""
    body = stack(depth, init)
    graph = check(Source("n.cnn", f"network N {{\ninput({WIDTH})\n{body}\n}}")).graph
    assert graph is not None
    predicted = predict(graph, Moments(0.0, 1.0, 0.0, 0.0)).gradient_ratio

    logs = []
    for seed in range(16):
        net = net_of(body, str(WIDTH), seed=seed, plain=True).train()
        x = torch.randn(1, WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
        torch.nn.functional.cross_entropy(net(x), torch.tensor([seed % 10])).backward()
        first, *_, last = (value.grad for name, value in net.named_parameters() if name.endswith("weight"))
        logs.append(math.log(first.square().mean().sqrt() / last.square().mean().sqrt()))
    measured = math.exp(sum(logs) / len(logs))
    assert max(predicted / measured, measured / predicted) < 1.25, (predicted, measured)


def test_each_glorot_sigmoid_layer_takes_three_quarters_or_more(net_of: Any) -> None:
    """n var(w) = 1 for layers of one width, so that what is left of a gradient is its slope: 1/4 at most."""
    ratios = []
    for depth in range(2, 9):
        graph = check(Source("n.cnn", f"network N {{\ninput({WIDTH})\n{stack(depth, 'glorot_uniform')}\n}}")).graph
        assert graph is not None
        ratios.append(predict(graph, Moments(0.0, 1.0, 0.0, 0.0)).gradient_ratio)
    factors = [later / earlier for earlier, later in itertools.pairwise(ratios)]
    assert all(0.2 < factor <= 0.25 for factor in factors), factors
