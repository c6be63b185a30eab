"""What a shape rule says about a layer that does not fit: the code, what was found, and the mended call."""

from typing import Any

import pytest

from specc.ops import OPS
from specc.ops.merge import add_to_input
from specc.values import Args, Size
from specc.vocabulary.param import REQUIRED
from specc.vocabulary.problem import Problem

S = Size
M = (8, 7, 10)
P = (8, 1, 1)
V = (12,)

# op, input, arguments; then code, the argument at fault, what the message and the help contain.
WRONG: list[tuple[str, Any, dict[str, Any], str, str, str, str]] = [
    ("conv", V, {"filters": 8}, "E302", "", "a vector of 12", "before `flatten`"),
    ("conv", M, {"filters": 8, "kernel": S(9, 3), "padding": S(0, 0)}, "E303", "kernel", "9 x 3", "`padding=1x0`"),
    ("conv", M, {"filters": 8, "dilation": S(4, 4), "padding": S(0, 0)}, "E303", "kernel", "9 x 9", "`padding=1x0`"),
    ("conv", M, {"filters": 8, "kernel": S(12, 3), "padding": S(1, 1)}, "E303", "kernel", "9 x 12 with", "=3x0"),
    ("conv", M, {"filters": 6, "groups": 4}, "E304", "groups", "6 filters", "8 channels and 6 filters: 1, 2"),
    ("conv", M, {"filters": 9, "groups": 3}, "E304", "groups", "does not divide its 8 input channels", ": 1"),
    ("conv", M, {"filters": 2**40}, "E310", "filters", "`conv`", ""),
    ("conv", (8, 2**13, 2**13), {"filters": 2**10}, "E310", "filters", "1024 x 8192 x 8192", ""),
    ("depthwise_conv", V, {}, "E302", "", "a vector of 12", ""),
    ("depthwise_conv", M, {"kernel": S(8, 1), "padding": S(0, 0)}, "E303", "kernel", "8 x 1", "`padding=1x0`"),
    ("depthwise_conv", M, {"multiplier": 2**40}, "E310", "multiplier", "", ""),
    ("conv_transpose", V, {"filters": 8}, "E302", "", "a vector of 12", ""),
    ("conv_transpose", M, {"filters": 8, "padding": S(7, 0)}, "E303", "padding", "14 x 20", "6x9"),
    ("conv_transpose", M, {"filters": 8, "stride": S(2**30, 2**30)}, "E310", "stride", "", ""),
    ("conv_transpose", M, {"filters": 8, "output_padding": S(0, 2)}, "E216", "output_padding", "=0x2, which", "1x1"),
    ("conv_transpose", M, {"filters": 8, "groups": 3}, "E304", "groups", "does not divide its 8 input", "1, 2, 4, 8"),
    ("conv_transpose", M, {"filters": 6, "groups": 4}, "E304", "groups", "6 filters", "8 channels and 6 filters: 1, 2"),
    ("ws_conv", V, {"filters": 8}, "E302", "", "a vector of 12", ""),
    ("ws_conv", M, {"filters": 6, "groups": 4}, "E304", "groups", "6 filters", "8 channels and 6 filters: 1, 2"),
    ("ws_conv", M, {"filters": 8, "kernel": S(9, 3), "padding": S(0, 0)}, "E303", "kernel", "9 x 3", "`padding=1x0`"),
    ("ws_conv", M, {"filters": 2**40}, "E310", "filters", "", ""),
    ("ws_conv", M, {"filters": 8, "gamma": 1.7}, "E216", "gamma", "gamma=1.7 but no gain", "gain=true"),
    ("ws_conv", M, {"filters": 8, "init_scale": 0.5}, "E216", "init_scale", "init_scale=0.5 but no gain", "gain=true"),
    ("ws_conv", M, {"filters": 8, "groups": 8, "kernel": S(1, 1)}, "E311", "", "a single weight", "fewer groups"),
    ("channel_conv", M, {"kernel": 3}, "E302", "", "its input is 8 x 7 x 10", "`global_avg_pool` before it"),
    ("channel_conv", V, {"kernel": 3}, "E302", "", "its input is 12", "before `flatten`"),
    ("channel_conv", (8, 1, 1), {"kernel": 4}, "E207", "kernel", "must be odd, found 4", "such as 5"),
    ("channel_mean", V, {}, "E302", "", "", ""),
    ("channel_max", V, {}, "E302", "", "", ""),
    ("dense", M, {"units": 10}, "E302", "", "8 x 7 x 10", "`flatten` before it, which gives 560, or `global_avg_pool`"),
    ("dense", V, {"units": 2**40}, "E310", "units", "", ""),
    ("instance_norm", V, {}, "E302", "", "", ""),
    ("instance_norm", (8, 1, 1), {}, "E311", "", "single value of 8 x 1 x 1", "before the global pool"),
    ("layer_norm", (1, 4, 4), {}, "E311", "", "", "over=image"),
    ("layer_norm", (1,), {}, "E311", "", "", "remove it"),
    ("group_norm", M, {}, "E304", "groups", "groups=32, which does not divide its 8 input channels", "1, 2, 4, 8"),
    ("group_norm", V, {"groups": 12}, "E311", "", "", "fewer groups than 12"),
    *(
        (
            name,
            M,
            {**given, "scale": False, "init_scale": 0.5},
            "E216",
            "init_scale",
            "init_scale=0.5 but scale=f",
            "out",
        )
        for name, given in (
            ("batch_norm", {}),
            ("instance_norm", {}),
            ("layer_norm", {}),
            ("group_norm", {"groups": 2}),
        )
    ),
    ("global_response_norm", V, {}, "E302", "", "", ""),
    ("local_response_norm", V, {"size": 3}, "E302", "", "", ""),
    ("local_response_norm", M, {"size": 4}, "E207", "size", "must be odd, found 4", "such as 5"),
    ("max_pool", V, {}, "E302", "", "", ""),
    ("max_pool", M, {"size": S(8, 2)}, "E303", "size", "8 x 2", "at most 7x2"),
    ("avg_pool", M, {"size": S(8, 11)}, "E303", "size", "7 x 10", "at most 7x10"),
    ("avg_pool", M, {"padding": S(2, 0)}, "E216", "padding", "could see only padding", "padding=1x1"),
    ("global_avg_pool", V, {}, "E302", "", "", ""),
    ("global_max_pool", V, {}, "E302", "", "", ""),
    ("adaptive_avg_pool", V, {"size": S(2, 2)}, "E302", "", "", ""),
    ("adaptive_avg_pool", M, {"size": S(2**20, 2**20)}, "E310", "size", "", ""),
    ("adaptive_max_pool", V, {"size": S(2, 2)}, "E302", "", "", ""),
    ("adaptive_max_pool", M, {"size": S(2**20, 2**20)}, "E310", "size", "", ""),
    ("blur_pool", V, {}, "E302", "", "", ""),
    ("blur_pool", (8, 1, 4), {}, "E303", "size", "1 x 4", "at least 2 pixels"),
    ("spatial_dropout", V, {}, "E302", "", "", ""),
    ("channels", M, {"start": 4, "stop": 9}, "E309", "stop", "its 8 input channels", "stop <= 8"),
    ("channels", M, {"start": 4, "stop": 4}, "E309", "start", "`channels(4, 4)` is not a range", ""),
    ("channel_shuffle", M, {"groups": 3}, "E304", "groups", "does not divide its 8 input channels", "1, 2, 4, 8"),
    ("pixel_shuffle", M, {"r": 4}, "E304", "r", "4 x 4 = 16", "8 channels: 1, 2"),
    ("space_to_depth", (3, 6, 8), {"r": 4}, "E304", "r", "6 x 8", ": 1, 2"),
    ("upsample", V, {}, "E302", "", "", ""),
    ("upsample", M, {"scale": S(2**20, 2**20)}, "E310", "scale", "", ""),
    ("resize_to", [V], {"size": S(2, 2)}, "E302", "", "", ""),
    ("resize_to", [M, V], {"like": "skip"}, "E302", "", "", ""),
    ("resize_to", [M], {}, "E206", "", "needs `size` or `like`", "resize_to(65x65)"),
    ("resize_to", [M, P], {"size": S(2, 3), "like": "p"}, "E216", "like", "2x3, and like=p, which is 8 x 1 x 1", "or"),
    ("resize_to", [M], {"size": S(2**20, 2**20)}, "E310", "size", "", ""),
    ("pad", V, {"size": S(1, 1)}, "E302", "", "", ""),
    ("pad", M, {"size": (0, 7, 0, 0), "mode": "reflect"}, "E303", "size", "7 x 0", "6x9"),
    ("pad", M, {"size": S(2**30, 2**30)}, "E310", "size", "", ""),
    ("crop_to", [M, (3, 8, 8)], {"name": "skip"}, "E303", "name", "7 x 10 feature map to 8 x 8", "`skip` is 3 x 8 x 8"),
    (
        "crop_to",
        [M, (3, 4, 8)],
        {"name": "skip", "offset": S(1, 3)},
        "E303",
        "offset",
        "offset=1x3 reaches beyond its 7 x 10 feature map: `skip` is 4 x 8",
        "at most 3x2",
    ),
    ("crop_to", [M, V], {"name": "skip"}, "E302", "", "", ""),
    (
        "add",
        [(32, 16, 16), (16, 32, 32)],
        {},
        "E301",
        "",
        "the branches of `add` have different shapes",
        "the second branch (16 x 32 x 32) to 32 x 16 x 16: conv(32, 1x1, stride=2) -> batch_norm",
    ),
    ("add", [(16, 33, 64), (32, 17, 32)], {}, "E301", "", "", "first branch (16 x 33 x 64) to 32 x 17 x 32: conv("),
    ("add", [(16, 8, 8), (16, 8, 8), (4, 8, 8)], {}, "E301", "", "", "third branch (4 x 8 x 8) to 16 x 8 x 8: conv(16"),
    ("add", [(16, 7, 7), (16, 5, 5)], {}, "E301", "", "", "check the strides and paddings"),
    ("add", [(10,), (12,)], {}, "E301", "", "", "second branch (12) to 10: dense(10)"),
    ("add", [(8, 1, 1), (8,)], {}, "E301", "", "", "a feature map and a vector"),
    ("multiply", [M, (4, 1, 1)], {}, "E301", "", "`multiply`", "second branch (4 x 1 x 1) to 8 x 7 x 10 or 8 x 1 x 1"),
    ("multiply", [M, (8, 7, 1)], {}, "E301", "", "", ""),
    ("multiply", [(8, 1, 1), (1, 7, 10)], {}, "E301", "", "", "first branch (8 x 1 x 1) to 1 x 7 x 10 or 1 x 1 x 1"),
    ("multiply", [(1, 7, 9), M], {}, "E301", "", "", "(1 x 7 x 9) to 8 x 7 x 10 or 8 x 1 x 1 or 1 x 7 x 10"),
    ("maximum", [M, (4, 7, 10)], {}, "E301", "", "the branches of `maximum` have different shapes", "conv("),
    ("multiply", [V, (3,)], {}, "E301", "", "", "second branch (3) to 12"),
    ("concat", [M, (3, 7, 9)], {}, "E301", "", "`concat`", "the first branch from 7x10 to 7x9: crop_to(name)"),
    ("concat", [M, V], {}, "E301", "", "", "a feature map and a vector"),
    ("concat", [(8, 8, 8), (3, 16, 16)], {}, "E301", "", "", "second branch from 16x16 to 8x8: max_pool(2)"),
    ("concat", [(8, 8, 9), (3, 9, 8)], {}, "E301", "", "", "heights and widths must match"),
    ("concat", [(2**39, 1, 1)] * 3, {}, "E310", "", "", ""),
    ("input", None, {"channels": 2**30, "size": S(2**10, 2**10)}, "E310", "", "", ""),
    ("expect", M, {"channels": 9, "size": S(7, 10)}, "E305", "channels", "9 x 7 x 10", "expect(8, 7x10)"),
    ("expect", M, {"channels": 8, "size": S(7, 7)}, "E305", "size", "found 8 x 7 x 10", "expect(8, 7x10)"),
    ("expect", V, {"channels": 12, "size": S(1, 1)}, "E305", "channels", "expected 12 x 1 x 1, found 12", "expect(12)"),
]


