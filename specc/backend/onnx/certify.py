"""The proof of an exported graph: compared with the trained model on every provider, judged, and put in writing."""

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from torch import nn

from specc import __version__
from specc.backend.build import Net
from specc.backend.data.dataset import DataSet
from specc.backend.evaluation.answers import not_finite
from specc.backend.onnx.certificate import Comparison
from specc.backend.onnx.compare import (
    CPU,
    Model,
    answers,
    compare,
    compare_sizes,
    figures,
    file_model,
    saturated,
    scale_of,
    spread_of,
)
from specc.backend.onnx.first_divergence import find_parting
from specc.backend.onnx.model_file import external_files
from specc.backend.onnx.reference import Reference
from specc.backend.onnx.session import Outputs
from specc.backend.onnx.write import Written, without_activation
from specc.errors import SpeccError
from specc.files import read_file
from specc.ir.graph import Graph, Node
from specc.tricks.resize import Resize

FEW = 8  # images that are enough to find the layer where values part
PARTED = 1e-4  # of a layer's scale: far above what float32 sums differ by


class Truth(NamedTuple):
    """What the trained model says to the validation images. labels: int64 N. outputs, logits: N x classes."""

    labels: NDArray[np.int64]
    outputs: Outputs
    logits: Outputs

    @property
    def correct(self) -> int:
        """How many images it gets right."""
        return int((self.outputs.argmax(axis=1) == self.labels).sum())


class ModelComparison(NamedTuple):
    """A file held against the trained model.

    scale, logits_scale: what differences of outputs and of logits are measured by; the latter None where logits are the
    output. saturated: the share of images whose probabilities are 0 and 1 in float32. models: the file on each
    provider. answers: what it says to the validation images on the first provider.
    """

    comparisons: list[Comparison]
    truth: Truth
    scale: float
    logits_scale: float | None
    saturated: float
    models: list[Model]
    answers: Outputs


def compare_model(
    model: bytes | Path,
    reference: Reference,
    dataset: DataSet,
    how: Resize | None,
    providers: Sequence[str],
    weights: Mapping[str, bytes] | None = None,
    truth: Truth | None = None,
) -> ModelComparison:
    """A model, in a file or serialized, on each provider against the trained one, over the validation images.

    Where the output is probabilities, the logits that they are made of are compared as well, by a copy of the graph
    that ends there: probabilities of 0 and 1 hide whatever differs.

    how: the way the graph resizes its images; None where it takes one size only.
    weights: the files of a serialized model's weights. truth: what the trained model says, where that is known already.

    Raises SpeccError: E454 a provider did not load, E457 the model does not run, E465 the trained model's answers are
    not finite.
    """
    split, classes = dataset.validation, len(dataset.classes)
    models = [file_model(model, provider, classes, weights) for provider in providers]
    bare: list[Model] = []
    if reference.output != "logits":
        content, files = _of_logits(model, weights)
        bare = [file_model(content, provider, classes, files) for provider in providers]
    own = [reference.logits] if truth is None else []
    labels, given = answers(split, [*own, *models, *bare])
    if truth is None:
        logits = given.pop(0)
        truth = Truth(labels, reference.activate(logits), logits)
        if odd := np.flatnonzero(~np.isfinite(truth.outputs).all(axis=1)).tolist():
            image = split.gather(torch.tensor(odd[:1]), CPU).numpy()
            what = f"{len(odd):,} of the {len(labels):,} validation images"
            raise not_finite(what, reference.first_not_finite(image))
    found = [
        compare(provider, model, whole, truth.outputs, truth.labels, split)
        for provider, model, whole in zip(providers, models, given[: len(models)], strict=True)
    ]
    if how is not None:
        found = [
            comparison._replace(sizes=compare_sizes(model, reference, split, how))
            for comparison, model in zip(found, models, strict=True)
        ]
    if not bare:
        return ModelComparison(found, truth, scale_of("logits", truth.outputs), None, 0.0, models, given[0])
    found = [
        comparison._replace(logits=figures(truth.logits, theirs))
        for comparison, theirs in zip(found, given[len(models) :], strict=True)
    ]
    spread, flat = spread_of(reference.output, truth.logits), saturated(truth.outputs)
    return ModelComparison(found, truth, scale_of("probabilities", truth.outputs), spread, flat, models, given[0])


def _of_logits(model: bytes | Path, weights: Mapping[str, bytes] | None) -> tuple[bytes, Mapping[str, bytes] | None]:
    """The copy of a model, in a file or serialized, that gives the logits, with the files of its weights."""
    content = read_file(model) if isinstance(model, Path) else model
    whole = onnx.load_from_string(content)
    if isinstance(model, Path):
        weights = {name: read_file(model.with_name(name)) for name in external_files(whole, model.parent)}
    return content_of(without_activation(whole)), weights


def mismatch(verdict: str, written: Written, reference: Reference, dataset: DataSet) -> SpeccError:
    """The error for a file that does not answer as the trained model does, with the first layer where they part."""
    few = dataset.validation.gather(torch.arange(min(FEW, len(dataset.validation))), CPU).numpy()
    return parted(verdict, written, reference.net, reference.normalize, few)


def parted(verdict: str, written: Written, net: Net, normalize: nn.Module, images: NDArray[np.generic]) -> SpeccError:
    """`mismatch`, for these images: a few, as the graph takes them."""
    parting = find_parting(written, net.to(CPU), normalize.to(CPU), images, PARTED)
    if parting is None:
        where = "every layer's values agree; what differs comes after the last one"
    elif parting.node is None:
        where = f"the images already differ at the network's input, by {parting.largest:.3g} of {parting.scale:.3g}"
    else:
        layer = _layer(parting.node, written.folded, net.graph)
        where = f"the first layer whose values differ is {layer}: "
        where += f"they differ by {parting.largest:.3g} of {parting.scale:.3g}"
    message = ["the exported file does not answer as the trained model does, and was not written", verdict, where]
    help = "`tolerance` in the section `export` is the bound; `output = logits` is measured by the output's own scale"
    return SpeccError("E455", message, help=help, status=1)


def _layer(node: Node, folded: Mapping[str, str], graph: Graph) -> str:
    """A layer and its place in the spec; for a norm that was folded, the layer that does its work."""
    if node.name not in folded:
        return f"`{node.name}`, at {node.span.place}"
    into = next(other for other in graph.nodes if other.name == folded[node.name])
    return f"`{into.name}`, at {into.span.place}, with `{node.name}` folded into it"


def content_of(model: onnx.ModelProto) -> bytes:
    """The bytes of a model."""
    return bytes(model.SerializeToString(deterministic=True))


def versions() -> dict[str, str]:
    """The versions of what made and compared a file."""
    return {
        "specc": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "onnx": version("onnx"),
        "onnxruntime": ort.__version__,
    }
