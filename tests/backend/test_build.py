"""Networks as modules: names, order, memory, heads, softmax."""

import copy
import gc
import weakref
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from specc.backend.build import Net, build
from specc.backend.initialize import initialize
from specc.ir.graph import Graph, Head
from specc.values import Size


def made(graph: Graph) -> Net:
    net = build(graph)
    initialize(net, 0)
    return net


def with_head(graph_of: Any, softmax: bool = False, head: str = "early") -> Graph:
    tail: list[Any] = [("softmax1", "softmax", {}, (8,))] if softmax else []
    graph: Graph = graph_of(
        (3, 8, 8),
        [
            ("stem.conv1", "conv", {"filters": 4}, (0,)),
            ("stem.relu1", "relu", {}, (1,)),
            ("as1", "as", {"name": "here"}, (2,)),
            (f"{head}.pool1", "global_avg_pool", {}, (3,)),
            (f"{head}.conv1", "conv", {"filters": 5, "kernel": Size(1, 1)}, (4,)),
            (f"{head}.softmax1", "softmax", {}, (5,)),
            ("pool1", "global_avg_pool", {}, (3,)),
            ("dense1", "dense", {"units": 5}, (7,)),
            *tail,
        ],
        (Head(head, 0.3, 6),),
    )
    return graph


def test_keys_are_the_paths_of_the_nodes(graph_of: Any) -> None:
    net = made(with_head(graph_of))
    assert list(net.state_dict()) == [
        f"{layer}.{name}" for layer in ("stem.conv1", "early.conv1", "dense1") for name in ("weight", "bias")
    ]
    assert isinstance(net.get_submodule("stem.conv1"), nn.Conv2d)
    assert list(net.layers) == [n.name for n in net.graph.nodes if n.op.torch]


@pytest.mark.parametrize("head", ["train", "forward", "graph", "layers", "early"])
def test_a_head_may_have_any_name(graph_of: Any, head: str) -> None:
    net = made(with_head(graph_of, head=head)).train()
    logits, heads = net(torch.randn(2, 3, 8, 8))
    assert logits.shape == (2, 5)
    assert {name: value.shape for name, value in heads.items()} == {head: (2, 5)}
    copied = build(net.graph)
    copied.load_state_dict(net.state_dict())
    x = torch.randn(2, 3, 8, 8)
    assert torch.equal(copied.eval()(x), net.eval()(x))


def test_heads_are_of_training_only(graph_of: Any) -> None:
    net = made(with_head(graph_of))
    ran: list[str] = []
    for name, module in net.layers.items():
        module.register_forward_hook(lambda *_, name=name: ran.append(name))
    x = torch.randn(2, 3, 8, 8)
    assert isinstance(net.eval()(x), Tensor)
    assert ran == ["stem.conv1", "stem.relu1", "pool1", "dense1"]
    ran.clear()
    logits, heads = net.train()(x)
    assert set(ran) == net.layers.keys() - {"early.softmax1"}
    assert torch.equal(logits, net.eval()(x))
    features = net.layers["stem.conv1"](x).relu().mean((2, 3), keepdim=True)
    assert torch.allclose(heads["early"], net.layers["early.conv1"](features).flatten(1), atol=1e-6)


def test_a_final_softmax_is_folded(graph_of: Any) -> None:
    plain, folded = made(with_head(graph_of)), made(with_head(graph_of, softmax=True))
    x = torch.randn(2, 3, 8, 8)
    assert folded.graph.ends_in_softmax
    assert torch.equal(plain.eval()(x), folded.eval()(x))


def test_a_softmax_inside_stays(chain: Any) -> None:
    net = made(chain((6,), ("softmax", {}), ("scale", {"value": 2.0})))
    assert torch.allclose(net(torch.randn(3, 6)).sum(1), torch.full((3,), 2.0))


