"""Networks in float64 from a few words of the language; numbers to put through them."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from specc.backend.build import Net, build
from specc.backend.initialize import initialize
from specc.check import check
from specc.source import Source

Made = Callable[..., Net]


@pytest.fixture(scope="session")
def net_of() -> Made:
    """`net_of("conv(4) -> relu", "3, 5x4")`: that network in float64, weights drawn as its initializers say.

    The weights and statistics of norms are moved away from 0 and 1, so that nothing left out stays hidden.
    """

    def make(body: str, shape: str = "6, 5x4", seed: int = 0, plain: bool = False) -> Net:
        checked = check(Source("net.cnn", f"network N {{\ninput({shape})\n{body}\n}}"))
        assert checked.graph is not None and not checked.errors, checked.errors
        net = build(checked.graph)
        initialize(net, seed)
        net.double()
        source = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for name, value in net.state_dict().items():
                if not plain and value.is_floating_point() and (value.dim() == 1 or "layer_scale" in name):
                    value.add_(torch.rand(value.shape, generator=source, dtype=torch.float64) * 0.8 - 0.3)
        return net

    return make


@pytest.fixture(scope="session")
def numbers() -> Callable[..., Tensor]:
    """`numbers(7, 6, 5, 4)`: normal numbers in float64 whose means and deviations differ from channel to channel."""

    def draw(*shape: int, seed: int = 1) -> Tensor:
        source = torch.Generator().manual_seed(seed)
        values = torch.randn(*shape, generator=source, dtype=torch.float64)
        channels = torch.arange(shape[1], dtype=torch.float64).view(1, -1, *[1] * (len(shape) - 2))
        return values * (0.5 + 0.3 * channels) + channels - 2

    return draw
