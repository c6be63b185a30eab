"""`specc predict`: the likeliest classes of image files."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from specc.cli.common import print_json
from specc.errors import SpeccError, clean
from specc.render import render_error, style_of

if TYPE_CHECKING:
    from specc.backend.predict import Prediction


def predict(
    model: Annotated[Path, typer.Argument(help="A run, or an exported .onnx file.", show_default=False)],
    images: Annotated[list[Path], typer.Argument(help="Image files: PNG, JPEG, …", show_default=False)],
    top: Annotated[int, typer.Option(min=1, help="How many classes to show for each image.")] = 5,
    json: Annotated[bool, typer.Option("--json", help="Print machine-readable JSON.")] = False,
) -> int:
    """Classify image files, and show the most probable classes.

    An exported file is self-contained: it includes its class names and its preprocessing.

    Examples:

      specc predict model.onnx cat.jpg
      specc predict runs/Net-1 photos/*.png --top 1 --json
    """
    _refuse_swapped(model, images)
    from specc.backend.predict import predict as predict_image

    if model.is_dir():
        from specc.backend.predict.run import from_run

        classifier = from_run(model)
    else:
        from specc.backend.predict.file import from_file  # without torch

        classifier = from_file(model)
    if classifier.warning:
        print(f"warning: {clean(classifier.warning)}", file=sys.stderr)
    found: list[Prediction] = []
    status = 0
    for image in images:
        try:
            found.append(predict_image(classifier, image, top))
        except SpeccError as error:  # the other images are not lost for it
            print(render_error(error.code, error.message, error.help, style_of(sys.stderr)), file=sys.stderr)
            status = max(status, error.status)
            continue
        if found[-1].resized:
            print(f"note: {clean(str(image))} is {found[-1].resized}; resized to {classifier.size}", file=sys.stderr)
        if not json:
            print(_table(found[-1]))
    if json:
        print_json({"predictions": [_as_json(prediction) for prediction in found]})
    return status


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


def _table(prediction: "Prediction") -> str:
    wide = max(len(clean(name)) for name, _ in prediction.classes)
    rows = [f"  {clean(name):{wide}}  {probability:7.2%}" for name, probability in prediction.classes]
    return "\n".join([clean(str(prediction.image)), *rows])


def _as_json(prediction: "Prediction") -> dict[str, object]:
    classes = [{"name": name, "probability": probability} for name, probability in prediction.classes]
    return {"image": str(prediction.image), "classes": classes}
