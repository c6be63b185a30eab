"""Networks with arbitrary weights for tests that hold two implementations against each other."""

import torch

from specc.backend.build import Net, build
from specc.backend.initialize import initialize
from specc.ir.graph import Graph


def made(graph: Graph) -> Net:
    """The network with all of its state away from the trivial, so that nothing left out stays hidden."""
    net = build(graph)
    initialize(net, seed=1)
    random = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for key, value in net.state_dict().items():
            if value.is_floating_point():
                noise = torch.rand(value.shape, generator=random)
                value.copy_(noise + 0.5 if key.endswith("running_var") else value + noise - 0.3)
    return net


def batch_of(graph: Graph, count: int) -> torch.Tensor:
    return torch.randn(count, *graph.input, generator=torch.Generator().manual_seed(count)) * 2
