"""`specc predict`: what a model says of image files: classes, tags, numbers or masks."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from specc.cli.common import print_json
from specc.cli.options import given
from specc.errors import SpeccError, clean, counted
from specc.render import render_error, style_of

if TYPE_CHECKING:
    from specc.backend.predict import Prediction, Predictor
    from specc.backend.predict.masks import MaskFiles
    from specc.tasks import Task

SERVES = {"--top": "classification", "--threshold": "multi-label", "--out": "segmentation"}  # which task has a use


def predict(
    context: typer.Context,
    model: Annotated[Path, typer.Argument(help="A run, or an exported .onnx file.", show_default=False)],
    images: Annotated[list[Path], typer.Argument(help="Image files: PNG, JPEG, …", show_default=False)],
    top: Annotated[int, typer.Option(min=1, help="Classes: how many to show for each image.")] = 5,
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="Tags: show those of at least this probability.")
    ] = 0.5,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Masks: write NAME.png, the class of each pixel, and NAME-overlay.png to this folder.",
            metavar="DIR",
            show_default=False,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print machine-readable JSON.")] = False,
) -> int:
    """Show what a model says of image files: the most probable classes, tags, numbers, or a class for each pixel.

    An exported file is self-contained: it includes its names and its preprocessing. Numbers are in the units of the
    data. Masks have the size of the image; in an overlay the first class is left clear.

    Examples:

      specc predict model.onnx cat.jpg
      specc predict runs/Net-1 photos/*.png --top 1 --json
      specc predict runs/Tags-1 beach.jpg --threshold 0.8
      specc predict runs/UNet-1 cells/*.png --out masks
    """
    _refuse_swapped(model, images)
    if model.is_dir():
        from specc.backend.predict.run import from_run

        predictor = from_run(model)
    else:
        from specc.backend.predict.file import from_file  # without torch

        predictor = from_file(model)
    task = predictor.task
    _refuse_unused(given(context), model, task)
    files = _mask_files(out, images)
    if predictor.warning:
        print(f"warning: {clean(predictor.warning)}", file=sys.stderr)
    found: list[Prediction] = []
    status = 0
    for number, image in enumerate(images):
        try:
            found.append(_predicted(predictor, image, top, threshold, files))
        except SpeccError as error:  # the other images are not lost for it
            print(render_error(error.code, error.message, error.help, style_of(sys.stderr)), file=sys.stderr)
            status = max(status, error.status)
            if error.code == "E481":
                if rest := len(images) - number - 1:
                    print(f"stopped there: {counted(rest, 'image')} not looked at", file=sys.stderr)
                break  # where one mask cannot be written, the others cannot, either
            continue
        if found[-1].resized:
            print(f"note: {clean(str(image))} is {found[-1].resized}; resized to {predictor.size}", file=sys.stderr)
        if unseen := found[-1].unseen:
            print(f"note: {unseen:.0%} of {clean(str(image))} was cropped away, and has no class", file=sys.stderr)
        if not json:
            print(_table(task, found[-1], threshold))
    if json:
        about = {"threshold": threshold} if task.outputs == "tags" else {}
        print_json(
            {"task": task.name, **about, "predictions": [_as_json(task, one, files.get(one.image)) for one in found]}
        )
    return status


def _predicted(
    predictor: "Predictor", image: Path, top: int, threshold: float, files: "dict[Path, MaskFiles]"
) -> "Prediction":
    """The prediction for an image, with its mask written where one is wanted."""
    from specc.backend.predict import predict as predict_image

    prediction = predict_image(predictor, image, top=top, threshold=threshold)
    if image in files:
        from specc.backend.predict.masks import write_masks

        write_masks(prediction, files[image])
    return prediction


def _mask_files(out: Path | None, images: Sequence[Path]) -> "dict[Path, MaskFiles]":
    if out is None:
        return {}
    from specc.backend.predict.masks import files_of

    return files_of(out, images)


def _refuse_unused(options: Sequence[str], model: Path, task: "Task") -> None:
    """Raise SpeccError E475 for an option that the model's task has no use for."""
    unused = next((name for name in options if SERVES.get(name, task.name) != task.name), None)
    if unused is not None:
        message = f"{unused} is for {SERVES[unused]}, but {model} was trained for {task.name}"
        raise SpeccError("E475", message, help=f"remove {unused}")


def _refuse_swapped(model: Path, images: list[Path]) -> None:
    """Raise SpeccError E483 where an image stands first, and the run or the exported file behind it."""
    if _is_model(model):
        return
    other = next((image for image in images if _is_model(image)), None)
    if other is not None:
        help = f"specc predict {other} {model}"
        raise SpeccError(
            "E483", f"the run or the exported file comes first: {model} is neither, {other} is one", help=help
        )


def _is_model(path: Path) -> bool:
    return path.is_dir() or path.suffix == ".onnx"


def _table(task: "Task", prediction: "Prediction", threshold: float) -> str:
    values = prediction.values
    wide = max((len(clean(name)) for name, _ in values), default=0)
    is_number = task.outputs == "numbers"
    rows = [f"  {clean(name):{wide}}  {f'{value:.6g}' if is_number else f'{value:7.2%}'}" for name, value in values]
    return "\n".join([clean(str(prediction.image)), *(rows or [f"  no tag of at least {threshold:.0%}"])])


def _as_json(task: "Task", prediction: "Prediction", files: "MaskFiles | None") -> dict[str, Any]:
    value = "value" if task.outputs == "numbers" else "share" if task.per_pixel else "probability"
    named = [{"name": name, value: number} for name, number in prediction.values]
    answer: dict[str, Any] = {"image": str(prediction.image), task.outputs: named}
    if files is not None:
        answer |= {"mask": str(files.mask), "overlay": str(files.overlay)}
    return answer
