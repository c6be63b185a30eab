"""Initializers: their distributions, and what they depend on."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from specc.backend.build import build
from specc.backend.initialize import fill, generator, initialize
from specc.check import check
from specc.errors import SpeccError
from specc.ir.graph import Graph
from specc.source import Source
from specc.tricks.init import COMPONENTS
from specc.values import Bound, Size
from specc.vocabulary.family import Initializer
from specc.vocabulary.registry import call
from specc.vocabulary.weight import Drawn, Fans

MODULES: list[tuple[nn.Module, Fans]] = [
    (nn.Conv2d(16, 96, 3), Fans(16 * 9, 96 * 9, 96)),
    (nn.Conv2d(32, 128, (3, 5), groups=4), Fans(8 * 15, 32 * 15, 32)),
    (nn.Conv2d(512, 512, 5, groups=512), Fans(25, 25, 1)),
    (nn.ConvTranspose2d(64, 32, 2, stride=2), Fans(64, 32 * 4, 32, axis=1)),
    (nn.ConvTranspose2d(48, 16, 3, stride=1), Fans(48 * 9, 16 * 9, 16, axis=1)),
    (nn.Linear(300, 40), Fans(300, 40, 40)),
]

# The layer of the language that each of them is, and the shape that flows into it.
LAYERS: list[tuple[str, Any, dict[str, Any]]] = [
    ("conv", (16, 8, 8), {"filters": 96}),
    ("conv", (32, 8, 8), {"filters": 128, "kernel": Size(3, 5), "groups": 4}),
    ("depthwise_conv", (512, 8, 8), {"kernel": Size(5, 5)}),
    ("conv_transpose", (64, 8, 8), {"filters": 32}),
    ("conv_transpose", (48, 8, 8), {"filters": 16, "kernel": Size(3, 3), "stride": Size(1, 1)}),
    ("dense", (300,), {"units": 40}),
]

VARIANCE: dict[str, Callable[[Fans], float]] = {
    "he_normal": lambda n: 2 / n.into,
    "he_uniform": lambda n: 2 / n.into,
    "glorot_normal": lambda n: 2 / (n.into + n.out),
    "glorot_uniform": lambda n: 2 / (n.into + n.out),
    "lecun_normal": lambda n: 1 / n.into,
    "torch_uniform": lambda n: 1 / (3 * n.into),
    "normal": lambda n: 0.3**2,
}
KURTOSIS = {"normal": 3.0, "uniform": 1.8}


def bound(name: str, **given: Any) -> Bound:
    return call(Initializer, name, **given)


def drawn(module: nn.Module, fans: Fans, name: str, **given: Any) -> Tensor:
    assert isinstance(module.weight, Tensor) and isinstance(module.bias, Tensor)
    nn.init.zeros_(module.bias)
    fill(module.weight, Drawn(bound(name, **given), fans), generator(0, name))
    return module.weight.detach().double()


def filters_of(module: nn.Module, weight: Tensor) -> tuple[Tensor, ...]:
    """Of each group: filters x inputs x height x width."""
    if isinstance(module, nn.ConvTranspose2d):
        weight = weight.transpose(0, 1)
    return weight.chunk(getattr(module, "groups", 1))


@pytest.mark.parametrize(("layer", "module", "expected"), [(a, *b) for a, b in zip(LAYERS, MODULES, strict=True)])
def test_layers_declare_their_fans(chain: Any, layer: Any, module: nn.Module, expected: Fans) -> None:
    name, shape, given = layer
    graph = chain(shape, (name, given))
    kernel = graph.kernel(graph.nodes[1])
    assert isinstance(module.weight, Tensor) and kernel.shape == tuple(module.weight.shape)
    assert kernel.start.fans == expected


@pytest.mark.parametrize(("module", "expected"), MODULES, ids=str)
@pytest.mark.parametrize("name", VARIANCE)
def test_distribution(module: nn.Module, expected: Fans, name: str) -> None:
    """Mean, variance and fourth moment within five standard errors; uniforms stay in their bounds."""
    w = drawn(module, expected, name, **({"std": 0.3} if name == "normal" else {})).flatten()
    variance, kurtosis, n = VARIANCE[name](expected), KURTOSIS[name.rpartition("_")[2]], w.numel()
    assert abs(w.mean().item()) < 5 * math.sqrt(variance / n)
    assert w.square().mean().item() == pytest.approx(variance, rel=5 * math.sqrt((kurtosis - 1) / n))
    eighth = {3.0: 105.0, 1.8: 9.0}[kurtosis]
    error = 5 * math.sqrt((eighth - kurtosis**2) / n)
    assert w.pow(4).mean().item() / variance**2 == pytest.approx(kurtosis, abs=error)
    if kurtosis == 1.8:
        assert w.abs().max().item() <= math.sqrt(3 * variance) * (1 + 1e-6)


@pytest.mark.parametrize(("module", "fans"), MODULES[:5], ids=str)
def test_he_normal_keeps_the_scale(module: nn.Module, fans: Fans) -> None:
    """A layer after a relu gives what flowed into the relu: that is what the variance is for (away from borders)."""
    torch.manual_seed(0)
    drawn(module, fans, "he_normal")
    channels = module.in_channels
    assert isinstance(channels, int)
    y = module(torch.relu(torch.randn(4, channels, 24, 24)))[:, :, 4:-4, 4:-4]
    assert y.square().mean().item() == pytest.approx(1, rel=0.15)


@pytest.mark.parametrize(("module", "fans"), MODULES, ids=str)
def test_orthogonal(module: nn.Module, fans: Fans) -> None:
    for group in filters_of(module, drawn(module, fans, "orthogonal")):
        rows = group.flatten(1)
        if len(rows) > rows.shape[1]:
            rows = rows.T
        assert torch.allclose(rows @ rows.T, torch.eye(len(rows), dtype=torch.double), atol=1e-5)


@pytest.mark.parametrize(
    ("module", "fans"),
    [
        (nn.Conv2d(3, 5, 3, padding=1), Fans(27, 45, 5)),
        (nn.Conv2d(5, 3, (1, 5), padding=(0, 2)), Fans(25, 15, 3)),
        (nn.Conv2d(4, 8, 3, padding=1, groups=2), Fans(18, 36, 4)),
        (nn.ConvTranspose2d(3, 5, 3, padding=1), Fans(27, 45, 5, axis=1)),
        (nn.Linear(7, 4), Fans(7, 4, 4)),
    ],
    ids=str,
)
def test_dirac_passes_its_input_on(module: nn.Module, fans: Fans) -> None:
    drawn(module, fans, "dirac", rest=None)
    shape = (2, 7) if isinstance(module, nn.Linear) else (2, module.in_channels, 6, 6)
    x = torch.randn(*shape)
    groups = getattr(module, "groups", 1)
    for inputs, outputs in zip(x.chunk(groups, 1), module(x).chunk(groups, 1), strict=True):
        kept = min(inputs.shape[1], outputs.shape[1])
        assert torch.equal(outputs[:, :kept], inputs[:, :kept])
        assert not outputs[:, kept:].any()


def test_constant() -> None:
    assert (drawn(nn.Linear(3, 4), Fans(3, 4, 4), "constant", v=0.25) == 0.25).all()


@pytest.mark.parametrize(
    "trick", [trick for trick in COMPONENTS if trick.name != "whiten"], ids=lambda trick: trick.name
)
def test_every_initializer_draws(trick: Any) -> None:
    given = {param.name: 0.5 if param.name in ("std", "v") else param.default for param in trick.params}
    assert torch.isfinite(drawn(nn.Linear(6, 5), Fans(6, 5, 5), trick.name, **given)).all()


def small(chain: Any, width: int = 4, init: str = "he_normal") -> Graph:
    given = {"init": bound(init)}
    graph: Graph = chain(
        (3, 8, 8),
        ("conv", {"filters": width, **given}),
        ("batch_norm", {}),
        ("conv", {"filters": 5, "kernel": Size(1, 1), "init": bound("he_normal")}),
        ("global_avg_pool", {}),
        ("dense", {"units": 2, "init": bound("he_normal")}),
    )
    return graph


def test_a_weight_depends_on_the_seed_and_its_key_only(chain: Any) -> None:
    nets = {}
    for name, graph, seed in (
        ("first", small(chain), 3),
        ("again", small(chain), 3),
        ("other", small(chain, init="glorot_normal"), 3),
        ("seeded", small(chain), 4),
    ):
        torch.manual_seed(hash(name) % 1000)  # the global generator has no say
        nets[name] = build(graph)
        initialize(nets[name], seed)
    first, again, other, seeded = (net.state_dict() for net in nets.values())
    assert all(torch.equal(first[key], again[key]) for key in first)
    changed = {key for key in first if not torch.equal(first[key], other[key])}
    assert changed == {"conv1.weight"}
    changed = {key for key in first if not torch.equal(first[key], seeded[key])}
    assert changed == {"conv1.weight", "conv3.weight", "dense5.weight"}
    assert (first["batch_norm2.weight"] == 1).all() and not first["dense5.bias"].any()


def test_draws_stay_the_same_between_versions() -> None:
    """Figures on record; a change here changes every training that anybody repeats."""
    module = nn.Conv2d(1, 1, 2)
    fill(module.weight, Drawn(bound("he_normal"), Fans(4, 4, 1)), generator(0, "conv1.weight"))
    assert module.weight.flatten().tolist() == pytest.approx([-0.7948858, -0.5192654, -0.7532485, 0.6205098], abs=1e-6)


def test_dirac_over_another_initializer() -> None:
    """As airbench94: the first filters pass the channels on, the others are drawn as they would be without it."""
    module, plain, fans = nn.Conv2d(4, 10, 3, padding=1), nn.Conv2d(4, 10, 3), Fans(36, 90, 10)
    drawn(module, fans, "dirac", rest=bound("torch_uniform"))
    fill(plain.weight, Drawn(bound("torch_uniform"), fans), generator(0, "dirac"))
    assert torch.equal(module.weight[4:], plain.weight[4:])
    expected = torch.empty(10, 4, 3, 3)
    nn.init.dirac_(expected[:4])
    assert torch.equal(module.weight[:4], expected[:4])


WHITEN = "network Net { input(3, 6x7); conv(24, 2x2, padding=0, bias=true, init=whiten(eps=EPS, samples=50)) }"


def whitened(images: Tensor, eps: float) -> nn.Conv2d:
    graph = check(Source("net.cnn", WHITEN.replace("EPS", str(eps)))).graph
    assert graph is not None
    net = build(graph)
    initialize(net, 0, lambda count: images[:count])
    module = net.layers["conv1"]
    assert isinstance(module, nn.Conv2d)
    return module


def test_whiten_makes_patches_uncorrelated_and_of_unit_size() -> None:
    """The first 12 filters give the identity as second moments; the others are their negatives; biases are zero."""
    source = torch.Generator().manual_seed(0)
    images = torch.randn(60, 3, 6, 7, generator=source).cumsum(3) + 2  # neighbors are alike, and the mean is not 0
    module = whitened(images, 1e-8)
    y = module(images[:50]).transpose(0, 1).flatten(1).double().detach()
    torch.testing.assert_close(y[:12] @ y[:12].T / y.shape[1], torch.eye(12, dtype=torch.float64), rtol=0, atol=1e-3)
    assert torch.equal(module.weight[:12], -module.weight[12:])
    assert module.bias is not None and not module.bias.any()


def test_whiten_as_airbench() -> None:
    """Up to the sign of each filter: eigenvectors over the root of eigenvalue + eps, the largest first."""
    images = torch.randn(40, 3, 6, 7, generator=torch.Generator().manual_seed(1)).cumsum(2)
    patches = images.unfold(2, 2, 1).unfold(3, 2, 1).transpose(1, 3).reshape(-1, 12).double()
    values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
    expected = (vectors.T / (values[:, None] + 0.3).sqrt()).flip(0).view(12, 3, 2, 2)
    found = whitened(images, 0.3).weight[:12].double()
    same = torch.sign((found * expected).sum((1, 2, 3), keepdim=True))
    torch.testing.assert_close(found * same, expected, rtol=1e-4, atol=1e-5)


def test_whiten_of_no_images() -> None:
    graph = check(Source("net.cnn", WHITEN.replace("EPS", "1"))).graph
    assert graph is not None
    with pytest.raises(SpeccError, match="training images") as error:
        initialize(build(graph), 0)
    assert error.value.code == "E437"
