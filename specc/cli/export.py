"""`specc export`: the certified ONNX file of a run."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from specc.check import Checked
from specc.cli.common import print_json, refuse_spec
from specc.cli.common import report as report_problems
from specc.cli.options import given
from specc.errors import SpeccError, clean, counted
from specc.reading import ZOO, base_of, check_spec, read_source

if TYPE_CHECKING:
    from specc.backend.onnx.certificate import Certificate
    from specc.backend.onnx.exported import Exported, PartlyExported

PROVIDER_HELP = (
    "Also verify on this execution provider of onnxruntime, such as cuda, in addition to the CPU. Repeatable."
)
FOR_HELP = (
    "Package the files for deployment: triton, a model repository for Triton Inference Server; or web, one "
    "HTML page that runs the fp32 file in a browser, without a server or a network."
)
RUNTIME_HELP = (
    "With --for web: the folder of the npm package onnxruntime-web. Default: node_modules here or above, then the "
    "user's cache, into which npm installs it."
)
PRECISION_HELP = "Also write a file of this precision: fp16 or int8. Repeatable. Default: the setting `precision`."


class Precision(StrEnum):
    """The precisions of an exported file."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"


class Target(StrEnum):
    """Where an exported model goes next."""

    TRITON = "triton"
    WEB = "web"


def export(
    context: typer.Context,
    run: Annotated[
        Path, typer.Argument(help="The folder of a run; or a spec, to export its untrained graph.", show_default=False)
    ],
    out: Annotated[
        Path | None, typer.Option(help="The file to write. Default: RUN/model.onnx, or SPEC.onnx for a spec.")
    ] = None,
    precision: Annotated[list[Precision] | None, typer.Option(help=PRECISION_HELP)] = None,
    target: Annotated[Target | None, typer.Option("--for", help=FOR_HELP)] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Look for data sets in this folder first.")] = None,
    device: Annotated[str, typer.Option(help="Where PyTorch runs for the comparison: cpu, cuda, …")] = "auto",
    provider: Annotated[list[str] | None, typer.Option(help=PROVIDER_HELP)] = None,
    runtime: Annotated[Path | None, typer.Option(help=RUNTIME_HELP)] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the certificates as JSON.")] = False,
) -> int:
    """Export a run's best weights as an ONNX file that is verified against the trained model.

    The file takes raw uint8 images and includes preprocessing and softmax, or whatever the task ends in. It is first
    compared with the trained model on all validation images. If they differ, no file is written and the exit status
    is 1. Files of lower precision may lose as much of the figure that chose the epoch, such as accuracy, as `max_loss`
    in the section `export` allows; if one loses more, the others are still written, and the exit status is 1.

    Examples:

      specc export runs/Net-1
      specc export runs/Net-1 --precision int8 --precision fp16
      specc export runs/Net-1 --for triton
      specc export runs/Net-1 --for web
      specc export net.cnn

    The last one exports a spec without a training. Where `train.start` names weights, and the spec says how images are
    normalized, the file takes raw images, too. Else it is the graph with untrained weights, which takes normalized
    float32 values.
    """
    if runtime is not None and target is not Target.WEB:
        raise SpeccError("E475", "--runtime only works with --for web", help="remove it, or add --for web")
    refuse_spec(out)
    if run.suffix == ".cnn" or str(run).startswith(ZOO):
        _refuse_with_spec(given(context), run)
        return _export_graph(run, out, provider or (), json)
    lay_out = _layout(target, runtime)
    made, refusal = export_what_passes(
        run, out=out, data_dir=data_dir, device=device, providers=provider or (), precisions=precision or ()
    )
    laid_out = lay_out(made)
    if json:
        first, *others = [_as_json(one) for one in made]
        values = {**first, "others": others, "refused": refused_as_json(refusal)}
        print_json({**values, "for": [str(path) for path in laid_out]})
    else:
        optimistic = made[0].certificate.optimistic
        words = [f"  {'':24} {optimistic}"] if optimistic else []
        print("\n".join([report(made), *words, *(clean(str(path)) for path in laid_out)]))
    if refusal:
        raise refusal
    return 0


def export_what_passes(run: Path, **options: Any) -> "tuple[list[Exported], PartlyExported | None]":
    """The files that `export_run` wrote, and the error for those that were refused, to be raised after the report."""
    from specc.backend.onnx.export import export_run
    from specc.backend.onnx.exported import PartlyExported

    try:
        return export_run(run, **options), None
    except PartlyExported as refusal:
        return refusal.written, refusal


def refused_as_json(refusal: "PartlyExported | None") -> list[dict[str, str]]:
    """Why each file that was not written was refused."""
    return [{"code": error.code, "message": error.message} for error in refusal.refused] if refusal else []


def _layout(target: Target | None, runtime: Path | None) -> "Callable[[Sequence[Exported]], list[Path]]":
    """What brings exported files to where they go next, and gives what it wrote. What it needs is found now."""
    if target is Target.TRITON:
        from specc.backend.onnx.triton import write_repository

        return lambda made: write_repository(made[0].path.parent / "triton", [one.path for one in made])
    if target is Target.WEB:
        from specc.backend.onnx.web.page import write_page
        from specc.backend.onnx.web.runtime import find_runtime

        found = find_runtime(runtime)
        return lambda made: [write_page(made[0].path.parent / "web" / "index.html", made[0].path, found)]
    return lambda made: []


