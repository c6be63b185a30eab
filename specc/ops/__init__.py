"""The vocabulary of layers: `OPS` maps a layer's name to its `Op`."""

from specc.ops import activation, conv, dense, merge, norm, pool, regularization, shape, structure
from specc.ops.op import Op

_FAMILIES = (conv, dense, norm, pool, activation, regularization, shape, merge, structure)

OPS: dict[str, Op] = {op.name: op for family in _FAMILIES for op in family.OPS}
