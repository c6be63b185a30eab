"""Every layer, with several arguments: alone, and in a block that is called with other numbers of channels."""

import pytest

from specc.check import check
from specc.ops import OPS
from specc.source import Source

AVERAGES = [f"avg_pool(3, stride=2, padding=same_upper, count_padding={counts})" for counts in ("true", "false")]

# Bodies that compile after `input(8, 16x16)`, besides the example of each layer.
MORE = {
    "conv": [
        "conv(5, 1x7, bias=false)",
        "conv(6, 2x2)",
        "conv(6, 4, stride=2x1, bias=false)",
        "conv(6, 2x3, dilation=2x3)",
        "conv(6, 3x3, stride=2, padding=0)",
        "conv(6, 3x3, padding=1x0)",
        "conv(8, groups=4, trainable=false)",
        "conv(6, 3x3, stride=2, padding=same_upper)",
        "conv(6, 4x2, dilation=2, padding=same_upper)",
        "conv(6, 1x1, stride=2, padding=same_upper)",
    ],
    "ws_conv": [
        "ws_conv(6, eps=1e-2)",
        "ws_conv(6, 2x2, gain=true, bias=false)",
        "ws_conv(6, 5x5, stride=2, gain=true, gamma=1.7, groups=2, padding=same_upper)",
        "ws_conv(6, 1x1, trainable=false)",
    ],
    "channel_conv": ["global_avg_pool -> channel_conv(5, trainable=false)"],
    "global_response_norm": ["global_response_norm(0.1)"],
    "depthwise_conv": [
        "depthwise_conv(5x5, stride=2, padding=same_upper)",
        "depthwise_conv(5x5, stride=2)",
        "depthwise_conv(2x2, multiplier=3, bias=false)",
    ],
    "conv_transpose": [
        "conv_transpose(5)",
        "conv_transpose(4, 3x3, stride=2, padding=1, bias=false)",
        "conv_transpose(4, 3x5, stride=1x3, padding=0x2)",
        "conv_transpose(4, 3x3, padding=1, output_padding=1, groups=2)",
        "conv_transpose(4, 3x3, dilation=2x1, output_padding=0x1)",
    ],
    "dense": ["global_avg_pool -> dense(5)", "flatten -> dense(3, bias=false) -> relu -> dense(2, trainable=false)"],
    "batch_norm": [
        "batch_norm(eps=1e-3, momentum=0.5)",
        "batch_norm(scale=false)",
        "batch_norm(shift=false)",
        "batch_norm(scale=false, shift=false)",
        "flatten -> dense(6) -> batch_norm",
        "flatten -> dense(6) -> batch_norm(scale=false)",
    ],
    "instance_norm": [
        "instance_norm(eps=1e-2)",
        "instance_norm(scale=false)",
        "instance_norm(scale=false, shift=false)",
    ],
    "layer_norm": [
        "layer_norm(over=image)",
        "layer_norm(over=image, shift=false)",
        "layer_norm(scale=false)",
        "flatten -> layer_norm",
        "flatten -> layer_norm(shift=false)",
        "flatten -> layer_norm(scale=false, shift=false)",
    ],
    "group_norm": ["group_norm(2, scale=false)", "group_norm(4, eps=1e-2)", "group_norm(1, scale=false, shift=false)"],
    "local_response_norm": ["local_response_norm(3, alpha=1.0, beta=0.5, k=2.0)"],
    "max_pool": [
        "max_pool(3x2, stride=2x3, padding=1x0, ceil=true)",
        "max_pool(5, stride=1)",
        "max_pool(3, stride=2, padding=same_upper)",
    ],
    "avg_pool": ["avg_pool(3, stride=2, padding=1, count_padding=false)", "avg_pool(2x3, ceil=true)", *AVERAGES],
    "adaptive_max_pool": ["adaptive_max_pool(1x5)", "adaptive_max_pool(7)"],
    "channel_mean": ["concat { | channel_mean | channel_max }", "add { | identity | relu } -> channel_mean"],
    "resize_to": [
        "resize_to(5x40)",
        "resize_to(33, mode=nearest)",
        "resize_to(5x40, mode=bicubic)",
        "as(all) -> max_pool(3, stride=2) -> add { | identity | relu } -> resize_to(like=all, mode=nearest)",
    ],
    "global_max_pool": ["global_max_pool"],
    "adaptive_avg_pool": ["adaptive_avg_pool(1x5)", "adaptive_avg_pool(7)"],
    "blur_pool": ["blur_pool(2)", "blur_pool(5)"],
    "leaky_relu": ["leaky_relu"],
    "elu": ["elu(0.5)"],
    "prelu": ["flatten -> prelu"],
    "softmax": ["softmax -> conv(4, 1x1)", "flatten -> dense(10) -> softmax"],
    "dropout": ["dropout", "dropout(0)"],
    "spatial_dropout": ["spatial_dropout"],
    "drop_path": ["residual { drop_path(0) }", "global_avg_pool -> dense(6) -> residual { drop_path(0.3) }"],
    "gaussian_noise": ["gaussian_noise(0)"],
    "channels": ["channels(2, 5)", "flatten -> channels(11, 12)", "residual { relu } -> channels(0, 2)"],
    "channel_shuffle": ["channel_shuffle(2)"],
    "pixel_shuffle": ["pixel_shuffle(1)"],
    "space_to_depth": ["space_to_depth(2)"],
    "upsample": ["upsample", "upsample(3x1)", "upsample(1x4, mode=bilinear)"],
    "pad": ["pad(1)", "pad((0, 1, 2, 3), mode=replicate)", "pad(1x2, mode=reflect)"],
    "crop_to": [
        "as(all) -> conv(4, 5x5, padding=0) -> as(less) -> concat { | identity | from(all) -> crop_to(less) }",
        "as(all) -> conv(4, 5x5, padding=0) -> as(less) -> from(all) -> crop_to(less, offset=0x3)",
    ],
    "maximum": ["maximum { | relu | tanh | add { | identity | sigmoid } }", "maximum { | relu }"],
    "add": ["add { | relu | tanh | sigmoid }", "add { | identity | add { | relu | tanh } }", "add { | relu }"],
    "multiply": [
        "multiply { | global_avg_pool -> sigmoid | identity }",
        "multiply { | relu | residual { tanh } }",
        "multiply { | identity | channel_max -> sigmoid | global_avg_pool }",
    ],
    "concat": ["concat { | conv(3) | identity | relu }", "concat { | identity | identity }"],
    "scale": [
        "scale(0, learned=true)",
        "flatten -> scale(0.5, learned=true)",
        "scale(-2)",
        "residual { scale(0.5) } -> scale(3)",
    ],
    "layer_scale": ["layer_scale(0.5)", "flatten -> layer_scale", "global_avg_pool -> layer_scale(0.1)"],
    "head": ["conv(4) -> head(early, weight=0.5) { global_avg_pool } -> relu -> global_avg_pool -> dense(4)"],
    "repeat": ["repeat(0) { relu } -> conv(3)", "repeat(2) { residual { conv(in.channels) -> relu } }"],
}
BODIES = [(name, body) for name, op in OPS.items() if name != "input" for body in [op.example, *MORE.get(name, [])]]


