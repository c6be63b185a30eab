"""A certified file checked again, from the file and a data set alone."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import torch
from torch import Tensor

from specc.backend.build import Net, build
from specc.backend.data.batches import all_batches
from specc.backend.data.dataset import DataSet, load
from specc.backend.data.loader import in_view
from specc.backend.onnx.certificate import loss_of
from specc.backend.onnx.certify import compare_model
from specc.backend.onnx.compare import Tally, file_model
from specc.backend.onnx.comparison import agreement_text, lowest_agreement, right
from specc.backend.onnx.ending import Ending, ending_of
from specc.backend.onnx.exported import certificate_name
from specc.backend.onnx.judge import figure_of, judge, judge_loss
from specc.backend.onnx.model_file import DATA_SHA256, SPEC, SPEC_SHA256, ModelFile, file_sha256, read_model, sha256
from specc.backend.onnx.precision import FP32
from specc.backend.onnx.proof import training_left
from specc.backend.onnx.reference import Reference, normalize_as
from specc.backend.onnx.session import Outputs, choose
from specc.backend.onnx.truth import CPU, Images, full_batch
from specc.backend.run.files import BEST, INFO
from specc.backend.run.manifest import read_info
from specc.backend.run.weights import load_weights
from specc.check import Trainable, check
from specc.errors import SpeccError, counted
from specc.files import is_number, parse_json, read_file, size_of
from specc.source import Source
from specc.tasks import CLASSIFICATION

HASHES = ("model_sha256", "spec_sha256", "data_sha256", "weights_sha256")
MOST_BYTES = 1 << 26  # of the certificate beside a file
ROUNDED = 1e-3  # of a figure that is no count of images; relative, of an error
HEADER = 100_000_000  # bytes; a longer one is refused by safetensors


class Finding(NamedTuple):
    """One thing that was checked again. passed: None where it could not be checked, for the reason in `detail`."""

    name: str
    passed: bool | None
    detail: str


class Verification(NamedTuple):
    """What the check of a file found, and the certificate that it carries."""

    findings: list[Finding]
    certificate: dict[str, Any]

    @property
    def passed(self) -> bool:
        return all(finding.passed is not False for finding in self.findings)


def verify(
    path: Path, *, data_dir: Path | None = None, device: torch.device, providers: Sequence[str] = ()
) -> Verification:
    """Check an exported file against its certificate, on the validation images that its spec names.

    The file is held against the run's weights too where they lie beside it. device: where PyTorch's side runs.
    providers: as for an export.

    Raises SpeccError: E450 to E454 as the file goes, E457 it cannot be run, E456 it was changed after it was certified,
    E440 its spec has errors, E437 and names no data, E401 and on where these cannot be read.
    """
    file = read_model(path)
    if not file.untouched or file.certificate is None:
        what = "carries no certificate" if file.certificate is None else "was changed after it was certified"
        raise SpeccError("E456", f"{path} {what}", help="export it again: specc export RUN", status=1)
    certificate = file.certificate
    if certificate.get("trained") is False:
        message = f"{path} was exported without a training: there are no validation images to verify it on"
        raise SpeccError("E437", message, help="it was compared when it was written: specc export SPEC", status=1)
    _refuse_half(file, certificate)
    findings = [Finding("content", True, f"as it was certified: {certificate['model_sha256'][:16]}…")]
    findings += _form(file, certificate)
    checked = check(Source(f"{path.name}: spec", file.metadata[SPEC]))
    if checked.errors:
        message = f"the spec in {path} has errors; the first: {checked.errors[0].message}"
        raise SpeccError("E440", message, help="export it again: specc export RUN", status=1)
    if checked.data is None:
        raise SpeccError("E437", f"the spec in {path} has no section `data`: nothing can be compared", status=1)
    spec = checked.trainable()
    base, known = _places(path)
    dataset = load(spec.data, data_dir=data_dir or known, base=base)
    findings += _data(file, certificate, dataset)
    if all(finding.passed is not False for finding in findings):
        findings += _answers(file, certificate, spec, dataset, choose(providers))
        findings.append(_weights(file, certificate, spec, dataset, device, choose(providers)))
    return Verification(findings, certificate)


def _refuse_half(file: ModelFile, certificate: dict[str, Any]) -> None:
    """Raise SpeccError E456 where a certificate lacks something, or the metadata lack what it tells of."""
    providers, precision = certificate.get("providers"), certificate.get("precision")
    bound, scale = "tolerance" if precision == FP32 else "max_loss", certificate.get("scale")
    figures = {figure.name for figure in file.task.figures}
    needed = partial(_is_compared, figure="" if file.task == CLASSIFICATION else str(certificate.get("figure")))
    fits = {
        **{name: isinstance(certificate.get(name), str) for name in (*HASHES, "precision")},
        "correct": file.task != CLASSIFICATION or is_number(certificate.get("correct")),
        "figure": file.task == CLASSIFICATION or certificate.get("figure") in figures,
        "scale": all(map(is_number, scale if isinstance(scale, list) and scale else [scale])),
        bound: is_number(certificate.get(bound)),
        "providers": isinstance(providers, dict) and bool(providers) and all(map(needed, providers.values())),
        **{name: name in file.metadata for name in (SPEC, SPEC_SHA256, DATA_SHA256)},
    }
    for name, is_whole in fits.items():
        if not is_whole:
            message = f"the certificate in {file.path} is incomplete: `{name}` is missing or malformed"
            raise SpeccError("E456", message, help="export it again: specc export RUN", status=1)


def _is_compared(found: Any, figure: str) -> bool:
    """Whether this is what a certificate says of an execution provider. figure: the one it holds; "" for accuracy."""
    if not isinstance(found, dict) or not is_number(found.get("largest_difference")):
        return False
    if not figure:
        return is_number(found.get("correct"))
    figures = found.get("figures")
    return isinstance(figures, dict) and figure in figures and (figures[figure] is None or is_number(figures[figure]))


def _places(path: Path) -> tuple[Path, Path | None]:
    """Where the file's run, if it lies in one, had its spec and its data."""
    if not (path.parent / INFO).exists():
        return Path(), None
    info = read_info(path.parent)
    return Path(info["base"]), Path(info["data_dir"]) if info["data_dir"] else None


