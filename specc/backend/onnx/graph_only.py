"""The graph of a spec that nobody trained, with or without a section `data`: what a runtime will have to run.

It takes what the network sees, normalized float32 numbers, since only a training says how pixels become such.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from onnx import TensorProto
from torch import nn

from specc import __version__
from specc.backend.build import Net, build
from specc.backend.initialize import initialize
from specc.backend.memory import refuse_oversized
from specc.backend.onnx import model_file
from specc.backend.onnx.builder import Builder
from specc.backend.onnx.certificate import as_json
from specc.backend.onnx.certify import content_of, parted, versions
from specc.backend.onnx.compare import SMALL_BATCHES, difference
from specc.backend.onnx.comparison import Comparison
from specc.backend.onnx.judge import judge
from specc.backend.onnx.latency import latencies
from specc.backend.onnx.lower import lower
from specc.backend.onnx.session import ORT_ERRORS, choose, open_session, plain, run
from specc.backend.onnx.truth import spread_of
from specc.backend.onnx.write import IMAGES, Written, check_graph, finish, without_end
from specc.check import Checked, Compiled
from specc.errors import SpeccError
from specc.files import write_together
from specc.ir.graph import Graph
from specc.tasks import CLASSIFICATION

BATCHES = (*SMALL_BATCHES, 16)


class GraphExported(NamedTuple):
    """A graph that was written: for each provider how far it is from PyTorch, in parts of `scale`.

    output: what it gives, "probabilities" or "logits".
    """

    path: Path
    comparisons: list[Comparison]
    scale: float
    tolerance: float
    output: str


def export_graph(checked: Checked, out: Path, *, providers: Sequence[str] = ()) -> GraphExported:
    """Write a spec's network with its initial weights, drawn from the spec's seed, as an ONNX file.

    It takes `images`, float32 N x C x H x W or N x length with any N. It gives `probabilities` where the network ends
    in softmax and `output` is not logits, else `logits`: nothing is added that was not drawn. On every provider it is
    compared with PyTorch, on normal numbers in batches of four sizes, before it gets its name.

    Raises SpeccError: E440 the spec has errors, E437 an initializer that starts from training images, E448 it does not
    fit into memory, E454 a provider did not load, E455 the file does not answer as PyTorch does, E457 it does not run,
    E459 something of the training is left, E481 it cannot be written.
    """
    spec = checked.compiled()
    graph, export, train = spec.graph, spec.export, spec.train
    refuse_oversized(graph, torch.device("cpu"))
    net = build(graph)
    initialize(net, train.seed)
    net.eval()
    output, last = _output(spec)
    written = _write(spec, net, f"{out.name}.data")
    check_graph(written.model)
    content = content_of(written.model)
    images = _numbers(graph, train.seed)
    with torch.inference_mode():
        truth = [last(net(torch.from_numpy(some))).numpy() for some in images]
    scale = max(float(np.abs(some).max()) for some in truth) or 1.0
    found = [_compare(content, written, provider, images, truth) for provider in choose(providers)]
    logits_scale = None
    if output == "probabilities":
        with torch.inference_mode():
            logits = net(torch.from_numpy(images[-1])).numpy()
        bare, logits_scale = content_of(without_end(written.model)), spread_of("softmax", logits) or 1.0
        found = [
            one._replace(logits=_compare(bare, written, one.provider, images[-1:], [logits]).whole) for one in found
        ]
    verdict = judge(CLASSIFICATION, found, export.tolerance, (scale,), logits_scale)
    if verdict:
        values = {layer: value for layer, value in written.values.items() if value != IMAGES}
        raise parted(verdict, written._replace(values=values), net, nn.Identity(), images[-1])
    certificate = {
        "format": 1,
        "network": graph.name,
        "graph_only": True,
        "output": output,
        "seed": train.seed,
        "opset": export.opset,
        "tolerance": export.tolerance,
        "scale": scale,
        "logits_scale": logits_scale,
        "logits_differ_by": {one.provider: one.logits.largest for one in found if one.logits is not None},
        "evaluation_mode": True,
        "providers": {one.provider: {str(n): part.as_dict() for n, part in one.batches.items()} for one in found},
        "model_sha256": model_file.sha256(content),
        "spec_sha256": model_file.sha256(checked.resolved.encode()),
        "versions": versions(),
    }
    files = {out.with_name(name): weights for name, weights in written.weights.items()}
    try:
        write_together({**files, out: model_file.seal(content, as_json(certificate))})
    except OSError as error:
        message = f"{out} cannot be written: {error.strerror or error}"
        raise SpeccError("E481", message, help="choose another place with --out") from None
    return GraphExported(out, found, scale, export.tolerance, output)


def graph_latency(checked: Checked) -> float:
    """The median seconds that a spec's network takes for one image in onnxruntime, on the CPU.

    Raises SpeccError as `export_graph` does.
    """
    with TemporaryDirectory() as folder:
        out = Path(folder) / "model.onnx"
        export_graph(checked, out, providers=["cpu"])
        session = open_session(out)
        images = _numbers(checked.compiled().graph, 0)[0]
        return latencies([lambda _: run(session, images)], np.zeros(0, np.uint8))[0]


def _output(spec: Compiled) -> tuple[str, nn.Module]:
    """What the graph gives, and what makes it of the network's logits."""
    if spec.graph.ends_in_softmax and spec.export.output in ("auto", "probabilities"):
        return "probabilities", nn.Softmax(1)
    return "logits", nn.Identity()


def _write(spec: Compiled, net: Net, beside: str) -> Written:
    graph, export = spec.graph, spec.export
    g = Builder(export.opset)
    x = g.input(IMAGES, TensorProto.FLOAT, ["N", *graph.input])
    lowered = lower(graph, {name: value.numpy() for name, value in net.state_dict().items()}, g, x)
    output, _ = _output(spec)
    attributes = {"axis": 1} if output == "probabilities" else {}
    last = g.node("Softmax" if attributes else "Identity", [lowered.logits], name=output, **attributes)
    g.output(last, ["N", *graph.output_shape])
    metadata = {
        model_file.VERSION: __version__,
        model_file.NETWORK: graph.name,
        model_file.GRAPH: json.dumps({"input": graph.input, "output": graph.output_shape}),
    }
    return finish(g, lowered, graph.name, metadata, beside)


def _numbers(graph: Graph, seed: int) -> list[NDArray[np.float32]]:
    """Batches of normal numbers, of the sizes that are compared."""
    draw = torch.Generator().manual_seed(seed)
    return [torch.randn(size, *graph.input, generator=draw).numpy() for size in BATCHES]


def _compare(
    content: bytes,
    written: Written,
    provider: str,
    images: Sequence[NDArray[np.float32]],
    truth: Sequence[NDArray[np.float32]],
) -> Comparison:
    try:
        session = open_session(content, provider, written.weights)
        given = [run(session, some) for some in images]
    except ORT_ERRORS as error:
        raise SpeccError("E457", f"the graph does not run on {provider}: {plain(error)}", status=1) from None
    batches = {len(some): difference(ours, theirs) for some, ours, theirs in zip(images, truth, given, strict=True)}
    return Comparison(provider, batches[len(images[-1])], batches, {})
