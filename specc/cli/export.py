"""`specc export`: the certified ONNX file of a run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from specc.cli.common import print_json

if TYPE_CHECKING:
    from specc.backend.onnx.certificate import Certificate

PROVIDER_HELP = "An execution provider of onnxruntime to compare on besides the CPU, such as cuda. Repeatable."


def export(
    run: Annotated[Path, typer.Argument(help="The folder of a run.", show_default=False)],
    out: Annotated[Path | None, typer.Option(help="The file to write; RUN/model.onnx unless given.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where the data are looked for first.")] = None,
    device: Annotated[str, typer.Option(help="Where PyTorch runs for the comparison: cpu, cuda, …")] = "auto",
    provider: Annotated[list[str] | None, typer.Option(help=PROVIDER_HELP)] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the certificate as JSON.")] = False,
) -> int:
    """Write a run's best weights as an ONNX file that was proven equal to the trained model.

    The file takes raw uint8 images; preprocessing and probabilities are inside. It is compared with the trained model
    on all validation images first. Where they differ, the exit status is 1 and no file is written.

    Example:

      specc export runs/Net-1
    """
    from specc.backend.onnx.export import MODEL, export_run

    certificate = export_run(run, out=out, data_dir=data_dir, device=device, providers=provider or ())
    path = out or run / MODEL
    if json:
        print_json({**certificate.as_dict(), "file": str(path)})
    else:
        print(f"{path}\n{summary(certificate)}")
    return 0


def summary(certificate: "Certificate") -> str:
    """The certificate's figures for a person, one line for each execution provider."""
    accuracy = certificate.correct / certificate.images
    lines = [f"  {'PyTorch':24} accuracy {accuracy:.2%} of {certificate.images:,} validation images"]
    for found in certificate.comparisons:
        largest = max(figures.largest for _, figures in found.all())
        lines.append(
            f"  {found.provider:24} accuracy {found.correct / certificate.images:.2%}, "
            f"same class on {found.whole.agreement:.2%}, largest difference {largest:.2g} "
            f"(allowed {certificate.tolerance * certificate.scale:.2g}), "
            f"batches of {', '.join(map(str, found.batches))}"
        )
    return "\n".join(lines)
