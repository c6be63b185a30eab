"""Published weights as the file that is deployed, without a training: raw images in, class names in the metadata."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch.nn import functional as F

from specc.backend.build import build
from specc.backend.data.dataset import DataSet
from specc.backend.data.split import Resident
from specc.backend.initialize import initialize
from specc.backend.memory import refuse_oversized
from specc.backend.onnx import model_file
from specc.backend.onnx.certificate import as_json
from specc.backend.onnx.certify import ModelComparison, compare_model, content_of, mismatch, versions
from specc.backend.onnx.comparison import Comparison
from specc.backend.onnx.ending import ending_of
from specc.backend.onnx.judge import judge
from specc.backend.onnx.reference import Reference, normalize_as
from specc.backend.onnx.session import choose
from specc.backend.onnx.truth import CPU
from specc.backend.onnx.write import check_graph, describe, write_model
from specc.backend.start import Origin, about_start, load_start, map_start, resolve_start
from specc.backend.tasks.bound import BoundTask, bind
from specc.check import Checked, Trainable
from specc.errors import SpeccError
from specc.files import write_together
from specc.tasks import CLASSIFICATION, SEGMENTATION
from specc.vocabulary.family import Normalization
from specc.vocabulary.registry import component

IMAGES = 16  # random ones, on which the file is compared
COARSE = 8  # pixels to a side of what they are enlarged from: as smooth as a photograph
UNLEARNED = "train it: specc train SPEC"


class StartExported(NamedTuple):
    """A file that was written. words: where its weights come from. classes: whether their names are known."""

    path: Path
    words: list[str]
    comparisons: list[Comparison]
    classes: tuple[str, ...]


def export_start(checked: Checked, out: Path, *, base: Path = Path(), providers: Sequence[str] = ()) -> StartExported:
    """Write the network that a spec's `train.start` names as an ONNX file that takes raw images.

    On every provider it is compared with PyTorch, on random images, in batches of several sizes, and on images of other
    sizes, before it gets its name. base: the folder that relative paths in the spec start from.

    Raises SpeccError: E437 something would have to be learned or measured first: the head, or the mean of the images;
    E448 it does not fit into memory; E442, E443, E489, E496 to E498 from the weights; E454 a provider did not load,
    E455 the file does not answer as PyTorch does, E457 it does not run, E481 it cannot be written.
    """
    spec = checked.trainable()
    _refuse_unknown_images(spec)
    assert spec.train.start is not None
    refuse_oversized(spec.graph, torch.device("cpu"))
    net = build(spec.graph)
    initialize(net, spec.train.seed)
    origin = resolve_start(spec.train.start, base)
    mapped = map_start(spec.graph, origin, ())
    words = load_start(net, mapped, origin)
    new = [one.name for one in mapped if one.fate in ("new", "replaced")]
    if new:
        message = f"{origin.words} has no weights for `{new[0]}`, which would have to be learned"
        raise SpeccError("E437", message, help=UNLEARNED, status=1)
    task = _task(spec, origin)
    normalize = normalize_as(spec, [0.0] * spec.graph.input[0], [1.0] * spec.graph.input[0])
    metadata, ending = describe(spec, task, ""), ending_of(spec, task)
    written = write_model(spec, net, normalize, ending, metadata, f"{out.name}.data")
    check_graph(written.model)
    content, reference = content_of(written.model), Reference(net, normalize, ending, CPU)
    images = _random_images(spec, task)
    held = compare_model(content, reference, images, spec.data.resizing, choose(providers), written.weights)
    verdict = judge(task.facts, held.comparisons, spec.export.tolerance, held.truth.scales, held.logits_scale)
    if verdict:
        raise mismatch(verdict, written, reference, images)
    certificate = _certificate(spec, held, content) | {"start": about_start(origin, mapped)}
    files = {out.with_name(name): weights for name, weights in written.weights.items()}
    try:
        write_together({**files, out: model_file.seal(content, as_json(certificate))})
    except OSError as error:
        message = f"{out} cannot be written: {error.strerror or error}"
        raise SpeccError("E481", message, help="choose another place with --out") from None
    return StartExported(out, words, held.comparisons, origin.classes)


def _refuse_unknown_images(spec: Trainable) -> None:
    """Raise SpeccError E437 where only training images tell how pixels are normalized."""
    normalize = spec.data.normalize
    if component(Normalization, normalize).constants is None and normalize.name == "standard":
        message = "an export without a training reads no images, but `normalize = standard` takes their mean"
        raise SpeccError("E437", message, help=f"use normalize = imagenet or fixed(…), or {UNLEARNED}", status=1)


def _task(spec: Trainable, origin: Origin) -> BoundTask:
    """What the network answers: a class for each image, or for each pixel. Without names they are numbered."""
    facts = SEGMENTATION if len(spec.graph.output_shape) == 3 else CLASSIFICATION
    count = spec.graph.output_shape[0]
    names = origin.classes if len(origin.classes) == count else tuple(map(str, range(count)))
    return bind(facts, names)


def _random_images(spec: Trainable, task: BoundTask) -> DataSet:
    """Smooth random images of the size that the network sees before its view, as a data set without labels."""
    channels, *seen = spec.graph.input
    height, width = spec.data.resizing.size if spec.data.resizing else seen
    coarse = torch.rand(IMAGES, channels, COARSE, COARSE, generator=torch.Generator().manual_seed(spec.train.seed))
    pixels = F.interpolate(coarse, size=(height, width), mode="bicubic").mul(255).round().clamp(0, 255).to(torch.uint8)
    shape = (IMAGES, height, width) if task.facts.per_pixel else (IMAGES,)
    images = Resident(pixels, torch.zeros(shape, dtype=torch.int64))
    none = (0.0,) * channels
    return DataSet(
        name="random images",
        classes=task.outputs,
        shape=(channels, height, width),
        train=images,
        validation=images,
        mean=none,
        std=none,
        hash="",
        validated_on=f"{IMAGES} random images",
        seed=spec.train.seed,
        part="train",
        train_counts=(),
        train_images=0,
        task=task,
    )


def _differences(one: Comparison) -> dict[str, object]:
    """How far a file is from PyTorch. The images have no labels, so that there are no figures."""
    return {
        **one.whole.as_dict(),
        "batches": {str(size): part.as_dict() for size, part in one.batches.items()},
        "sizes": {size: part.as_dict() for size, part in one.sizes.items()},
        **({"logits": one.logits.as_dict()} if one.logits else {}),
    }


def _certificate(spec: Trainable, held: ModelComparison, content: bytes) -> dict[str, object]:
    return {
        "format": 1,
        "network": spec.name,
        "trained": False,
        "images": f"{IMAGES} random images",
        "opset": spec.export.opset,
        "tolerance": spec.export.tolerance,
        "scale": held.truth.scales,
        "evaluation_mode": True,
        "providers": {one.provider: _differences(one) for one in held.comparisons},
        "model_sha256": model_file.sha256(content),
        "spec_sha256": model_file.sha256(spec.resolved.encode()),
        "versions": versions(),
    }
