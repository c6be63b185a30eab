"""Folds batch normalization into the layer before it: in evaluation both are linear, and one is smaller and faster."""

from collections import Counter
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from specc.backend.onnx.builder import Builder

AXES = {"Conv": 0, "ConvTranspose": 1, "Gemm": 0}  # which axis of the weights are the channels that come out


def fold_norms(g: Builder) -> dict[str, str]:
    """Fold each `BatchNormalization` whose input is a linear layer's output that nothing else needs.

    The weights of both have to be initializers that no other node takes. Gives for each value that is gone, a norm's
    output, the value that has taken its place: the linear layer's. Worked out in float64. A norm whose folded weights
    float32 cannot hold stays as it is.
    """
    uses = Counter(name for node in g.nodes for name in node.input)
    makers = {node.output[0]: node for node in g.nodes}
    gone: dict[str, str] = {}
    for norm in [node for node in g.nodes if node.op_type == "BatchNormalization"]:
        linear = makers.get(norm.input[0])
        if linear is None or linear.op_type not in AXES or uses[linear.output[0]] != 1:
            continue
        if any(name not in g.initializers or uses[name] != 1 for name in (*linear.input[1:], *norm.input[1:])):
            continue
        weight, bias = linear.input[1], linear.input[2] if len(linear.input) > 2 else g.unused(f"{linear.name}.bias")
        folded = _folded(g, norm, AXES[linear.op_type], weight, bias)
        if folded is None:
            continue
        g.initializers[weight], g.initializers[bias] = folded
        del linear.input[2:]
        linear.input.append(bias)
        for name in norm.input[1:]:
            del g.initializers[name]
        gone[norm.output[0]] = linear.output[0]
    g.nodes = [node for node in g.nodes if node.output[0] not in gone]
    for node in g.nodes:
        for place, name in enumerate(node.input):
            node.input[place] = gone.get(name, name)
    return gone


def _folded(
    g: Builder, norm: onnx.NodeProto, axis: int, weight: str, bias: str
) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """Weights and bias of a layer that does the norm's work too; None where they overflow."""
    (eps,) = [attribute.f for attribute in norm.attribute if attribute.name == "epsilon"]
    scale, shift, mean, variance = (_exact(g, name) for name in norm.input[1:])
    with np.errstate(all="ignore"):  # what overflows is not used
        factor = scale / np.sqrt(variance + eps)
        kernel = _exact(g, weight)
        if axis == 1:  # a group of channels has filters of its own
            by_group = factor.reshape(-1, 1, kernel.shape[1])
            factors = np.broadcast_to(by_group, (len(by_group), len(kernel) // len(by_group), kernel.shape[1]))
            kernel_factor = factors.reshape(*kernel.shape[:2], *[1] * (kernel.ndim - 2))
        else:
            kernel_factor = factor.reshape(-1, *[1] * (kernel.ndim - 1))
        before = _exact(g, bias) if bias in g.initializers else 0.0
        kernel32 = (kernel * kernel_factor).astype(np.float32)
        bias32 = ((before - mean) * factor + shift).astype(np.float32)
    return (kernel32, bias32) if np.isfinite(kernel32).all() and np.isfinite(bias32).all() else None


def _exact(g: Builder, name: str) -> NDArray[Any]:
    return g.initializers[name].astype(np.float64)
