"""Which weights learn, and by which optimizer."""

from collections.abc import Callable

import pytest
import torch

from specc.backend.build import Net, build
from specc.backend.engine.applied import applied
from specc.backend.engine.optimizers import freeze, kernel_names, learning
from specc.backend.engine.trainer import Trainer
from specc.check import check
from specc.source import Source
from specc.values import Bound

Make = Callable[..., Trainer]

SPEC = """
block stem(c) { conv(c) -> batch_norm -> relu }
network Net {
  input(1, 8x8)
  stem(4)
  depthwise_conv(3x3) -> prelu
  conv(4, 1x1, trainable=false)
  conv_transpose(4)
  layer_norm
  global_avg_pool -> dense(3, regularize=l1(1e-3))
}
"""


def made() -> tuple[Net, dict[str, Bound | None]]:
    graph = check(Source("net.cnn", SPEC)).graph
    assert graph is not None
    return build(graph), kernel_names(graph)


def test_kernels_are_those_of_conv_and_dense() -> None:
    net, kernels = made()
    assert set(kernels) <= set(net.state_dict())
    shapes = {name: net.get_parameter(name).dim() for name in kernels}
    assert len(shapes) == 5
    assert all(dim == (2 if name.startswith("dense") else 4) for name, dim in shapes.items())
    assert [name for name, own in kernels.items() if own] == ["dense1.weight"]


@pytest.mark.parametrize("selector", ["stem", "stem1"])
def test_frozen_weights_do_not_learn(selector: str) -> None:
    net, kernels = made()
    fixed = [name for name in kernels if name not in learning(net)]
    assert len(fixed) == 1  # trainable=false
    frozen = freeze(net, net.graph, [selector])
    assert "stem1.conv1.weight" in frozen
    assert not any(name.startswith("stem1.") for name in learning(net))


@pytest.mark.parametrize("name", ["adam", "adamw", "rmsprop", "sgd", "lamb", "muon"])
def test_weight_decay_reaches_kernels_only(make_trainer: Make, name: str) -> None:
    trainer = make_trainer(f"optimizer = {name}(lr=0.1, weight_decay=0.5)", network=SPEC)
    state = trainer.state
    kernels = {weight for key, weight in state.weights.items() if key in kernel_names(state.net.graph)}
    groups = state.optimizers.groups
    assert {weight for group in groups if group["weight_decay"] for weight in group["params"]} == kernels
    every = [weight for group in groups for weight in group["params"]]
    assert len(every) == len(state.weights)
    assert set(every) == set(state.weights.values())


@pytest.mark.parametrize(
    ("text", "theirs"),
    [
        ("sgd(0.1, 0.9, true, 0.01)", lambda p: torch.optim.SGD(p, 0.1, 0.9, nesterov=True, weight_decay=0.01)),
        ("adam", torch.optim.Adam),
        ("adam(lr=0.01, betas=(0.8, 0.9), eps=1e-4)", lambda p: torch.optim.Adam(p, 0.01, (0.8, 0.9), 1e-4)),
        ("adamw", torch.optim.AdamW),
        ("rmsprop", torch.optim.RMSprop),
    ],
)
def test_steps_as_torchs_with_its_defaults(
    make_trainer: Make, text: str, theirs: Callable[[list[torch.nn.Parameter]], torch.optim.Optimizer]
) -> None:
    """On a network that has only kernels, which weight decay reaches in torch too."""
    network = "network Plain { input(1, 4x4); flatten -> dense(3, bias=false) }\n"
    trainer, reference = (make_trainer(f"optimizer = {text}", network=network) for _ in range(2))
    net = reference.state.net
    optimizer = theirs(list(net.parameters()))
    for step in range(3):
        trainer.step()
        images, labels = reference.loader.training(0, step)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(images), labels).backward()
        optimizer.step()
    torch.testing.assert_close(trainer.state.net.state_dict(), net.state_dict())


def test_says_what_a_trick_applied_to() -> None:
    net, kernels = made()
    weights = learning(net)
    count = sum(weights[name].numel() for name in kernels if name in weights)
    assert applied(net.graph, weights, kernels, "l2(1e-4)") == (
        f"l2(1e-4): 4 kernels, {count:,} weights; not 4 norm tensors, 3 biases and 1 other tensor"
    )