def args(op: str, given: dict[str, Any]) -> Args:
    values = {param.name: given.get(param.name, param.default) for param in OPS[op].params}
    assert REQUIRED not in values.values()
    return Args(**values)


@pytest.mark.parametrize(("op", "x", "given", "code", "param", "message", "help_"), WRONG)
def test_problem(op: str, x: Any, given: dict[str, Any], code: str, param: str, message: str, help_: str) -> None:
    with pytest.raises(Problem) as caught:
        OPS[op].shape(x, args(op, given))
    problem = caught.value
    assert problem.code == code
    assert problem.param == param
    assert param in {"", *(p.name for p in OPS[op].params)}
    assert message in problem.message
    assert f"`{op}" in problem.message or code == "E305"
    assert help_ in problem.help
    assert problem.help


@pytest.mark.parametrize(("op", "x", "given"), [row[:3] for row in WRONG if "padding=" in row[6] and row[3] == "E303"])
def test_the_padding_that_is_offered_fits(op: str, x: Any, given: dict[str, Any]) -> None:
    with pytest.raises(Problem) as caught:
        OPS[op].shape(x, args(op, given))
    offered = caught.value.help.split("`padding=")[1].split("`")[0]
    height, width = map(int, offered.split("x"))
    assert all(n > 0 for n in OPS[op].shape(x, args(op, {**given, "padding": S(height, width)})))


