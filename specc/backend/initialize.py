"""How weights start. Each kernel is drawn by a generator of its own that depends on (seed, key) only.

So neither the order of the layers nor a change elsewhere in the network changes what a layer starts with.
"""

import hashlib
import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor, nn

from specc.backend.build import Net
from specc.backend.resolve import resolve
from specc.errors import SpeccError
from specc.values import Args, Bound
from specc.vocabulary.family import Initializer
from specc.vocabulary.registry import component
from specc.vocabulary.weight import Drawn, Fans

WHITENED = 500  # images whose patches are looked at together


Sample = Callable[[int], Tensor]


@torch.no_grad()
def initialize(net: Net, seed: int, sample: Sample | None = None) -> None:
    """Start every weight and every running statistic as its layer declares it.

    sample: gives so many normalized training images, N x C x H x W, to the initializers that look at them.

    Raises SpeccError E437 where one has to and there are none.
    """
    for node in net.graph.nodes:
        if not node.owns:
            continue
        for spec in net.graph.weights(node):
            module, key = net.layers[node.name], f"{node.name}.{spec.name}"
            weight = module.get_parameter(spec.name)
            if not isinstance(spec.start, Drawn):
                weight.fill_(spec.start)
            elif component(Initializer, spec.start.init).from_images:
                start_from_images(weight, module, spec.start.init, sample)
            else:
                fill(weight, spec.start, generator(seed, key))
        for statistic in net.graph.statistics(node):
            net.layers[node.name].get_buffer(statistic.name).fill_(statistic.start)


def generator(seed: int, key: str) -> Generator:
    """A generator on the CPU, seeded by the first 63 bits of SHA-256 of the seed and the weight's key."""
    digest = hashlib.sha256(f"{seed}/{key}".encode()).digest()
    return Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


@torch.no_grad()
def fill(weight: Tensor, start: Drawn, source: Generator) -> None:
    """Draw a kernel, on the CPU."""
    drawn = torch.empty(weight.shape)
    _draw(drawn, start.fans, start.init, source)
    weight.copy_(drawn)


def _draw(weight: Tensor, fans: Fans, init: Bound, source: Generator) -> None:
    resolve(component(Initializer, init).target)(weight, fans, init.args, source)


def start_from_images(weight: Tensor, module: nn.Module, init: Bound, sample: Sample | None) -> None:
    """Fill a kernel after looking at training images. Raises SpeccError E437 where there are none."""
    if sample is None:
        message = f"`{init.name}` needs training images, but there are none"
        raise SpeccError("E437", message, help="add a data source, such as data { source = cifar10 }", status=1)
    resolve(component(Initializer, init).target)(weight, module, init.args, sample(init.args.samples))


def whiten(weight: Tensor, module: nn.Module, a: Args, images: Tensor) -> None:
    """Filters that give uncorrelated outputs of about unit size for the patches of training images, in both signs.

        v_i / sqrt(l_i + eps)  and  -v_i / sqrt(l_i + eps)

    with the eigenvalues l_i, the largest first, and eigenvectors v_i of the patches' second moments (Jordan, 2024).
    """
    assert isinstance(module, nn.Conv2d)
    moments, count = torch.zeros((), dtype=torch.float64), 0
    for some in torch.split(images, WHITENED):
        patches = nn.functional.unfold(some, module.kernel_size, module.dilation).double()  # N x C*k*k x places
        flat = patches.transpose(0, 1).flatten(1)
        moments, count = moments + flat @ flat.T, count + flat.shape[1]
    values, vectors = torch.linalg.eigh(moments / count)
    filters = (vectors / (values.clamp(min=0) + a.eps).sqrt()).T.flip(0)
    weight.copy_(torch.cat([filters, -filters]).view(weight.shape))


def he_normal(weight: Tensor, fans: Fans, a: Args, source: Generator) -> None:
    weight.normal_(0, math.sqrt(2 / ((1 + a.slope * a.slope) * fans.of(a.fan))), generator=source)


def he_uniform(weight: Tensor, fans: Fans, a: Args, source: Generator) -> None:
    bound = math.sqrt(6 / ((1 + a.slope * a.slope) * fans.of(a.fan)))
    weight.uniform_(-bound, bound, generator=source)


def glorot_normal(weight: Tensor, fans: Fans, a: Args, source: Generator) -> None:
    weight.normal_(0, math.sqrt(1 / fans.of(a.fan)), generator=source)


def glorot_uniform(weight: Tensor, fans: Fans, a: Args, source: Generator) -> None:
    bound = math.sqrt(3 / fans.of(a.fan))
    weight.uniform_(-bound, bound, generator=source)


def lecun_normal(weight: Tensor, fans: Fans, a: Args, source: Generator) -> None:
    weight.normal_(0, math.sqrt(1 / fans.into), generator=source)


def torch_uniform(weight: Tensor, fans: Fans, a: Args, source: Generator) -> None:
    bound = math.sqrt(1 / fans.into)
    weight.uniform_(-bound, bound, generator=source)


def normal(weight: Tensor, fans: Fans, a: Args, source: Generator) -> None:
    weight.normal_(0, a.std, generator=source)


def truncated_normal(weight: Tensor, fans: Fans, a: Args, source: Generator) -> None:
    nn.init.trunc_normal_(weight, 0, a.std, -2 * a.std, 2 * a.std, generator=source)


def constant(weight: Tensor, fans: Fans, a: Args, source: Generator) -> None:
    weight.fill_(a.v)


def orthogonal(weight: Tensor, fans: Fans, a: Args, source: Generator) -> None:
    """The filters of a group are orthonormal, or the inputs are where there are more filters than inputs."""
    for group in torch.split(weight.movedim(fans.axis, 0), fans.filters):
        drawn = torch.empty(group.shape)
        group.copy_(nn.init.orthogonal_(drawn, generator=source))


def dirac(weight: Tensor, fans: Fans, a: Args, source: Generator) -> None:
    """Filter i of each group passes channel i of the group on; filters beyond the channels are `rest`, or zero."""
    if a.rest is None:
        weight.zero_()
    else:
        _draw(weight, fans, a.rest, source)
    filters = weight.movedim(fans.axis, 0)
    middle = tuple((k - 1) // 2 for k in filters.shape[2:])
    for group in torch.split(filters, fans.filters):
        for i in range(min(group.shape[:2])):
            group[i] = 0
            group[(i, i, *middle)] = 1