def _form(file: ModelFile, certificate: dict[str, Any]) -> Iterator[Finding]:
    """What can be told from the files alone."""
    try:
        onnx.checker.check_model(file.path, full_check=True)
        yield Finding("graph", True, "valid, says onnx.checker")
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        yield Finding("graph", False, str(error))
    left = training_left(onnx.load_from_string(file.content))
    yield Finding("evaluation mode", not left, "; ".join(left) or "nothing random, running statistics, one output")
    hashes = {sha256(file.metadata[SPEC].encode()), file.metadata[SPEC_SHA256], certificate["spec_sha256"]}
    yield Finding("spec", len(hashes) == 1, f"its hash is {certificate['spec_sha256'][:16]}…")
    beside = file.path.with_name(certificate_name(file.path))
    if not beside.exists():
        yield Finding("certificate beside it", None, f"there is no {beside.name}")
        return
    try:
        values = parse_json(read_file(beside, MOST_BYTES))
        same = values.pop("file")["sha256"] == sha256(file.content) and values == certificate
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        same = False
    yield Finding("certificate beside it", same, f"{beside.name} {'says the same' if same else 'is of another file'}")


def _data(file: ModelFile, certificate: dict[str, Any], dataset: DataSet) -> Iterator[Finding]:
    """Whether the data are those of the certificate."""
    same = dataset.hash == certificate["data_sha256"] == file.metadata[DATA_SHA256]
    yield Finding("data", same, f"{dataset.name}, {dataset.validated_on}" if same else "other data than were certified")
    task = dataset.task.facts
    names = list(dataset.task.outputs) == file.classes and task == file.task
    validated = certificate.get("validated_on", dataset.validated_on)
    if same and validated != dataset.validated_on:
        yield Finding("validation images", False, f"{validated} when it was certified, {dataset.validated_on} now")
    what = {"classes": "class names", "tags": "tags", "numbers": "numbers"}[task.outputs]
    found = f"{len(file.classes)} {task.outputs}"
    yield Finding(what, names, found if names else f"other {task.outputs} than the data's")


def _answers(
    file: ModelFile, certificate: dict[str, Any], spec: Trainable, dataset: DataSet, providers: Sequence[str]
) -> Iterator[Finding]:
    """Whether the file still reaches the figures that it was certified with, on each provider."""
    ending, split = ending_of(spec, dataset.task), dataset.validation
    near = 2 * _allowed(certificate) if dataset.task.facts == CLASSIFICATION else 0.0
    sides = [_Answered(file, provider, ending, spec, dataset, near) for provider in providers]
    for batch in all_batches(split, full_batch(split), CPU):
        for side in sides:
            side.update(batch.images.numpy(), in_view(batch.labels, spec.data.view))
    for side in sides:
        yield side.finding(certificate)


