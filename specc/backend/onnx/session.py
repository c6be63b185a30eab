"""Running an ONNX model in onnxruntime, on the execution provider that was meant and on no other. No torch here."""

import io
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper
from onnxruntime.capi import onnxruntime_pybind11_state as state

from specc.errors import SpeccError

Outputs = NDArray[np.float32]

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
NAMES = {"cpu": CPU, "cuda": CUDA, "tensorrt": "TensorrtExecutionProvider", "coreml": "CoreMLExecutionProvider"}
OPTIONS = {CUDA: {"use_tf32": "0"}}
REMOTE = ("AzureExecutionProvider",)  # it only sends models elsewhere

# Everything that onnxruntime raises where a model cannot be loaded or run. They share no base class but Exception.
ORT_ERRORS = (
    state.EPFail,
    state.Fail,
    state.InvalidArgument,
    state.InvalidGraph,
    state.InvalidProtobuf,
    state.NoSuchFile,
    state.NotImplemented,
    state.RuntimeException,
    RuntimeError,
    ValueError,
)

FATAL = 4  # onnxruntime's own log would only repeat, in its own words, what specc says


def open_session(
    model: bytes | Path, provider: str = CPU, weights: Mapping[str, bytes] | None = None
) -> ort.InferenceSession:
    """A session for a model, in a file or serialized, on `provider`, with the CPU for what that has no kernel for.

    weights: the files that a serialized model takes its weights from, by name. TF32 is off: matrix products are in
    full fp32.

    Raises SpeccError E454 where the provider did not load, and onnxruntime's own errors (`ORT_ERRORS`) where the model
    is at fault.
    """
    ort.set_default_logger_severity(FATAL)
    options = ort.SessionOptions()
    options.log_severity_level = FATAL
    if weights:
        sizes = [len(content) for content in weights.values()]
        options.add_external_initializers_from_files_in_memory(list(weights), list(weights.values()), sizes)
    if provider not in ort.get_available_providers():
        raise SpeccError(
            "E454",
            f"this onnxruntime has no {provider}: it has {', '.join(ort.get_available_providers())}",
            help="`pip install onnxruntime-gpu` has the CUDA provider",
        )
    providers: list[str | tuple[str, dict[str, str]]] = [CPU]
    if provider != CPU:
        providers.insert(0, (provider, OPTIONS.get(provider, {})))
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):  # it prints what it does not find
        if provider == CUDA:
            ort.preload_dlls()
        session = ort.InferenceSession(str(model) if isinstance(model, Path) else model, options, providers=providers)
    session.disable_fallback()  # a run that fails on the provider is not tried again on the CPU
    if session.get_providers()[0] != provider:
        raise SpeccError(
            "E454",
            f"{provider} did not load: onnxruntime would run on {session.get_providers()[0]} instead",
            help="`specc doctor` shows which execution providers load and what the others lack",
        )
    return session


def loads(provider: str) -> bool:
    """Whether a provider really loads here, tried with a model of one node."""
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "trial", value[:1], value[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    try:
        open_session(model.SerializeToString(), provider)
    except (SpeccError, *ORT_ERRORS):
        return False
    return True


def choose(asked: Sequence[str]) -> list[str]:
    """The execution providers to compare on: the CPU always, and those asked for (`cuda`, or a full name).

    Nothing asked: every one of this machine that loads. One asked for that does not load is met by `open_session`.
    """
    if not asked:
        others = [name for name in ort.get_available_providers() if name not in (CPU, *REMOTE)]
        return [CPU, *(name for name in others if loads(name))]
    return list(dict.fromkeys([CPU, *(NAMES.get(name.lower(), name) for name in asked)]))


def run(session: ort.InferenceSession, images: NDArray[np.generic]) -> Outputs:
    """The output of a model of one input and one output for a batch: N x classes."""
    output: Outputs = session.run(None, {session.get_inputs()[0].name: images})[0]
    return output


def plain(error: Exception) -> str:
    """onnxruntime's message on one line, without its prefix."""
    return " ".join(str(error).rpartition("[ONNXRuntimeError] : ")[2].split())
