"""What a layer is where a spec says nothing, and what is advised where a window does not fit."""

import re

import pytest

from specc.ops import OPS
from specc.values import show
from tests.helpers.checking import net, only, spec

DEFAULTS = {
    "conv": "kernel=3x3 stride=1x1 padding=same dilation=1x1 groups=1 bias=auto trainable=true",
    "depthwise_conv": "kernel=3x3 stride=1x1 padding=same dilation=1x1 multiplier=1 bias=auto trainable=true",
    "ws_conv": "kernel=3x3 stride=1x1 padding=same dilation=1x1 groups=1 eps=1e-06 gain=false gamma=1 init_scale=1 "
    "bias=auto",
    "channel_conv": "trainable=true",
    "conv_transpose": "kernel=2x2 stride=2x2 padding=0x0 output_padding=0x0 dilation=1x1 groups=1 bias=auto",
    "dense": "bias=true trainable=true",
    "batch_norm": "eps=1e-05 momentum=0.1 scale=true shift=true init_scale=1",
    "instance_norm": "eps=1e-05 scale=true shift=true init_scale=1",
    "layer_norm": "eps=1e-05 over=channels scale=true shift=true init_scale=1",
    "group_norm": "groups=32 eps=1e-05 scale=true shift=true init_scale=1",
    "global_response_norm": "eps=1e-06",
    "local_response_norm": "alpha=0.0001 beta=0.75 k=1",
    "max_pool": "size=2x2 stride=size padding=0x0 ceil=false",
    "avg_pool": "size=2x2 stride=size padding=0x0 ceil=false count_padding=true",
    "blur_pool": "size=3",
    "leaky_relu": "slope=0.01",
    "elu": "alpha=1",
    "dropout": "p=50%",
    "spatial_dropout": "p=50%",
    "upsample": "scale=2x2 mode=nearest",
    "resize_to": "size=none mode=bilinear like=none",
    "pad": "mode=zero",
    "crop_to": "offset=center",
    "scale": "learned=false",
    "layer_scale": "init=1e-06",
    "expect": "size=none",
    "input": "size=none",
    "head": "weight=0.3",
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_defaults(name: str) -> None:
    found = {param.name: show(param.default) for param in OPS[name].params}
    assert {param: found[param] for param in re.findall(r"(\w+)=", DEFAULTS[name])} == dict(
        item.split("=") for item in DEFAULTS[name].split()
    )


@pytest.mark.parametrize(
    ("call", "padding"),
    [("conv(4, 5x7, padding={})", "2x2"), ("conv(4, 3x9, padding={})", "1x3"), ("conv(4, 8x3, padding={})", "3x0")],
)
def test_the_padding_that_is_advised_is_the_least_that_fits(call: str, padding: str) -> None:
    """Of a map of 2 x 3."""
    error = only(net(call.format(0), input="input(8, 2x3)"))
    assert error.code == "E303" and f"use `padding={padding}`" in error.help
    assert net(call.format(padding), input="input(8, 2x3)").errors == []


def test_a_block_is_pointed_at_for_what_it_needs_and_a_network_is_not() -> None:
    error = only(net("relu", "block b(c) { conv(c) }", input="input(8, 8x8)\nb"))
    assert (error.code, [label.text for label in error.labels]) == ("E206", ["`b` is declared here"])
    error = only(spec("network N(c) { input(8, 8x8) -> conv(c) }"))
    assert (error.code, error.labels) == ("E206", ()) and "--set network.c=" in error.help
