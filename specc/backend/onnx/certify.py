"""The proof of an exported graph: compared with the trained model on every provider, judged, and put in writing."""

import platform
from collections.abc import Mapping, Sequence
from functools import partial
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
from specc.backend.data.split import Split
from specc.backend.onnx.compare import Model, Tally, compare_batches, compare_sizes, file_model
from specc.backend.onnx.comparison import Comparison
from specc.backend.onnx.ending import Ending
from specc.backend.onnx.first_divergence import find_parting
from specc.backend.onnx.model_file import external_files
from specc.backend.onnx.reference import Reference
from specc.backend.onnx.truth import CPU, Batch, Survey, Truth, batches
from specc.backend.onnx.write import Written, of_pixels, without_end
from specc.backend.tasks.bound import BoundTask, Records
from specc.errors import SpeccError
from specc.files import read_file
from specc.ir.graph import Graph, Node
from specc.tricks.resize import Resize

FEW = 8  # images that are enough to find the layer where values part
PARTED = 1e-4  # of a layer's scale: far above what float32 sums differ by


class ModelComparison(NamedTuple):
    """A file held against the trained model.

    logits_scale: what differences of logits are measured by; None where they were not compared besides the output.
    models: the file on each provider. records: of the task, what the file says to the validation images on the first
    provider.
    """

    comparisons: list[Comparison]
    truth: Truth
    logits_scale: float | None
    models: list[Model]
    records: Records


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

    Where the output is probabilities or classes, the logits that they are made of are compared as well, by a copy of
    the graph that ends there: probabilities of 0 and 1, and classes, hide whatever differs.

    how: the way the graph resizes its images; None where it takes one size only.
    weights: the files of a serialized model's weights. truth: what the trained model says, where that is known already.

    Raises SpeccError: E454 a provider did not load, E457 the model does not run, E465 the trained model's answers are
    not finite.
    """
    split, ending, graph = dataset.validation, reference.ending, reference.net.graph
    models = [file_model(model, name, ending.shape(graph), weights) for name in providers]
    sides = [_Side(one, name, dataset.task, ending) for one, name in zip(models, providers, strict=True)]
    bare: list[_Side] = []
    if ending.output in ("probabilities", "classes"):
        content, files = _of_logits(model, weights)
        logits = Ending("logits", ending.activation)
        bares = [file_model(content, name, logits.shape(graph), files) for name in providers]
        bare = [_Side(one, name, dataset.task, logits) for one, name in zip(bares, providers, strict=True)]
    survey = None if truth else Survey(reference, dataset)
    for batch in batches(reference, split, truth):
        if survey:
            survey.update(batch)
        for side in (*sides, *bare):
            side.update(batch)
    if survey:
        truth = survey.truth()
    assert truth is not None
    resized = _resized(model, graph, providers, weights) if how is not None else [None for _ in providers]
    found = [side.comparison(truth, reference, split, how, one) for side, one in zip(sides, resized, strict=True)]
    if bare:
        pairs = zip(found, bare, strict=True)
        found = [comparison._replace(logits=side.whole.figures()) for comparison, side in pairs]
    spread = truth.logits_scale if bare else None
    return ModelComparison(found, truth, spread, models, sides[0].records)


class _Side:
    """A file on one execution provider, as it answers batch by batch."""

    def __init__(self, model: Model, provider: str, task: BoundTask, ending: Ending) -> None:
        self.model, self.provider, self.task = model, provider, task
        self.tally = partial(Tally, task, ending)
        self.whole, self.first = self.tally(), self.tally()

    def update(self, batch: Batch) -> None:
        given = self.model(batch.images)
        if not self.first.images:
            self.first.update(batch.trained, given)
        self.whole.update(batch.trained, given)
        self.whole.record(given, batch.labels)

    @property
    def records(self) -> Records:
        return self.whole.records

    def comparison(
        self, truth: Truth, reference: Reference, split: Split, how: Resize | None, resized: Model | None
    ) -> Comparison:
        """What was found, with batches of other sizes and images of other sizes, which are run here."""
        found = {self.first.images: self.first.figures()}
        found |= compare_batches(self.tally, self.model, truth, split)
        figures = self.task.figures(self.records)
        sizes = {} if how is None else compare_sizes(self.tally, self.model, reference, split, how, resized)
        return Comparison(self.provider, self.whole.figures(), dict(sorted(found.items())), figures, sizes)


def _resized(
    model: bytes | Path, graph: Graph, providers: Sequence[str], weights: Mapping[str, bytes] | None
) -> Sequence[Model | None]:
    """What gives the pixels that a model resizes its images to, on each provider; None where they are not found."""
    whole, weights = _loaded(model, weights)
    bare = of_pixels(whole)
    if bare is None:
        return [None for _ in providers]
    return [file_model(content_of(bare), name, graph.input, weights) for name in providers]


def _loaded(
    model: bytes | Path, weights: Mapping[str, bytes] | None
) -> tuple[onnx.ModelProto, Mapping[str, bytes] | None]:
    """A model, in a file or serialized, with the files of its weights."""
    whole = onnx.load_from_string(read_file(model) if isinstance(model, Path) else model)
    if isinstance(model, Path):
        weights = {name: read_file(model.with_name(name)) for name in external_files(whole, model.parent)}
    return whole, weights


def _of_logits(model: bytes | Path, weights: Mapping[str, bytes] | None) -> tuple[bytes, Mapping[str, bytes] | None]:
    """The copy of a model, in a file or serialized, that gives the logits, with the files of its weights."""
    whole, weights = _loaded(model, weights)
    return content_of(without_end(whole)), weights


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
