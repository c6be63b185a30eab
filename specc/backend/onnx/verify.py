"""A certified file checked again, from the file and a data set alone."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import torch

from specc.backend.build import Net, build
from specc.backend.data.dataset import DataSet, load
from specc.backend.onnx.certify import compare_model
from specc.backend.onnx.compare import Model, answers, file_model, judge, judge_loss
from specc.backend.onnx.exported import certificate_name
from specc.backend.onnx.model_file import DATA_SHA256, SPEC, SPEC_SHA256, ModelFile, file_sha256, read_model, sha256
from specc.backend.onnx.precision import FP32
from specc.backend.onnx.proof import training_left
from specc.backend.onnx.reference import Reference, activation, normalize_as
from specc.backend.onnx.session import Outputs, choose
from specc.backend.run.files import BEST, INFO
from specc.backend.run.manifest import read_info
from specc.backend.run.weights import load_weights
from specc.check import Trainable, check
from specc.errors import SpeccError
from specc.files import is_number, parse_json, read_file, size_of
from specc.source import Source

HASHES = ("model_sha256", "spec_sha256", "data_sha256", "weights_sha256")
MOST_BYTES = 1 << 26  # of the certificate beside a file
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
    bound = "tolerance" if precision == FP32 else "max_loss"
    fits = {
        **{name: isinstance(certificate.get(name), str) for name in (*HASHES, "precision")},
        **{name: is_number(certificate.get(name)) for name in ("correct", "scale", bound)},
        "providers": isinstance(providers, dict) and bool(providers) and all(map(_is_compared, providers.values())),
        **{name: name in file.metadata for name in (SPEC, SPEC_SHA256, DATA_SHA256)},
    }
    for name, is_whole in fits.items():
        if not is_whole:
            message = f"the certificate in {file.path} is incomplete: `{name}` is missing or malformed"
            raise SpeccError("E456", message, help="export it again: specc export RUN", status=1)


def _is_compared(found: Any) -> bool:
    """Whether this is what a certificate says of an execution provider."""
    return isinstance(found, dict) and all(is_number(found.get(name)) for name in ("correct", "largest_difference"))


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
    names = list(dataset.classes) == file.classes
    validated = certificate.get("validated_on", dataset.validated_on)
    if same and validated != dataset.validated_on:
        yield Finding("validation images", False, f"{validated} when it was certified, {dataset.validated_on} now")
    yield Finding("class names", names, f"{len(file.classes)} classes" if names else "other classes than the data's")


def _answers(
    file: ModelFile, certificate: dict[str, Any], spec: Trainable, dataset: DataSet, providers: Sequence[str]
) -> Iterator[Finding]:
    """Whether the file still gets the same number of images right, on each provider.

    An image whose two likeliest classes are nearer than twice what the file may differ by may fall to either on another
    machine.
    """
    models: list[Model] = [file_model(file.path, provider, len(dataset.classes)) for provider in providers]
    labels, given = answers(dataset.validation, models)
    near = 2 * _allowed(certificate)
    for provider, outputs in zip(providers, given, strict=True):
        correct = int((outputs.argmax(axis=1) == labels).sum())
        own = certificate["providers"].get(provider, certificate)
        certified = max(_claims(certificate, own), key=lambda claim: abs(correct - claim))
        apart, open_ = abs(correct - certified), _near_ties(outputs, near)
        if odd := int((~np.isfinite(outputs)).any(axis=1).sum()):
            detail = f"{odd:,} of {len(labels):,} outputs are not finite"
            yield Finding(f"accuracy on {provider}", False, detail)
            continue
        detail = f"{correct:,} of {len(labels):,} right, {correct / len(labels):.2%}"
        if apart:
            detail += f"; the certificate says {certified:,}"
        yield Finding(f"accuracy on {provider}", apart <= open_, detail)


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
    output = "logits" if spec.export.output == "logits" else activation(spec)
    reference = Reference(net, normalize_as(spec, dataset.mean, dataset.std), output, device)
    held = compare_model(file.path, reference, dataset, spec.data.resizing, providers)
    if certificate["precision"] == FP32:
        verdict = judge(held.comparisons, float(certificate["tolerance"]), held.scale, held.logits_scale)
    else:
        verdict = judge_loss(held.comparisons, held.truth.correct, float(certificate["max_loss"]))
    largest = max(figures.largest for comparison in held.comparisons for _, figures in comparison.all())
    agreement = min(comparison.whole.agreement for comparison in held.comparisons)
    return Finding(
        name, not verdict, verdict or f"largest difference {largest:.2g}, top class agrees on {agreement:.2%}"
    )


def _is_hash_of(certified: str, weights: Path, net: Net) -> bool:
    """Whether a file of weights has this hash; it is not read where it is larger than the network's can be."""
    most = sum(value.nbytes for value in net.state_dict().values()) + HEADER
    try:
        return size_of(weights) <= most and file_sha256(weights) == certified
    except OSError:
        return False
