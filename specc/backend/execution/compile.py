"""torch.compile, with an error of specc's where it does not work."""

from typing import Any

from torch import nn

from specc.errors import SpeccError


def compiled(net: nn.Module) -> Any:
    """The network's forward pass, compiled at its first call.

    Raises SpeccError E449, in that call, where torch cannot compile here.
    """
    import torch._dynamo

    compiled_net = torch.compile(net, dynamic=False)

    def forward(images: torch.Tensor) -> Any:
        try:
            return compiled_net(images)
        except torch._dynamo.exc.TorchDynamoException as error:  # noqa: SLF001
            last = str(error).strip().splitlines()[0]
            raise SpeccError(
                "E449", f"the network cannot be compiled on this machine: {last}", help="plan(step=eager)"
            ) from error

    return forward
