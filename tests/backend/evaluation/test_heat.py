"""Heat maps are what the formula of LayerCAM says, on the right map, and lie where the network saw the image."""

from typing import Any

import numpy as np
import pytest
import torch

from specc.backend.build import Net, build
from specc.backend.evaluation.heat import colors, heat_maps, last_map, on_image, overlaid, without_heat
from specc.tasks import CLASSIFICATION, SEGMENTATION
from specc.tricks.resize import Resize
from specc.values import Size
from tests.helpers.checking import fine, net

POOLED = "conv(6) -> relu -> conv(5, stride=2) -> tanh; global_avg_pool -> dense(3)"
FLAT = "conv(6) -> relu -> conv(5) -> relu -> max_pool(2); flatten -> dense(7) -> relu -> dense(3)"


def built(body: str, input: str = "input(2, 8x8)") -> Net:
    torch.manual_seed(0)
    return build(fine(net(body, input=input)).graph).eval()


def activations(module: Net, images: torch.Tensor, name: str) -> torch.Tensor:
    kept: list[torch.Tensor] = []

    def hook(*given: Any) -> None:
        kept.append(given[2])

    handle = dict(module.named_modules())[name].register_forward_hook(hook)
    with torch.no_grad():
        module(images)
    handle.remove()
    return kept[0]


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (POOLED, "tanh1"),
        (FLAT, "relu2"),
        ("conv(4) -> relu -> global_avg_pool -> flatten -> dropout(20%) -> dense(3)", "relu1"),
        ("conv(4); residual { conv(4) -> relu }; global_max_pool -> dense(3) -> softmax", "add1"),
        ("conv(4) -> max_pool(2) -> max_pool(2) -> flatten -> dense(3)", "conv1"),
        ("flatten -> dense(3)", None),
        ("max_pool(2) -> flatten -> dense(3)", None),
    ],
)
def test_the_last_map_before_it_is_pooled_away(body: str, name: str | None) -> None:
    node = last_map(fine(net(body)).graph)
    assert (node and node.name) == name


def test_of_an_average_it_is_the_class_activation_map_of_the_positive_weights() -> None:
    """Zhou et al., 2016: the map of a class is the sum over the channels of weight times activation."""
    module = built(POOLED)
    images, classes = torch.randn(4, 2, 8, 8), torch.tensor([0, 2, 1, 2])
    maps = activations(module, images, "tanh1")
    weights = module.state_dict()["dense1.weight"][classes].clamp(min=0)
    expected = torch.einsum("nk,nkhw->nhw", weights, maps).clamp(min=0)
    expected = expected / expected.amax(dim=(1, 2), keepdim=True)
    np.testing.assert_allclose(heat_maps(module, images, classes), expected.numpy(), atol=1e-5)


def test_of_any_network_it_is_the_formula() -> None:
    """relu(sum over k of relu(dy/dA_k) A_k), with the gradient of the layers after the map, written out."""
    module = built(FLAT)
    images, classes = torch.randn(3, 2, 8, 8), torch.tensor([1, 0, 2])
    maps = activations(module, images, "relu2").requires_grad_()
    state = module.state_dict()
    values = torch.nn.functional.max_pool2d(maps, 2).flatten(1)
    values = torch.relu(values @ state["dense1.weight"].T + state["dense1.bias"])
    logits = values @ state["dense2.weight"].T + state["dense2.bias"]
    (gradient,) = torch.autograd.grad(logits[torch.arange(3), classes].sum(), maps)
    expected = (gradient.clamp(min=0) * maps.detach()).sum(1).clamp(min=0)
    expected = expected / expected.amax(dim=(1, 2), keepdim=True)
    np.testing.assert_allclose(heat_maps(module, images, classes), expected.numpy(), atol=1e-5)


def test_it_leaves_the_network_as_it_was_and_knows_no_batch() -> None:
    module = built(POOLED)
    images, classes = torch.randn(4, 2, 8, 8), torch.tensor([0, 2, 1, 2])
    before = {name: value.clone() for name, value in module.state_dict().items()}
    together = heat_maps(module, images, classes)
    alone = np.concatenate([heat_maps(module, images[n : n + 1], classes[n : n + 1]) for n in range(4)])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(weight.grad is None for weight in module.parameters())
    assert not any(layer._forward_hooks for layer in module.modules())


def test_where_there_is_none_it_says_why() -> None:
    graph = fine(net("flatten -> dense(3)")).graph
    assert "has no feature map" in without_heat(graph, CLASSIFICATION)[0]
    assert "a mask says itself" in without_heat(fine(net(POOLED)).graph, SEGMENTATION)[0]
    assert without_heat(fine(net(POOLED)).graph, CLASSIFICATION) == ("", "")


def test_it_lies_where_the_network_saw_the_image() -> None:
    whole = np.ones((4, 4), np.float32)
    assert (on_image(whole, Size(16, 16), Size(37, 50)) == 1).all()  # stretched
    cover = on_image(whole, Size(16, 16), Size(30, 60), Resize(Size(16, 16), "cover"))
    assert (cover[:, 15:45] == 1).all() and (cover[:, :14] == 0).all() and (cover[:, 46:] == 0).all()
    contain = on_image(whole, Size(16, 16), Size(30, 60), Resize(Size(16, 16), "contain"))
    assert (contain == 1).all()  # the image is wholly seen; what surrounds it is not of it


def test_it_is_bilinear_between_the_centers_of_the_cells() -> None:
    heat = np.array([[0.0, 1.0], [0.0, 1.0]], np.float32)
    row = on_image(heat, Size(8, 8), Size(8, 8))[3]
    np.testing.assert_allclose(row, [0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1], atol=1e-6)


def test_hotter_is_brighter() -> None:
    levels = colors(np.linspace(0, 1, 9, dtype=np.float32)[None])[0] @ [0.299, 0.587, 0.114]
    assert (np.diff(levels) > 0).all()
    over = overlaid(np.full((1, 2, 2), 100, np.uint8), np.zeros((2, 2), np.float32))
    assert over.shape == (2, 2, 3) and (over == over[0, 0]).all() and over[0, 0, 0] == 45
