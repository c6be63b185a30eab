"""From a run to a certified ONNX file: written, compared with the trained model, and only then given its name."""

import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import onnx
import onnxruntime as ort
import torch

from specc import __version__
from specc.backend.data.dataset import DataSet, load
from specc.backend.data.normalise import Normalise
from specc.backend.device import describe as describe_device
from specc.backend.device import find
from specc.backend.onnx import model_file
from specc.backend.onnx.certificate import Certificate, Comparison, as_json
from specc.backend.onnx.compare import (
    CPU,
    Model,
    answers,
    compare,
    compare_sizes,
    file_model,
    judge,
    scale_of,
)
from specc.backend.onnx.parting import find_parting
from specc.backend.onnx.reference import Reference, activation, normalise_as
from specc.backend.onnx.session import choose
from specc.backend.onnx.write import describe, write_model
from specc.backend.train.run import BEST, Run, open_run
from specc.errors import SpeccError
from specc.files import write_atomic
from specc.values import Args, Size

MODEL, CERTIFICATE = "model.onnx", "certificate.json"
FEW = 8  # images that are enough to find the layer where values part
PARTED = 1e-4  # of a layer's scale: far above what float32 sums differ by


def export_run(
    path: Path,
    *,
    out: Path | None = None,
    data_dir: Path | None = None,
    device: str = "auto",
    providers: Sequence[str] = (),
) -> Certificate:
    """Export the best weights of the run at `path`, to its `model.onnx` unless `out` is given; see `export`.

    Raises SpeccError: E430 no such device, E439 to E443 as `open_run` does, E441 the data have changed, E401 and on.
    """
    place = find(device)
    run = open_run(path)
    data, train = run.checked.data, run.checked.train
    assert data is not None and train is not None
    dataset = load(data, data_dir=data_dir or run.data_dir, seed=train.seed, base=run.base)
    return export(run, dataset, out=out, device=place, providers=providers)


def export(
    run: Run,
    dataset: DataSet,
    *,
    out: Path | None = None,
    device: torch.device = CPU,
    providers: Sequence[str] = (),
) -> Certificate:
    """Write the run's network as a certified ONNX file, with `certificate.json` beside it.

    The file is compared with the trained model on all validation images before it gets its name. device: where
    PyTorch's side runs. providers: what onnxruntime runs on besides the CPU; CUDA too where nothing is asked for and it
    loads.

    Raises SpeccError: E441 other data than the run was trained on, E454 a provider did not load, E455 the file does not
    answer as the trained model does, E458 too large for one file, E481 it cannot be written.
    """
    if dataset.hash != run.info["data_sha256"]:
        message = f"the data are not those that {run.path} was trained on"
        raise SpeccError("E441", message, help="give the folder of the data with --data-dir", status=1)
    checked = run.checked
    assert checked.export is not None
    normalise = normalise_as(checked, dataset.mean, dataset.std)
    metadata = describe(checked, dataset.classes, dataset.hash)
    model, values = write_model(checked, run.net, normalise, metadata)
    body = model.SerializeToString()
    output = "logits" if checked.export.output == "logits" else activation(checked)
    reference = Reference(run.net, normalise, output, device)
    found, scale, correct = hold_against(body, reference, dataset, resized(checked.data, dataset), choose(providers))
    verdict = judge(found, checked.export.tolerance, scale)
    if verdict:
        raise _mismatch(verdict, model, values, run, normalise, dataset)
    certificate = Certificate(
        network=checked.name,
        output=checked.export.output,
        opset=checked.export.opset,
        tolerance=checked.export.tolerance,
        scale=scale,
        images=len(dataset.validation),
        correct=correct,
        validated_on=dataset.validated_on,
        device=describe_device(device),
        comparisons=tuple(found),
        model_sha256=model_file.sha256(body),
        spec_sha256=metadata[model_file.SPEC_SHA256],
        data_sha256=dataset.hash,
        weights_sha256=model_file.sha256((run.path / BEST).read_bytes()),
        versions=versions(),
    )
    _write(out or run.path / MODEL, body, certificate.as_dict())
    return certificate


def resized(data: Args | None, dataset: DataSet) -> Size | None:
    """The size to which the graph brings its images; None where it takes no other."""
    return Size(*dataset.shape[1:]) if data is not None and data.resize is not None else None


def hold_against(
    content: bytes, reference: Reference, dataset: DataSet, size: Size | None, providers: Sequence[str]
) -> tuple[list[Comparison], float, int]:
    """A serialised model on each provider against the trained one, over the validation images.

    Gives the comparisons, the scale of the trained model's output, and how many images that gets right.
    """
    split = dataset.validation
    models: list[Model] = [file_model(content, provider, len(dataset.classes)) for provider in providers]
    labels, (truth, *given) = answers(split, [reference, *models])
    found = [
        compare(provider, model, whole, truth, labels, split)
        for provider, model, whole in zip(providers, models, given, strict=True)
    ]
    if size is not None:
        found = [
            comparison._replace(sizes=compare_sizes(model, reference, split, size))
            for comparison, model in zip(found, models, strict=True)
        ]
    output = "logits" if reference.output == "logits" else "probabilities"
    return found, scale_of(output, truth), int((truth.argmax(axis=1) == labels).sum())


def _mismatch(
    verdict: str, model: onnx.ModelProto, values: dict[str, str], run: Run, normalise: Normalise, dataset: DataSet
) -> SpeccError:
    """The error for a file that does not answer as the trained model does, with the first layer where they part."""
    few = dataset.validation.gather(torch.arange(min(FEW, len(dataset.validation))), CPU).numpy()
    parting = find_parting(model, values, run.net.to(CPU), normalise.to(CPU), few, PARTED)
    if parting is None:
        where = "every layer's values agree; what differs comes after the last one"
    elif parting.node is None:
        where = f"the images differ already as the network sees them, by {parting.largest:.3g} of {parting.scale:.3g}"
    else:
        where = f"the first layer whose values part is `{parting.node.name}`, at {parting.node.span.place}: "
        where += f"they differ by {parting.largest:.3g} of {parting.scale:.3g}"
    message = f"the exported file does not answer as the trained model does, and was not written\n{verdict}\n{where}"
    help = "`tolerance` in the section `export` is the bound; `output = logits` is measured by the output's own scale"
    return SpeccError("E455", message, help=help, status=1)


def versions() -> dict[str, str]:
    """The versions of what made and compared a file."""
    return {
        "specc": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "onnx": version("onnx"),
        "onnxruntime": ort.__version__,
    }


def _write(path: Path, body: bytes, certificate: dict[str, Any]) -> None:
    content = model_file.seal(body, as_json(certificate))
    beside = {**certificate, "file": {"name": path.name, "bytes": len(content), "sha256": model_file.sha256(content)}}
    try:
        write_atomic(path, content)
        write_atomic(path.with_name(certificate_name(path)), as_json(beside).encode())
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror or error}"
        raise SpeccError("E481", message, help="give another place with --out") from None


def certificate_name(path: Path) -> str:
    """`certificate.json` beside `model.onnx`; `NAME.certificate.json` beside a file of another name."""
    return CERTIFICATE if path.name == MODEL else f"{path.stem}.{CERTIFICATE}"
