"""Lints in good time, however large the file."""

from time import process_time

import pytest

from tests.helpers.linting import codes, net
from tests.helpers.surviving import too_long

LARGE = {
    "allows": (net("# allow W504\n" * 20_000 + "conv(8)"), {"W500"}),
    "biases": (net("conv(8, bias=true) -> batch_norm\n" * 2_000), {"W504"}),
    "lets": ("".join(f"let a{i} = {i}\n" for i in range(9_000)) + net("conv(8)"), {"W515"}),
    "dead layers": (net("as(a)\n" + "conv(8) -> from(a)\n" * 2_000), {"W514"}),
    "sigmoids": (net("repeat(4000) { conv(4, init=glorot_uniform) -> sigmoid }", input="input(3, 8x8)"), {"W501"}),
}


@pytest.mark.parametrize(("text", "expected"), LARGE.values(), ids=LARGE)
def test_a_large_file(text, expected):
    start = process_time()
    assert set(codes(text)) == expected
    assert not too_long(process_time() - start, 2)


def test_variants_without_end_are_not_all_linted():
    knob = net("repeat(20) { conv(4, init=glorot_uniform) -> act }\nconv(a)").replace("Net", "Net(a=8, act=relu)")
    variants = "".join(f"variant v{i} {{ network.a = {i + 2} }}\n" for i in range(450))
    start = process_time()
    assert codes(knob + variants + "variant last { network.act = sigmoid } # allow W999") == ["W502"]
    assert not too_long(process_time() - start, 3)