@pytest.mark.parametrize(("name", "body"), BODIES, ids=[f"{name}-{i}" for i, (name, _) in enumerate(BODIES)])
def test_alone_and_in_a_block(emitted, name, body):
    alone = emitted(f"network Net {{ input(8, 16x16) -> {body} }}")
    alone.has_the_same_keys()
    alone.computes_the_same()
    block = f"block part {{ {body} }}\nnetwork Net {{ input(8, 16x16) -> "
    bodies = (f"concat {{ | part | conv({channels}, 1x1) -> part }} }}" for channels in (16, 8))
    fitting = (text for text in map(block.__add__, bodies) if not check(Source("net.cnn", text)).errors)
    called = emitted(next(fitting, f"{block} part }}"))
    called.has_the_same_keys()
    called.computes_the_same()


def test_no_more_of_ours_than_is_used(emitted):
    assert emitted("network Net { input(8, 16x16) -> blur_pool -> scale(2) }").classes == ["BlurPool", "Net"]
    found = emitted("network Net { input(8, 16x16) -> batch_norm(scale=false) }").classes
    assert found == ["_Affine", "_BatchNorm", "BatchNorm2d", "Net"]


def test_functions_where_a_hand_would_write_them(emitted):
    text = emitted("network Net { input(8, 16x16) -> residual { conv(8) -> batch_norm -> relu } -> max_pool }").text
    assert "y = F.relu(self.batch_norm1(self.conv1(x)))" in text
    assert "return F.max_pool2d(x + y, 2)" in text