class _Answered:
    """What a file gives on one provider. near: how near an image's two likeliest classes are at a near tie."""

    def __init__(
        self, file: ModelFile, provider: str, ending: Ending, spec: Trainable, dataset: DataSet, near: float
    ) -> None:
        self.model = file_model(file.path, provider, ending.shape(spec.graph))
        self.provider, self.near, self.task = provider, near, dataset.task
        self.tally = Tally(dataset.task, ending)
        self.images, self.odd, self.open = 0, 0, 0

    def update(self, images: Images, labels: Tensor) -> None:
        outputs = self.model(images)
        self.tally.record(outputs, labels)
        self.images += len(images)
        self.odd += int((~np.isfinite(outputs.reshape(len(outputs), -1))).any(axis=1).sum())
        if self.task.facts == CLASSIFICATION:
            self.open += _near_ties(outputs, self.near)

    def finding(self, certificate: dict[str, Any]) -> Finding:
        if self.odd:
            figure = self.task.facts.figures[0]
            detail = f"{self.odd:,} of {self.images:,} outputs are not finite"
            return Finding(f"{figure.title} on {self.provider}", False, detail)
        figures = self.task.figures(self.tally.records)
        if self.task.facts == CLASSIFICATION:
            return self._accuracy(certificate, figures)
        return self._figure(certificate, figures)

    def _accuracy(self, certificate: dict[str, Any], figures: Mapping[str, float | None]) -> Finding:
        """Whether the file still gets the same number of images right.

        An image whose two likeliest classes are nearer than twice what the file may differ by may fall to either on
        another machine.
        """
        correct = right(figures, self.images)["correct"]
        own = certificate["providers"].get(self.provider, certificate)
        certified = max(_claims(certificate, own), key=lambda claim: abs(correct - claim))
        apart = abs(correct - certified)
        detail = f"{correct:,} of {self.images:,} right, {correct / self.images:.2%}"
        if apart:
            detail += f"; the certificate says {certified:,}"
        return Finding(f"accuracy on {self.provider}", apart <= self.open, detail)

    def _figure(self, certificate: dict[str, Any], figures: Mapping[str, float | None]) -> Finding:
        """Whether the figure that chose is what it was, but for what rounding on another machine may move it by."""
        figure = self.task.facts.figure(certificate["figure"])
        own = certificate["providers"].get(self.provider, certificate)["figures"]
        moved = abs(loss_of(figure, own, figures, self.images))
        detail = f"{figure.text(figures[figure.name])} on {counted(self.images, 'image')}"
        if moved:
            detail += f"; the certificate says {figure.text(own[figure.name])}"
        return Finding(f"{figure.title} on {self.provider}", moved <= ROUNDED, detail)


def _claims(certificate: dict[str, Any], own: dict[str, Any]) -> list[int]:
    """How many images a certificate says that the file gets right; in fp32 as many as the trained model."""
    return [int(found["correct"]) for found in ((own, certificate) if certificate["precision"] == FP32 else (own,))]


def _allowed(certificate: dict[str, Any]) -> float:
    """What the file's answers may differ by from the trained model's; in few bits, what they were found to."""
    if certificate["precision"] == FP32:
        return float(certificate["tolerance"]) * float(certificate["scale"])
    return max(float(found["largest_difference"]) for found in certificate["providers"].values())


def _near_ties(outputs: Outputs, near: float) -> int:
    """How many images have two likeliest classes that are not further apart than `near`."""
    two = np.sort(outputs, axis=1)[:, -2:]
    return int((two[:, 1] - two[:, 0] <= near).sum()) if two.shape[1] == 2 else 0


def _weights(
    file: ModelFile,
    certificate: dict[str, Any],
    spec: Trainable,
    dataset: DataSet,
    device: torch.device,
    providers: Sequence[str],
) -> Finding:
    """The whole comparison again, where the weights that were exported lie beside the file."""
    name, weights = "trained model", file.path.with_name(BEST)
    if not weights.exists():
        return Finding(name, None, f"not compared: there is no {BEST} beside the file")
    net = build(spec.graph)
    if not _is_hash_of(certificate["weights_sha256"], weights, net):
        return Finding(name, None, f"not compared: the weights in {BEST} are not those that were exported")
    load_weights(net, weights)
    task, ending = dataset.task.facts, ending_of(spec, dataset.task)
    reference = Reference(net, normalize_as(spec, dataset.mean, dataset.std), ending, device)
    held = compare_model(file.path, reference, dataset, spec.data.resizing, providers)
    if certificate["precision"] == FP32:
        tolerance = float(certificate["tolerance"])
        verdict = judge(task, held.comparisons, tolerance, held.truth.scales, held.logits_scale)
    else:
        figure, max_loss = figure_of(spec, task), float(certificate["max_loss"])
        verdict = judge_loss(task, figure, held.comparisons, held.truth.figures, max_loss)
    largest = max(figures.largest for comparison in held.comparisons for _, figures in comparison.all())
    agreement = agreement_text(task, lowest_agreement(held.comparisons))
    return Finding(name, not verdict, verdict or f"largest difference {largest:.2g}{agreement}")


def _is_hash_of(certified: str, weights: Path, net: Net) -> bool:
    """Whether a file of weights has this hash; it is not read where it is larger than the network's can be."""
    most = sum(value.nbytes for value in net.state_dict().values()) + HEADER
    try:
        return size_of(weights) <= most and file_sha256(weights) == certified
    except OSError:
        return False
