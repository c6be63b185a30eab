"""The layers of the language: each is there, with its parameters in their order and with their defaults."""

import pytest

from specc.ops import OPS
from specc.source import Source
from specc.syntax.parse import parse_expression
from specc.values import show
from specc.vocabulary.param import REQUIRED
from tests.helpers.checking import fine, net

INIT = "init=auto, regularize=none, trainable=true"
CONV = "filters, kernel=3x3, stride=1x1, padding=same, dilation=1x1, groups=1"
TRANSPOSE = "filters, kernel=2x2, stride=2x2, padding=0x0, output_padding=0x0, dilation=1x1, groups=1"
LAYERS = f"""
conv({CONV}, bias=auto, {INIT})
depthwise_conv(kernel=3x3, stride=1x1, padding=same, dilation=1x1, multiplier=1, bias=auto, {INIT})
ws_conv({CONV}, eps=1e-06, gain=false, gamma=1, init_scale=1, bias=auto, {INIT})
channel_conv(kernel, {INIT})
conv_transpose({TRANSPOSE}, bias=auto, {INIT})
dense(units, bias=true, {INIT})
flatten
batch_norm(eps=1e-05, momentum=0.1, scale=true, shift=true, init_scale=1)
instance_norm(eps=1e-05, scale=true, shift=true, init_scale=1)
layer_norm(eps=1e-05, over=channels, scale=true, shift=true, init_scale=1)
group_norm(groups=32, eps=1e-05, scale=true, shift=true, init_scale=1)
local_response_norm(size, alpha=0.0001, beta=0.75, k=1)
global_response_norm(eps=1e-06)
max_pool(size=2x2, stride=size, padding=0x0, ceil=false)
avg_pool(size=2x2, stride=size, padding=0x0, ceil=false, count_padding=true)
global_avg_pool
global_max_pool
adaptive_avg_pool(size)
adaptive_max_pool(size)
channel_mean
channel_max
blur_pool(size=3)
leaky_relu(slope=0.01)
dropout(p=50%)
spatial_dropout(p)
drop_path(p)
gaussian_noise(std)
channels(start, stop)
channel_shuffle(groups)
pixel_shuffle(r)
space_to_depth(r)
upsample(scale=2x2, mode=nearest)
resize_to(size=none, mode=bilinear, like=none)
crop_to(name, offset=center)
scale(value, learned=false)
layer_scale(init=1e-06)
identity
expect(channels, size=none)
as(name)
from(name)
residual
add
multiply
maximum
concat
repeat(n)
head(name, weight)
""".strip().splitlines()
ACTIVATIONS = [
    *("relu", "relu6", "leaky_relu", "prelu", "elu", "selu", "gelu", "silu", "mish", "hard_swish", "hard_sigmoid"),
    *("sigmoid", "tanh", "softmax", "softplus"),
]


def signature(name: str) -> str:
    params = [f"{p.name}={show(p.default)}" if p.default is not REQUIRED else p.name for p in OPS[name].params]
    return f"{name}({', '.join(params)})" if params else name


@pytest.mark.parametrize("line", LAYERS, ids=lambda line: line.partition("(")[0])
def test_every_layer_of_the_table(line):
    name = line.partition("(")[0]
    found = signature(name)
    # Layers may have learned more since, behind what the table says; a parameter without a default may have got one.
    for wanted, there in zip(_parts(line), _parts(found), strict=False):
        assert there == wanted or there.startswith(f"{wanted}=")
    assert len(_parts(found)) >= len(_parts(line))


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.partition("(")[2].rstrip(")").split(", ")] if "(" in text else []


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation(name):
    graph = fine(net(f"{name} -> flatten -> {name}")).graph
    assert [node.shape for node in graph.nodes[1:]] == [(8, 16, 16), (2048,), (2048,)]


@pytest.mark.parametrize("name", sorted(set(OPS) - {"input"}))
def test_every_layers_example(name):
    fine(net(OPS[name].example))


@pytest.mark.parametrize("name", sorted(OPS))
def test_defaults_can_be_written(name):
    for param in OPS[name].params:
        if param.default is not REQUIRED:
            assert parse_expression(Source("default", show(param.default)))[0] is not None