@pytest.mark.parametrize("row", [row for row in WRONG if row[0] == "add" and "conv(" in row[6]], ids=str)
def test_the_projection_that_is_offered_fits(row: Any) -> None:
    shapes = row[1]
    with pytest.raises(Problem) as caught:
        OPS["add"].shape(shapes, Args())
    call = caught.value.help.split("conv(")[1].split(")")[0].split(", ")
    stride = call[2].removeprefix("stride=") if len(call) > 2 else "1"
    size = Size(*map(int, stride.split("x"))) if "x" in stride else Size(int(stride), int(stride))
    index = next(i for i, word in enumerate(("first", "second", "third")) if word in caught.value.help)
    given = {"filters": int(call[0]), "kernel": Size(1, 1), "stride": size}
    mended = [OPS["conv"].shape(s, args("conv", given)) if i == index else s for i, s in enumerate(shapes)]
    assert OPS["add"].shape(mended, Args()) == mended[0]


@pytest.mark.parametrize(
    ("before", "after", "help_"),
    [
        ((16, 32, 32), (32, 16, 16), "add { | … | conv(32, 1x1, stride=2) -> batch_norm }"),
        ((16, 32, 32), (32, 32, 32), "add { | … | conv(32, 1x1) -> batch_norm }"),
        (M, (8, 9, 9), "strides and paddings in the body"),
        (V, (3,), "add { | … | dense(3) }"),
        (M, V, "in the body"),
    ],
)
def test_the_projection_beside_the_body_of_a_residual(before: Any, after: Any, help_: str) -> None:
    with pytest.raises(Problem) as caught:
        add_to_input.shape([before, after], Args())
    assert (caught.value.code, help_ in caught.value.help) == ("E301", True)
    assert add_to_input.shape([after, after], Args()) == after
