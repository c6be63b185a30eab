"""A hand-made exported file: uint8 images of 3 x 4 x 4, three classes, one dense layer."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from specc.backend.onnx import model_file

KERNEL = np.random.default_rng(0).normal(size=(48, 3)).astype(np.float32)
CLASSES = ["cat", "dog", "eel"]


def tiny_body(
    metadata: Mapping[str, str] | None = None, *, batch: int | str = "N", kernel: np.ndarray = KERNEL
) -> bytes:
    """The bytes of the file before it is sealed. metadata: entries to change; an empty one is left out."""
    nodes = [
        helper.make_node("Cast", ["images"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["real", "levels"], ["scaled"]),
        helper.make_node("Flatten", ["scaled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "kernel"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"]),
    ]
    graph = helper.make_graph(
        nodes,
        "Tiny",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, [batch, 3, 4, 4])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [batch, 3])],
        [numpy_helper.from_array(kernel, "kernel"), numpy_helper.from_array(np.array(255, np.float32), "levels")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    model.producer_name = "specc"
    entries = {
        model_file.CLASSES: json.dumps(CLASSES),
        model_file.INPUT: json.dumps({"channels": 3, "size": [4, 4]}),
        model_file.OUTPUT: json.dumps({"name": "probabilities", "activation": "softmax"}),
    } | dict(metadata or {})
    helper.set_model_props(model, {key: value for key, value in entries.items() if value})
    return model.SerializeToString()


def logits(images: np.ndarray) -> np.ndarray:
    """What the file makes probabilities of, worked out in float64."""
    return (images.reshape(len(images), -1) / 255 @ KERNEL.astype(np.float64)).astype(np.float32)


def reference(images: np.ndarray) -> np.ndarray:
    """What the file computes, worked out in float64."""
    logits = images.reshape(len(images), -1) / 255 @ KERNEL.astype(np.float64)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


def sealed(body: bytes, **more: Any) -> bytes:
    """The file with a certificate that holds its hash."""
    return model_file.seal(body, json.dumps({"format": 1, "model_sha256": model_file.sha256(body), **more}))