def _refuse_with_spec(names: list[str], spec: Path) -> None:
    """Raise SpeccError E475 for an option that the graph of a spec has no use for: it is made without data."""
    unused = next((name for name in names if name in ("--precision", "--for", "--data-dir", "--device")), None)
    if unused is not None:
        raise SpeccError("E475", f"{unused} needs a run; {spec} is a spec", help="train it first: specc train SPEC")


def _export_graph(spec: Path, out: Path | None, providers: "Sequence[str]", json: bool) -> int:
    """The graph of a spec that nobody trained."""
    out = out or Path(f"{str(spec).removeprefix(ZOO).removesuffix('.cnn')}.onnx")
    checked = check_spec(read_source(spec))
    if report_problems(checked.diagnostics):
        return 1
    if checked.train is not None and checked.train.start is not None and checked.data is not None:
        return _export_start(checked, spec, out, providers, json)
    from specc.backend.onnx.graph_only import export_graph

    made = export_graph(checked, out, providers=providers)
    found = {one.provider: {n: part.as_dict() for n, part in one.batches.items()} for one in made.comparisons}
    if json:
        print_json(
            {"file": str(made.path), "graph_only": True, "output": made.output, "scale": made.scale, "providers": found}
        )
        return 0
    print(f"{clean(str(made.path))}: untrained weights, takes normalized float32, {made.output} out")
    for one in made.comparisons:
        largest = max(part.largest for part in one.batches.values()) / made.scale
        sizes = ", ".join(map(str, one.batches))
        print(f"  {one.provider:24} largest difference {largest:.2g} of the output's scale, batches of {sizes}")
    return 0


def _export_start(checked: Checked, spec: Path, out: Path, providers: "Sequence[str]", json: bool) -> int:
    """The file that is deployed, of weights that others trained."""
    from specc.backend.onnx.started import export_start

    made = export_start(checked, out, base=base_of(spec), providers=providers)
    if json:
        found = {one.provider: one.whole.as_dict() for one in made.comparisons}
        print_json({"file": str(made.path), "trained": False, "classes": list(made.classes), "providers": found})
        return 0
    names = "" if made.classes else "; the classes are numbered, since the weights name none"
    print(f"{clean(str(made.path))}: takes raw images{names}")
    for words in made.words:
        print(f"  {clean(words)}")
    for one in made.comparisons:
        sizes = ", ".join([*map(str, one.batches), *one.sizes])
        print(f"  {one.provider:24} largest difference {one.whole.largest:.2g}, batches and images of {sizes}")
    return 0


def _as_json(made: "Exported") -> dict[str, Any]:
    return {
        **made.certificate.as_dict(),
        "file": str(made.path),
        "bytes": made.size,
        "seconds_per_image": made.latency,
    }


def report(made: "Sequence[Exported]") -> str:
    """What was written, for a person: the figures of the fp32 file, and a table where there are several files."""
    first, *others = made
    lines = [clean(str(first.path)), summary(first.certificate)]
    if others:
        for one in others:
            lines += [clean(str(one.path)), *([f"  {one.certificate.half}"] if one.certificate.half else [])]
        lines += _table(made)
    return "\n".join(lines)


def _table(made: "Sequence[Exported]") -> list[str]:
    """Each file on each provider: what it loses, and what it gains over fp32."""
    from specc.backend.onnx.certificate import loss_text

    task, figure = made[0].certificate.task, made[0].certificate.figure
    lines, wide = [], max(8, len(figure.title))
    for number, provider in enumerate(made[0].latency):
        lines.append(f"\non {provider}, one image at a time:")
        agreement = f"  {task.agreement}" if task.agreement else ""
        lines.append(f"  {'':4}  {figure.title:>{wide}}     lost{agreement}        size     latency  of fp32's")
        for one in made:
            found, seconds = one.certificate.comparisons[number], one.latency[provider]
            lost = loss_text(figure, one.certificate.loss_of(found))
            share = found.whole.agreement
            agreement = "" if share is None else f"  {share:{len(task.agreement)}.2%}"
            lines.append(
                f"  {one.certificate.precision:4}  {figure.text(found.figures[figure.name]):>{wide}}  {lost:>7}"
                f"{agreement}  {one.size / 1000:7,.0f} kB  {1000 * seconds:7.3f} ms  "
                f"{seconds / made[0].latency[provider]:8.0%}"
            )
    return lines


def summary(certificate: "Certificate") -> str:
    """The certificate's figures for a person, one line for each execution provider."""
    from specc.backend.onnx.comparison import agreement_text, figure_text, largest_text

    task, figure = certificate.task, certificate.figure
    of = "of" if figure.counts_images else "on"
    best = f"{figure.title} {certificate.estimate.text(figure)}"
    lines = [f"  {'PyTorch':24} {best} {of} {counted(certificate.images, 'validation image')}"]
    allowed = ", ".join(f"{difference:.2g}" for difference in certificate.allowed)
    lines += [
        f"  {found.provider:24} {figure_text(figure, found.figures)}"
        f"{agreement_text(task, found.whole.agreement)}, largest difference {largest_text(found)} "
        f"(allowed {allowed}), batches of {', '.join(map(str, found.batches))}"
        for found in certificate.comparisons
    ]
    if certificate.largest_of_logits is not None:
        lines.append(
            f"  {'logits':24} largest difference {certificate.largest_of_logits:.2g} of their spread "
            f"(allowed {certificate.tolerance:.2g})"
        )
    if certificate.saturated:
        lines.append(
            f"  {'saturated':24} the probabilities of {certificate.saturated:.2%} of the {certificate.places} are "
            "0 and 1 in float32: only the logits can differ there"
        )
    return "\n".join(lines)
