"""`specc predict`: what a model says of image files: classes, tags, numbers or masks."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from specc.cli.common import print_json, write_csv
from specc.cli.options import given
from specc.cli.predicted import Outputs, as_json, as_row, notes_on, table, written
from specc.errors import SpeccError, clean, counted
from specc.render import render_error, style_of

if TYPE_CHECKING:
    from specc.backend.predict import Prediction, Predictor
    from specc.backend.predict.inputs import Inputs
    from specc.backend.predict.masks import MaskFiles
    from specc.tasks import Task

SERVES = {"--top": "classification", "--threshold": "multi-label", "--out": "segmentation"}  # which task has a use


def predict(
    context: typer.Context,
    model: Annotated[Path, typer.Argument(help="A run, or an exported .onnx file.", show_default=False)],
    images: Annotated[
        list[Path],
        typer.Argument(
            help="Image files (PNG, JPEG, …), folders of them, or - for a list on standard input.", show_default=False
        ),
    ],
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
    heat: Annotated[
        Path | None,
        typer.Option(
            help="Of a run: write NAME-heat.png to this folder, where the image speaks for the answer (LayerCAM).",
            metavar="DIR",
            show_default=False,
        ),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(help="Write a row for each image to this file.", metavar="FILE", show_default=False),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print machine-readable JSON.")] = False,
) -> int:
    """Show what a model says of image files: the most probable classes, tags, numbers, or a class for each pixel.

    An exported file is self-contained: it includes its names and its preprocessing. Numbers are in the units of the
    data. Masks have the size of the image; in an overlay the first class is left clear. A heat map shows the image in
    gray, and in colors what speaks for the most probable class or tag, or raises the first number.

    Examples:

      specc predict model.onnx cat.jpg
      specc predict runs/Net-1 photos/*.png --top 1 --json
      specc predict runs/Tags-1 beach.jpg --threshold 0.8
      specc predict runs/UNet-1 cells/*.png --out masks
      specc predict runs/Net-1 photos --heat heat --csv answers.csv
      find photos -name '*.png' | specc predict model.onnx -
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
    images, notes, places = _images(images)
    files = Outputs(_mask_files(out, places), _heat_files(heat, predictor, places))
    if predictor.warning:
        print(f"warning: {clean(predictor.warning)}", file=sys.stderr)
    _say(notes)
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
        _say(notes_on(found[-1], predictor.size))
        if not json and csv is None:
            print(table(task, found[-1], threshold, files))
    if csv is not None:
        with redirect_stdout(sys.stderr if json else sys.stdout):
            write_csv(csv, [as_row(task, one) for one in found])
            for line in written(found, files):
                print(line)
    if json:
        about = {"threshold": threshold} if task.outputs == "tags" else {}
        print_json({"task": task.name, **about, "predictions": [as_json(task, one, files) for one in found]})
    return status


def _say(notes: Sequence[str]) -> None:
    for note in notes:
        print(f"note: {note}", file=sys.stderr)


def _images(paths: list[Path]) -> "Inputs":
    """The image files that are named, and what there is to say of them."""
    from specc.backend.predict.inputs import image_files

    return image_files(paths, sys.stdin)


def _heat_files(folder: Path | None, predictor: "Predictor", places: Mapping[Path, Path]) -> dict[Path, Path]:
    if folder is None:
        return {}
    from specc.backend.predict import refuse_without_heat
    from specc.backend.predict.heat import heat_files

    refuse_without_heat(predictor)
    return heat_files(folder, places)


def _predicted(predictor: "Predictor", image: Path, top: int, threshold: float, files: Outputs) -> "Prediction":
    """The prediction for an image, with its mask and its heat map written where they are wanted."""
    from specc.backend.predict import predict as predict_image

    prediction = predict_image(predictor, image, top=top, threshold=threshold, with_heat=image in files.heat)
    if image in files.masks:
        from specc.backend.predict.masks import write_masks

        write_masks(prediction, files.masks[image])
    if image in files.heat:
        from specc.backend.predict.heat import write_heat

        write_heat(prediction, files.heat[image])
        prediction = prediction._replace(heat=None)  # of thousands of images only files are kept
    return prediction


def _mask_files(out: Path | None, places: Mapping[Path, Path]) -> "dict[Path, MaskFiles]":
    if out is None:
        return {}
    from specc.backend.predict.masks import files_of

    return files_of(out, places)


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
