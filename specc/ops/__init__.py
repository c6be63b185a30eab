"""The vocabulary of layers: `OPS` maps a layer's name to its `Op`."""

from collections.abc import Iterable

from specc.ops import (
    activation,
    adaptive_pool,
    channel,
    conv,
    conv_transpose,
    dense,
    merge,
    norm,
    pool,
    regularization,
    resize,
    response_norm,
    shape,
    structure,
    ws_conv,
)
from specc.ops.op import Op
from specc.vocabulary.registry import BrokenPromise, broken_promise, broken_types

OPS: dict[str, Op] = {}


def register(ops: Iterable[Op]) -> None:
    """Let layers into the vocabulary. Raises BrokenPromise for the first one that must stay out, and says why."""
    for op in ops:
        broken = broken_promise(op, OPS) or broken_types(op)
        if not broken and op.torch is not None and op.onnx is None and not op.training_only:
            broken = "has a module, but no ONNX nodes"
        if broken:
            raise BrokenPromise(f"the layer `{op.name}` {broken}")
        OPS[op.name] = op


for _family in (
    conv, conv_transpose, ws_conv, channel, dense, norm, response_norm, pool, adaptive_pool,
    activation, regularization, shape, resize, merge, structure,
):  # fmt: skip
    register(_family.OPS)
