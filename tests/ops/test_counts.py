"""Weights and multiply-accumulates against published figures."""

from typing import Any

from specc.ops import OPS
from specc.values import Args, Size
from specc.vocabulary.param import REQUIRED
from specc.vocabulary.shape import Shape


class Tally:
    """Runs shapes through layers and sums what they count."""

    def __init__(self, shape: Shape) -> None:
        self.shape, self.weights, self.macs = shape, 0, 0

    def layer(self, name: str, x: Shape | None = None, **given: Any) -> Shape:
        op = OPS[name]
        a = Args(**{param.name: given.get(param.name, param.default) for param in op.params})
        assert REQUIRED not in a.as_dict().values()
        x = x or self.shape
        self.shape = op.shape(x, a)
        self.weights += sum(weight.size for weight in op.weights(x, a))
        self.macs += op.macs(x, a, self.shape)
        return self.shape

    def conv(self, filters: int, k: int = 1, stride: int = 1, x: Shape | None = None) -> Shape:
        self.layer("conv", x, filters=filters, kernel=Size(k, k), stride=Size(stride, stride), bias=False)
        return self.layer("batch_norm")


def test_resnet50() -> None:
    """25,557,032 parameters and 4,089,184,256 multiply-accumulates at 224 x 224 (v1.5)."""
    net = Tally((3, 224, 224))
    net.conv(64, 7, 2)
    net.layer("max_pool", size=Size(3, 3), stride=Size(2, 2), padding=Size(1, 1))
    for stage, depth in enumerate((3, 4, 6, 3)):
        for unit in range(depth):
            x, width = net.shape, 64 * 2**stage
            stride = 2 if stage and not unit else 1
            if not unit:
                net.conv(4 * width, 1, stride)
            net.conv(width, x=x)
            net.conv(width, 3, stride)
            net.conv(4 * width)
    assert net.layer("global_avg_pool") == (2048, 1, 1)
    assert net.layer("dense", units=1000) == (1000,)
    assert (net.weights, net.macs) == (25557032, 4089184256)


def test_transposed_convolution_counts_what_each_pixel_paints() -> None:
    net = Tally((3, 4, 5))
    net.layer("conv_transpose", filters=7, kernel=Size(3, 2), stride=Size(2, 2))
    assert net.macs == 4 * 5 * 3 * 7 * 3 * 2
    assert net.weights == 3 * 7 * 3 * 2 + 7


def test_grouped_convolution_counts_a_group_at_a_time() -> None:
    net = Tally((8, 4, 4))
    net.layer("conv", filters=16, groups=4, bias=False)
    assert (net.weights, net.macs) == (16 * 2 * 9, 16 * 16 * 2 * 9)


def test_grouped_transposed_convolution_counts_a_group_at_a_time() -> None:
    net = Tally((8, 4, 5))
    net.layer("conv_transpose", filters=4, groups=2)
    assert (net.weights, net.macs) == (8 * 2 * 4 + 4, 4 * 5 * 8 * 2 * 4)


def test_standardized_kernels_count_as_others_and_their_gain_as_weights() -> None:
    net = Tally((8, 4, 4))
    net.layer("ws_conv", filters=16, groups=4, bias=False, gain=True)
    assert (net.weights, net.macs) == (16 * 2 * 9 + 16, 16 * 16 * 2 * 9)


def test_only_kernels_count_as_macs() -> None:
    """The convention of the published figures: norms, activations and pools are free."""
    free = {name for name, op in OPS.items() if op.macs is OPS["relu"].macs}
    assert free == OPS.keys() - {"conv", "depthwise_conv", "ws_conv", "channel_conv", "conv_transpose", "dense"}
