"""Every shape rule against torch on small maps: the shape that torch gives, and a refusal where torch refuses."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
import torch

from specc.backend.build import instantiate
from specc.ops import OPS
from specc.values import Size
from specc.vocabulary.problem import Problem
from specc.vocabulary.shape import Shape
from tests.helpers.graphs import args

Case = tuple[Shape, dict[str, Any]]
SIZES = range(1, 6)
STRIDES = range(1, 6)


def both(height: int, width: int, **lengths: tuple[int, int]) -> Case:
    """A map of 4 channels, and arguments that are sizes."""
    return (4, height, width), {name: Size(*pair) for name, pair in lengths.items()}


def windows(**rest: Any) -> Iterator[Case]:
    """Pools: the height varies and the width follows it in reverse, so that either side may be the one that fails."""
    for n, k, s, p, ceil in product(SIZES, SIZES, STRIDES, range(4), (False, True)):
        shape, sizes = both(n, 6 - n, size=(k, min(k, 3)), stride=(s, 6 - s), padding=(p, p // 2))
        yield shape, {**sizes, "ceil": ceil, **rest}
        if p == 0:
            yield shape, {**sizes, "ceil": ceil, "padding": "same_upper", **rest}


def kernels(dilated: bool, **rest: Any) -> Iterator[Case]:
    paddings: list[Any] = ["same", "same_upper", 0, 1, 2] if dilated else [0, 1, 2]
    for n, k, s, p, d in product(SIZES, SIZES, (1, 2, 5), paddings, (1, 3) if dilated else (1,)):
        shape, sizes = both(n, 6 - n, kernel=(k, 6 - k), stride=(s, 6 - s))
        if dilated:
            sizes["dilation"] = Size(d, 4 - d)
        yield shape, {**sizes, "padding": p if isinstance(p, str) else Size(p, 2 - p), **rest}


def maps(**arguments: Any) -> Iterator[Case]:
    return (((4, n, m), arguments) for n, m in product(SIZES, SIZES))


CASES: dict[str, list[Case]] = {
    "max_pool": list(windows()),
    "avg_pool": [*windows(), *windows(count_padding=False)],
    "conv": list(kernels(dilated=True, filters=3)),
    "depthwise_conv": list(kernels(dilated=True)),
    "ws_conv": list(kernels(dilated=True, filters=3)),
    "conv_transpose": [
        *kernels(dilated=False, filters=3),
        *kernels(dilated=False, filters=4, groups=2, dilation=Size(2, 3)),
        *(
            (shape, {**given, "output_padding": Size(*(step - 1 for step in given["stride"]))})
            for shape, given in kernels(dilated=False, filters=3)
        ),
    ],
    "global_avg_pool": list(maps()),
    "global_max_pool": list(maps()),
    "adaptive_avg_pool": [case for n, m in product(SIZES, SIZES) for case in maps(size=Size(n, m))],
    "adaptive_max_pool": [case for n, m in product(SIZES, SIZES) for case in maps(size=Size(n, m))],
    "channel_mean": list(maps()),
    "channel_max": list(maps()),
    "channel_conv": [case for kernel in (1, 3, 5, 9) for case in maps(kernel=kernel) if case[0][1:] == (1, 1)],
    "global_response_norm": list(maps()),
    "blur_pool": [case for size in range(2, 9) for case in maps(size=size)],
    "pixel_shuffle": [case for r in SIZES for case in maps(r=r)],
    "space_to_depth": [case for r in SIZES for case in maps(r=r)],
    "upsample": [
        case
        for s, t, mode in product(SIZES, SIZES, ("nearest", "bilinear"))
        for case in maps(scale=Size(s, t), mode=mode)
    ],
    "pad": [
        case
        for p, q, mode in product(range(6), range(6), ("zero", "reflect", "replicate"))
        for case in maps(size=(p, q, 5 - q, p), mode=mode)
    ],
    "channel_shuffle": [case for groups in SIZES for case in maps(groups=groups)],
    "flatten": list(maps()),
}


def of_torch(name: str, shape: Shape, given: dict[str, Any]) -> Shape | None:
    """The shape that torch's module gives, without the batch; None where it refuses, or nothing is left of the map."""
    target = OPS[name].torch
    assert target is not None
    try:
        with torch.no_grad():
            result = tuple(instantiate(target(shape, args(name, **given)))(torch.zeros(2, *shape)).shape[1:])
    except (RuntimeError, ValueError):
        return None
    return result if min(result) else None


def of_rule(name: str, shape: Shape, given: dict[str, Any]) -> Shape | None:
    try:
        return tuple(OPS[name].shape(shape, args(name, **given)))
    except Problem:
        return None


@pytest.mark.parametrize("name", CASES)
def test_the_rule_gives_torchs_shape(name: str) -> None:
    wrong = [
        (shape, given, theirs, ours)
        for shape, given in CASES[name]
        if (ours := of_rule(name, shape, given)) != (theirs := of_torch(name, shape, given))
    ]
    assert not wrong, f"{len(wrong)} of {len(CASES[name])}, such as {wrong[:3]}"


def test_a_window_larger_than_the_map_is_kept_where_ceil_asks_for_it() -> None:
    alone = {"size": Size(2, 2), "stride": Size(2, 2), "ceil": True}
    assert of_rule("max_pool", (3, 1, 1), alone) == (3, 1, 1)
    assert of_rule("avg_pool", (3, 1, 4), alone) == (3, 1, 2)
    assert of_rule("max_pool", (3, 1, 1), {**alone, "ceil": False}) is None
    assert of_rule("max_pool", (3, 1, 1), {**alone, "size": Size(4, 4)}) is None
