"""Heat maps: where in an image a network found what speaks for its answer (LayerCAM).

Jiang et al., "LayerCAM: Exploring hierarchical class activation maps for localization", 2021: of a map A with
channels k and the gradient g of an output with respect to it, the heat at a place is

    relu(sum over k of relu(g_k) * A_k)

On the last map before `global_avg_pool -> dense` the gradient is the same everywhere, and this is the class activation
map (Zhou et al., 2016) of the positive weights. Unlike Grad-CAM, which averages the gradient over the places, it also
holds for a network that flattens its last map.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from specc.backend.build import Net
from specc.ir.graph import Graph, Node
from specc.ir.passes import logits_of, source
from specc.tasks import Task
from specc.tricks.resize import Resize, center
from specc.values import Size

Heat = NDArray[np.float32]
STOPS = np.array([(0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164)], np.float64)  # inferno
IMAGE = 0.45  # of an overlay; the rest is color


def last_map(graph: Graph) -> Node | None:
    """The last map before the network pools it away or flattens it; None where there is none but the image itself.

    It is followed back from the output along the first inputs. Layers without weights that make a map smaller, such as
    poolings, are passed as well.
    """
    node = graph.nodes[logits_of(graph, graph.output)]
    while node.inputs:
        before = graph.nodes[source(graph, node.inputs[0])]
        is_map = len(node.shape) == 3 and node.shape[1:] != (1, 1)
        shrinks = is_map and before.shape[1:] != node.shape[1:] and not graph.weights(node) and len(node.inputs) == 1
        if is_map and not shrinks:
            return graph.nodes[source(graph, node.index)] if source(graph, node.index) else None
        node = before
    return None


def without_heat(graph: Graph, task: Task) -> tuple[str, str]:
    """Why a network has no heat maps, and what to do; empty texts where it has them."""
    if task.per_pixel:
        return "there are no heat maps of masks: a mask says itself where each class is", "write masks with --out DIR"
    if last_map(graph) is None:
        message = f"{graph.name} has no feature map: it flattens the image, so there is nowhere to look for heat"
        return message, "remove --heat"
    return "", ""


def heat_maps(net: Net, images: Tensor, outputs: Tensor) -> Heat:
    """How much each place of the last map speaks for an output: float32 N x h x w, from 0 to 1 within each image.

    images: normalized, N x C x H x W. outputs: int64 N, the number of the output that is asked about, of each image.
    The network is in evaluation mode, and stays as it was. There must be a `last_map`.
    """
    node = last_map(net.graph)
    assert node is not None
    maps: list[Tensor] = []

    def keep(name: str) -> Any:
        def hook(module: nn.Module, given: tuple[Tensor, ...], out: Tensor) -> None:
            if name == node.name:
                maps.append(out)

        return hook

    hooks = net.hook_uses(keep)
    try:
        with torch.enable_grad():
            logits = net(images.detach().requires_grad_())
            (gradient,) = torch.autograd.grad(logits.gather(1, outputs[:, None]).sum(), maps[0])
    finally:
        for hook in hooks:
            hook.remove()
    heat = (gradient.relu() * maps[0].detach()).sum(dim=1).relu()
    most = heat.amax(dim=(1, 2), keepdim=True)
    shares: Heat = (heat / torch.where(most > 0, most, torch.ones_like(most))).float().cpu().numpy()
    return shares


def on_image(heat: Heat, seen: Size, size: Size, how: Resize | None = None) -> Heat:
    """A heat map, h x w, at the size of the image: H x W, bilinear, 0 where the network did not see the image.

    seen: height and width of what the network sees. how: the way the image was resized; None where it was stretched.
    """
    weights = []
    for axis, view, cells in zip((how or Resize(seen)).axes(size), seen, heat.shape, strict=True):
        place = (np.arange(axis.old) + 0.5) * axis.new / axis.old - axis.start - center(axis.kept, view)
        cell = (place * cells / view - 0.5).clip(0, cells - 1)
        table = (1 - np.abs(cell[:, None] - np.arange(cells))).clip(0)  # of each pixel the two cells around it
        weights.append((table * ((place >= 0) & (place <= view))[:, None]).astype(np.float32))
    rows, columns = weights
    result: Heat = rows @ heat @ columns.T
    return result


def overlaid(pixels: NDArray[np.uint8], heat: Heat) -> NDArray[np.uint8]:
    """An image, 1 or 3 x H x W, in gray, with a heat map of its size over it in colors: H x W x 3."""
    gray = pixels.astype(np.float64).mean(axis=0)
    mixed = IMAGE * gray[:, :, None] + (1 - IMAGE) * colors(heat)
    levels: NDArray[np.uint8] = np.rint(mixed).clip(0, 255).astype(np.uint8)
    return levels


def colors(heat: Heat) -> NDArray[np.float64]:
    """The colors of shares from 0 (black) to 1 (light yellow), H x W x 3: brighter is hotter, also without color."""
    places = heat.clip(0, 1) * (len(STOPS) - 1)
    ends = np.arange(len(STOPS))
    return np.stack([np.interp(places, ends, STOPS[:, channel]) for channel in range(3)], axis=-1)