def test_values_are_freed_after_their_last_use(graph_of: Any) -> None:
    """A chain of ten layers holds two values at a time, and the one that is used again."""
    layers: list[Any] = [(f"scale{i}", "scale", {"value": 1.5}, (i - 1,)) for i in range(1, 11)]
    net = made(graph_of((4,), [*layers, ("add1", "add", {}, (2, 10))])).eval()
    made_so_far: list[weakref.ref[Tensor]] = []
    alive: list[int] = []

    def watch(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        made_so_far.append(weakref.ref(output))
        alive.append(sum(ref() is not None for ref in made_so_far))

    for module in net.layers.values():
        module.register_forward_hook(watch)
    gc.disable()
    try:
        with torch.no_grad():
            net(torch.ones(1, 4))
    finally:
        gc.enable()
    assert max(alive) == 3


def test_layers_that_give_nothing_to_the_logits_do_not_run(graph_of: Any) -> None:
    graph = graph_of((4,), [("lost", "dense", {"units": 3}, (0,)), ("dense1", "dense", {"units": 2}, (0,))])
    net = made(graph)
    net.layers["lost"].register_forward_hook(lambda *_: pytest.fail("it ran"))
    assert net(torch.ones(1, 4)).shape == (1, 2)


def test_a_network_may_be_empty(graph_of: Any) -> None:
    x = torch.randn(2, 3, 4, 4)
    assert torch.equal(build(graph_of((3, 4, 4), []))(x), x)
    assert build(graph_of((3, 1, 1), []))(x[:, :, :1, :1]).shape == (2, 3)


def test_frozen_layers(chain: Any) -> None:
    graph = chain((3, 4, 4), ("conv", {"filters": 2, "trainable": False}), ("conv", {"filters": 2}))
    net = made(graph)
    assert [name for name, p in net.named_parameters() if not p.requires_grad] == ["conv1.weight", "conv1.bias"]
    assert sum(p.numel() for p in net.parameters()) == graph.parameters


def test_channels_last_and_copies(graph_of: Any) -> None:
    net = made(with_head(graph_of)).eval()
    x = torch.randn(2, 3, 8, 8)
    expected = net(x)
    copied = copy.deepcopy(net).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's own stub lacks it
    with torch.no_grad():
        net.layers["dense1"].get_parameter("weight").zero_()  # the copy shares nothing
    assert torch.allclose(copied(x.to(memory_format=torch.channels_last)), expected, atol=1e-5)


def test_dynamo_takes_it_whole(graph_of: Any) -> None:
    net = made(with_head(graph_of, head="train"))
    compiled = torch.compile(net, backend="eager", fullgraph=True)
    x = torch.randn(2, 3, 8, 8)
    logits, heads = compiled(x)
    plain, plain_heads = net(x)
    assert torch.equal(logits, plain)
    assert torch.equal(heads["train"], plain_heads["train"])


def test_drop_path_and_noise_are_drawn_for_each_image(chain: Any) -> None:
    torch.manual_seed(0)
    x = torch.ones(4000, 2, 2, 2)
    dropped = build(chain((2, 2, 2), ("drop_path", {"p": 0.25}))).train()(x)
    sums = dropped.flatten(1).sum(1)
    assert sorted(sums.unique().tolist()) == [0.0, pytest.approx(8 / 0.75)]
    assert (sums == 0).float().mean().item() == pytest.approx(0.25, abs=0.035)
    noisy = build(chain((2, 2, 2), ("gaussian_noise", {"std": 0.5}))).train()(x) - x
    assert noisy.std().item() == pytest.approx(0.5, rel=0.02)
    assert noisy.mean().item() == pytest.approx(0, abs=0.02)


def test_relu_after_max_pool_gives_the_same_numbers_and_gradients(graph_of: Any) -> None:
    graph = graph_of(
        (3, 8, 8),
        [
            ("conv1", "conv", {"filters": 6}, (0,)),
            ("relu1", "relu", {}, (1,)),
            ("max_pool1", "max_pool", {"size": Size(3, 3), "stride": Size(2, 2), "padding": Size(1, 1)}, (2,)),
            ("conv2", "conv", {"filters": 6}, (3,)),
            ("relu2", "relu", {}, (4,)),
            ("max_pool2", "max_pool", {}, (5,)),
            ("max_pool3", "max_pool", {"size": Size(2, 2), "stride": Size(2, 2)}, (4,)),
            ("add1", "add", {}, (6, 7)),
        ],
    )
    net, other = made(graph).train(), made(graph).train()
    with torch.no_grad():
        for one in (net, other):
            for weight in one.parameters():
                weight.copy_(weight.mul(4).round().div(4))  # so that there are ties, and zeros
    assert other.pools_after_relu() == 2
    other.pool_first()
    order: list[str] = []
    for name, layer in other.layers.items():
        layer.register_forward_hook(lambda *_, name=name: order.append(name))
    x = torch.randint(-2, 3, (4, 3, 8, 8), generator=torch.Generator().manual_seed(0)).float()
    for one in (net, other):
        (one(x) * torch.arange(6).view(-1, 1, 1)).sum().backward()
    assert torch.equal(net(x), other(x))
    for a, b in zip(net.parameters(), other.parameters(), strict=True):
        assert a.grad is not None and b.grad is not None and torch.equal(a.grad, b.grad)
    assert order[:6] == ["conv1", "max_pool1", "relu1", "conv2", "max_pool2", "relu2"]
    order.clear()
    other.eval()(x)
    assert order[:3] == ["conv1", "relu1", "max_pool1"]


def test_relu_stays_before_max_pool_where_something_else_needs_it(graph_of: Any) -> None:
    graph = graph_of(
        (3, 8, 8),
        [
            ("relu1", "relu", {}, (0,)),
            ("max_pool1", "max_pool", {"size": Size(3, 3), "stride": Size(1, 1), "padding": Size(1, 1)}, (1,)),
            ("add1", "add", {}, (1, 2)),
        ],
    )
    assert made(graph).pools_after_relu() == 0
