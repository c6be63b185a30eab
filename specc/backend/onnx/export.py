"""From a run to certified ONNX files: written, compared with the trained model, and only then given their names."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import onnx
import torch

from specc.backend.data.dataset import DataSet, load
from specc.backend.device import describe as describe_device
from specc.backend.device import find
from specc.backend.evaluation.figures import Estimate, estimates, share
from specc.backend.evaluation.of_run import epochs_of, test_figures
from specc.backend.evaluation.words import optimism
from specc.backend.onnx import model_file
from specc.backend.onnx.card import card
from specc.backend.onnx.certificate import Certificate, as_json
from specc.backend.onnx.certify import ModelComparison, compare_model, content_of, mismatch, versions
from specc.backend.onnx.comparison import Half
from specc.backend.onnx.ending import ending_of
from specc.backend.onnx.exported import Exported, PartlyExported, card_name, certificate_name, path_of
from specc.backend.onnx.half import hold_against_half
from specc.backend.onnx.judge import figure_of, judge, judge_loss
from specc.backend.onnx.latency import latencies
from specc.backend.onnx.listed import of_earlier
from specc.backend.onnx.precision import FP16, FP32, convert
from specc.backend.onnx.reference import Reference, normalize_as
from specc.backend.onnx.session import choose
from specc.backend.onnx.truth import CPU, Truth
from specc.backend.onnx.write import Written, check_graph, describe, write_model
from specc.backend.run.files import BEST, MODEL
from specc.backend.run.load import Run, open_run
from specc.backend.run.looks import read_looks
from specc.backend.run.manifest import about_data
from specc.backend.run.same_data import refuse_other_data
from specc.errors import SpeccError
from specc.faults import reach
from specc.files import read_file, write_together
from specc.tasks import Figure


def export_run(
    path: Path,
    *,
    out: Path | None = None,
    data_dir: Path | None = None,
    device: str = "auto",
    providers: Sequence[str] = (),
    precisions: Sequence[str] = (),
) -> list[Exported]:
    """Export the best weights of the run at `path`, to its `model.onnx` unless `out` is given; see `export`.

    Raises SpeccError: E430 no such device, E439 to E443 as `open_run` does, E441 the data have changed, E401 and on.
    """
    place = find(device)
    run = open_run(path)
    dataset = load(run.spec.data, data_dir=data_dir or run.data_dir, base=run.base)
    return export(run, dataset, out=out, device=place, providers=providers, precisions=precisions)


def export(
    run: Run,
    dataset: DataSet,
    *,
    out: Path | None = None,
    device: torch.device = CPU,
    providers: Sequence[str] = (),
    precisions: Sequence[str] = (),
) -> list[Exported]:
    """Write the run's network as certified ONNX files, fp32 first, each with its certificate, and a model card.

    Each is compared with the trained model on all validation images before it gets its name. device: where PyTorch's
    side runs. providers: what onnxruntime runs on besides the CPU; every other one that loads where nothing is asked
    for. precisions: "fp16", "int8"; the section `export` says it where nothing is asked for.

    Raises SpeccError: E441 other data than the run was trained on, E454 a provider did not load, E455 the file does not
    answer as the trained model does, E459 something of the training is left, E481 it cannot be written. Raises
    PartlyExported once everything else is written, where a file in fewer bits was refused: E458 too large to be
    converted, E462 too much of the figure that chooses is lost, E466 values beyond float16.
    """
    refuse_other_data(run.path, run.info, about_data(dataset), "give the folder of the data with --data-dir")
    spec, path = run.spec, out or run.path / MODEL
    if path.is_dir():
        raise SpeccError("E481", f"{path} cannot be written: it is a folder", help="give the name of a file with --out")
    normalize = normalize_as(spec, dataset.mean, dataset.std)
    metadata, ending = describe(spec, dataset.task, dataset.hash), ending_of(spec, dataset.task)
    written = write_model(spec, run.net, normalize, ending, metadata, f"{path.name}.data")
    reference = Reference(run.net, normalize, ending, device)
    job = _Job(run, dataset, reference, metadata, path, tuple(choose(providers)))
    made = [_certify(job, FP32, written, None)]
    refused: list[SpeccError] = []
    wanted = precisions or [spec.export.precision]
    for precision in dict.fromkeys(wanted):
        if precision != FP32:
            try:
                made.append(_in_few_bits(job, precision, written, made[0].held))
            except SpeccError as error:
                refused.append(error)
    times = _latencies(job, [one.held for one in made])
    reach("export")
    exported = [_write(job, one, latency) for one, latency in zip(made, times, strict=True)]
    text = card(exported, of_earlier(exported), dataset, metadata, len(read_looks(run.path)))
    _put(job.path, {job.path.with_name(card_name(job.path)): text.encode()})
    if refused:
        raise PartlyExported(exported, refused)
    return exported


class _Job(NamedTuple):
    """What all files of an export have in common. path: of the one of fp32."""

    run: Run
    dataset: DataSet
    reference: Reference
    metadata: dict[str, str]
    path: Path
    providers: tuple[str, ...]

    @property
    def figure(self) -> Figure:
        """The figure whose loss is bounded in fewer bits."""
        return figure_of(self.run.spec, self.dataset.task.facts)

    @property
    def max_loss(self) -> float:
        return self.run.spec.export.max_loss


class _Made(NamedTuple):
    """A file that was certified and is not written yet."""

    content: bytes
    weights: dict[str, bytes]
    held: ModelComparison
    certificate: Certificate


def _in_few_bits(job: _Job, precision: str, written: Written, known: ModelComparison) -> _Made:
    """The fp32 model in another precision, certified."""
    model = _converted(written, precision, job.dataset)
    half = None
    if precision == FP16:
        half = hold_against_half(written, job.reference, job.dataset, known.truth, job.figure, job.max_loss)
    return _certify(job, precision, written._replace(model=model), known, half)


def _certify(
    job: _Job, precision: str, written: Written, known: ModelComparison | None, half: Half | None = None
) -> _Made:
    """Hold a model against the trained one, and judge it. known: what the first file of an export was found to be."""
    spec, dataset = job.run.spec, job.dataset
    check_graph(written.model)
    _check_classes(written.model, dataset)
    content = content_of(written.model)
    how, truth = spec.data.resizing, known.truth if known else None
    held = compare_model(content, job.reference, dataset, how, job.providers, written.weights, truth)
    task, figures = dataset.task, held.truth.figures
    if precision == FP32 and (
        verdict := judge(task.facts, held.comparisons, spec.export.tolerance, held.truth.scales, held.logits_scale)
    ):
        raise mismatch(verdict, written, job.reference, dataset)
    if precision != FP32 and (verdict := judge_loss(task.facts, job.figure, held.comparisons, figures, job.max_loss)):
        message = [f"{path_of(job.path, precision).name} loses too much, and was not written", verdict]
        help = "`max_loss` in the section `export` is the bound; fp16 loses less than int8"
        raise SpeccError("E462", message, help=help, status=1)
    certificate = Certificate(
        network=spec.name,
        task=task.facts,
        outputs=task.outputs,
        output=job.reference.ending.output,
        precision=precision,
        opset=spec.export.opset,
        tolerance=spec.export.tolerance,
        max_loss=spec.export.max_loss,
        max_batch=spec.export.max_batch,
        scales=held.truth.scales,
        logits_scale=held.logits_scale,
        saturated=held.truth.saturated,
        images=len(dataset.validation),
        figures=figures,
        figure=job.figure,
        estimate=_estimate(job, held.truth),
        epochs=(epochs := epochs_of(job.run.path)),
        optimistic=optimism(dataset.part, epochs),
        test=test_figures(job.run),
        start=_start(job.run),
        frozen=job.run.info.get("frozen", 0),
        validated_on=dataset.validated_on,
        half=half,
        device=describe_device(job.reference.device),
        comparisons=tuple(held.comparisons),
        model_sha256=model_file.sha256(content),
        weights_file=_described(written.weights),
        spec_sha256=job.metadata[model_file.SPEC_SHA256],
        data_sha256=dataset.hash,
        weights_sha256=model_file.sha256(read_file(job.run.path / BEST)),
        versions=versions(),
    )
    return _Made(content, written.weights, held, certificate)


def _start(run: Run) -> dict[str, Any] | None:
    """The weights that a training began with; None where all were drawn."""
    start = run.info.get("start")
    if not isinstance(start, dict):  # a path, in runs of earlier versions
        return None if start is None else {"from": str(start)}
    return {name: start[name] for name in ("from", "sha256", "license") if name in start}


def _estimate(job: _Job, truth: Truth) -> Estimate:
    """The figure that chose the epoch, with its interval."""
    value = truth.figures[job.figure.name]
    if value is not None and job.figure.counts_images:
        return share(value, len(truth.records))
    return estimates(truth.figures, truth.records, job.dataset.task)[job.figure.name]


def _check_classes(model: onnx.ModelProto, dataset: DataSet) -> None:
    """Raise SpeccError E455 where a file would name other outputs than the data have, or in another order."""
    (named,) = [json.loads(entry.value) for entry in model.metadata_props if entry.key == model_file.CLASSES]
    task = dataset.task
    if named != list(task.outputs):
        message = f"the exported file names the {task.facts.outputs} {named[:3]}…, the data {list(task.outputs[:3])}…"
        raise SpeccError("E455", message, help="this is a bug in specc: please report it", status=1)


def _described(weights: Mapping[str, bytes]) -> dict[str, Any] | None:
    for name, content in weights.items():
        return {"name": name, "bytes": len(content), "sha256": model_file.sha256(content)}
    return None


def _converted(written: Written, precision: str, dataset: DataSet) -> onnx.ModelProto:
    if written.weights:
        message = f"the weights take more than 2 GB, which cannot be converted to {precision}"
        raise SpeccError("E458", message, help="a narrower network has fewer: `specc show` counts them", status=1)
    return convert(written.model, precision, dataset.train)


def _latencies(job: _Job, held: Sequence[ModelComparison]) -> list[dict[str, float]]:
    """For each file the seconds that one image takes on each provider; measured where there are several files."""
    found: list[dict[str, float]] = [{} for _ in held]
    if len(held) > 1:
        image = job.dataset.validation.gather(torch.zeros(1, dtype=torch.int64), CPU).numpy()
        for number, provider in enumerate(job.providers):
            times = latencies([one.models[number] for one in held], image)
            for own, seconds in zip(found, times, strict=True):
                own[provider] = seconds
    return found


def _write(job: _Job, made: _Made, latency: dict[str, float]) -> Exported:
    path, certificate = path_of(job.path, made.certificate.precision), made.certificate.as_dict()
    content = model_file.seal(made.content, as_json(certificate))
    about = {"name": path.name, "bytes": len(content), "sha256": model_file.sha256(content)}
    if latency:
        about["seconds_per_image"] = latency
    beside = as_json({**certificate, "file": about}).encode()
    files = {path.with_name(name): weights for name, weights in made.weights.items()}
    _put(path, {**files, path: content, path.with_name(certificate_name(path)): beside})
    size = len(content) + sum(map(len, made.weights.values()))
    return Exported(path, made.certificate, size, made.held.records, latency)


def _put(path: Path, files: Mapping[Path, bytes]) -> None:
    """Write a model and what belongs to it."""
    try:
        write_together(files)
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror or error}"
        raise SpeccError("E481", message, help="choose another place with --out") from None
