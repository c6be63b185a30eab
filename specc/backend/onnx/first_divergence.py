"""Where an exported file and the trained model part: the first layer whose values differ."""

from typing import NamedTuple

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper
from torch import Tensor, nn

from specc.backend.build import ForwardHook, Net
from specc.backend.onnx.session import CPU, open_session
from specc.backend.onnx.write import Written
from specc.ir.graph import Node


class Parting(NamedTuple):
    """The first place where values differ. node: None where the normalized images already do.

    largest: the largest absolute difference; scale: the largest absolute value there in the trained model.
    """

    node: Node | None
    largest: float
    scale: float


@torch.inference_mode()
def find_parting(
    written: Written,
    net: Net,
    normalize: nn.Module,
    images: NDArray[np.generic],
    tolerance: float,
    provider: str = CPU,
) -> Parting | None:
    """The first layer, in the order of the graph, whose output differs by more than `tolerance` of its scale.

    A layer into which a norm is folded has no output of its own: there the norm's is compared. images: a few raw ones,
    N x C x H x W, of the network's size. None where no layer differs: then it is what comes after the last one.
    """
    ours = _layer_outputs(net, normalize, images)
    watched = {name: value for name, value in written.values.items() if name in ours}
    open_model = onnx.ModelProto()
    open_model.CopyFrom(written.model)
    del open_model.graph.output[:]
    for value in dict.fromkeys(watched.values()):
        open_model.graph.output.append(helper.make_tensor_value_info(value, TensorProto.FLOAT, None))
    session = open_session(open_model.SerializeToString(), provider, written.weights)
    names = list(dict.fromkeys(watched.values()))
    theirs = dict(zip(names, session.run(names, {"images": images}), strict=True))
    for node in net.graph.nodes:
        if node.name not in watched:
            continue
        a, b = ours[node.name].astype(np.float64), theirs[watched[node.name]].astype(np.float64)
        largest, scale = float(np.abs(a - b).max()), float(np.abs(a).max())
        if not largest <= tolerance * (scale or 1.0):
            return Parting(node if node.inputs else None, largest, scale)
    return None


def _layer_outputs(net: Net, normalize: nn.Module, images: NDArray[np.generic]) -> dict[str, NDArray[np.float32]]:
    """The output of each layer that has a module, and the normalized images under the input layer's name."""
    found: dict[str, NDArray[np.float32]] = {}

    def keep(name: str) -> ForwardHook:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            found[name] = output.cpu().numpy()

        return hook

    hooks = net.hook_uses(keep)
    try:
        device = next(net.parameters()).device
        normalized = normalize(torch.from_numpy(images).to(device))
        net(normalized)
    finally:
        for hook in hooks:
            hook.remove()
    return {net.graph.nodes[0].name: normalized.cpu().numpy(), **found}
