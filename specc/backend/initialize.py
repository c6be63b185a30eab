"""How weights start. Each is drawn by a generator of its own that depends on (seed, key) only.

So neither the order of the layers nor a change elsewhere in the network changes what a layer starts with.
"""

import hashlib
import math
from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from specc.backend.build import Net
from specc.errors import SpeccError
from specc.tricks.init import COMPONENTS
from specc.values import Args, Bound

WHITENED = 500  # images whose patches are looked at together
_TARGETS = {trick.name: trick.target for trick in COMPONENTS}


class Fans(NamedTuple):
    """How many products are summed into one output value, and how many output values one input value enters."""

    into: float
    out: float


Sample = Callable[[int], Tensor]


def initialize(net: Net, seed: int, sample: Sample | None = None) -> None:
    """Draw the kernels of convolutions and dense layers as their `init` says; their biases become zero.

    Norms, `prelu` and `layer_scale` start as their modules make them, with nothing random about it.
    sample: gives so many normalized training images, N x C x H x W, to the initializers that look at them.

    Raises SpeccError E437 where one has to and there are none.
    """
    by_name = {node.name: node for node in net.graph.nodes}
    for name, module in net.layers.items():
        init = getattr(by_name[name].args, "init", None)
        if isinstance(init, Bound) and init.name == "whiten":
            whiten(module, init.args, sample)
        elif isinstance(init, Bound):
            fill(module, init, generator(seed, f"{name}.weight"))


def generator(seed: int, key: str) -> Generator:
    """A generator on the CPU, seeded by the first 63 bits of SHA-256 of the seed and the weight's key."""
    digest = hashlib.sha256(f"{seed}/{key}".encode()).digest()
    return Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


@torch.no_grad()
def fill(module: nn.Module, init: Bound, source: Generator) -> None:
    """Draw the weight of one convolution or dense layer, on the CPU, and set its bias to zero."""
    assert isinstance(module.weight, Tensor)
    weight = torch.empty(module.weight.shape)
    _draw(weight, module, init, source)
    module.weight.copy_(weight)
    if isinstance(module.bias, Tensor):
        module.bias.zero_()


def _draw(weight: Tensor, module: nn.Module, init: Bound, source: Generator) -> None:
    place, _, function = _TARGETS[init.name].rpartition(".")
    getattr(import_module(place), function)(weight, module, init.args, source)


@torch.no_grad()
def whiten(module: nn.Module, a: Args, sample: Sample | None) -> None:
    """Filters that give uncorrelated outputs of about unit size for the patches of training images, in both signs.

        v_i / sqrt(l_i + eps)  and  -v_i / sqrt(l_i + eps)

    with the eigenvalues l_i, the largest first, and eigenvectors v_i of the patches' second moments (Jordan, 2024).
    """
    if sample is None:
        message = "`whiten` starts from training images, and there are none"
        raise SpeccError("E437", message, help="say where the images are, such as data { source = cifar10 }", status=1)
    assert isinstance(module, nn.Conv2d)
    moments, count = torch.zeros((), dtype=torch.float64), 0
    for images in torch.split(sample(a.samples), WHITENED):
        patches = nn.functional.unfold(images, module.kernel_size, module.dilation).double()  # N x C*k*k x places
        flat = patches.transpose(0, 1).flatten(1)
        moments, count = moments + flat @ flat.T, count + flat.shape[1]
    values, vectors = torch.linalg.eigh(moments / count)
    filters = (vectors / (values.clamp(min=0) + a.eps).sqrt()).T.flip(0)
    module.weight.copy_(torch.cat([filters, -filters]).view(module.weight.shape))
    if module.bias is not None:
        module.bias.zero_()


def fans(module: nn.Module) -> Fans:
    """The fans of a layer. A group counts by itself: a depthwise 3 x 3 kernel has 9 inputs.

    A transposed convolution with stride s adds k * k / (s * s) taps of each channel at an output pixel, on average.
    """
    if isinstance(module, nn.ConvTranspose2d):
        taps = math.prod(module.kernel_size)
        return Fans(module.in_channels * taps / math.prod(module.stride), module.out_channels * taps)
    if isinstance(module, nn.Conv2d):
        taps = math.prod(module.kernel_size)
        return Fans(module.in_channels // module.groups * taps, module.out_channels // module.groups * taps)
    assert isinstance(module, nn.Linear)
    return Fans(module.in_features, module.out_features)


def he_normal(weight: Tensor, module: nn.Module, a: Args, source: Generator) -> None:
    weight.normal_(0, math.sqrt(2 / fans(module).into), generator=source)


def he_uniform(weight: Tensor, module: nn.Module, a: Args, source: Generator) -> None:
    bound = math.sqrt(6 / fans(module).into)
    weight.uniform_(-bound, bound, generator=source)


def glorot_normal(weight: Tensor, module: nn.Module, a: Args, source: Generator) -> None:
    weight.normal_(0, math.sqrt(2 / sum(fans(module))), generator=source)


def glorot_uniform(weight: Tensor, module: nn.Module, a: Args, source: Generator) -> None:
    bound = math.sqrt(6 / sum(fans(module)))
    weight.uniform_(-bound, bound, generator=source)


def lecun_normal(weight: Tensor, module: nn.Module, a: Args, source: Generator) -> None:
    weight.normal_(0, math.sqrt(1 / fans(module).into), generator=source)


def torch_uniform(weight: Tensor, module: nn.Module, a: Args, source: Generator) -> None:
    bound = math.sqrt(1 / fans(module).into)
    weight.uniform_(-bound, bound, generator=source)


def normal(weight: Tensor, module: nn.Module, a: Args, source: Generator) -> None:
    weight.normal_(0, a.std, generator=source)


def constant(weight: Tensor, module: nn.Module, a: Args, source: Generator) -> None:
    weight.fill_(a.v)


def orthogonal(weight: Tensor, module: nn.Module, a: Args, source: Generator) -> None:
    """The filters of a group are orthonormal, or the inputs are where there are more filters than inputs."""
    filters = weight.transpose(0, 1) if isinstance(module, nn.ConvTranspose2d) else weight
    for group in filters.chunk(getattr(module, "groups", 1)):
        drawn = torch.empty(group.shape)
        group.copy_(nn.init.orthogonal_(drawn, generator=source))


def dirac(weight: Tensor, module: nn.Module, a: Args, source: Generator) -> None:
    """Filter i of each group passes channel i of the group on; filters beyond the channels are `rest`, or zero."""
    if a.rest is None:
        weight.zero_()
    else:
        _draw(weight, module, a.rest, source)
    filters = weight.transpose(0, 1) if isinstance(module, nn.ConvTranspose2d) else weight
    middle = tuple((k - 1) // 2 for k in filters.shape[2:])
    for group in filters.chunk(getattr(module, "groups", 1)):
        for i in range(min(group.shape[:2])):
            group[i] = 0
            group[(i, i, *middle)] = 1
