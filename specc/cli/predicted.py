"""How `specc predict` shows the answer for an image: for people, as a row of a table, in JSON."""

from collections.abc import Sequence
from os.path import commonpath
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from specc.errors import clean, counted

if TYPE_CHECKING:
    from specc.backend.predict import Prediction
    from specc.backend.predict.masks import MaskFiles
    from specc.tasks import Task
    from specc.values import Size


class Outputs(NamedTuple):
    """The files that are written for each image: masks, and heat maps."""

    masks: "dict[Path, MaskFiles]"
    heat: dict[Path, Path]


def notes_on(prediction: "Prediction", size: "Size | None") -> list[str]:
    """What there is to say of an image. size: of the images that the model takes."""
    image, notes = clean(str(prediction.image)), []
    if prediction.resized:
        notes.append(f"{image} is {prediction.resized}; resized to {size}")
    if unseen := prediction.unseen:
        notes.append(f"{unseen:.0%} of {image} was cropped away, and has no class")
    return notes


def table(task: "Task", prediction: "Prediction", threshold: float, outputs: Outputs) -> str:
    """The answer for an image, as it is printed, and the files that were written for it."""
    values = prediction.values
    wide = max((len(clean(name)) for name, _ in values), default=0)
    is_number = task.outputs == "numbers"
    rows = [f"  {clean(name):{wide}}  {f'{value:.6g}' if is_number else f'{value:7.2%}'}" for name, value in values]
    rows = rows or [f"  no tag of at least {threshold:.0%}"]
    if heat := outputs.heat.get(prediction.image):
        rows.append(clean(f"  what speaks for {prediction.heat_of}: {heat}"))
    if files := outputs.masks.get(prediction.image):
        rows.append(clean(f"  written to {files.mask} and {files.overlay.name}"))
    return "\n".join([clean(str(prediction.image)), *rows])


def written(predictions: "Sequence[Prediction]", outputs: Outputs) -> list[str]:
    """How many files were written for images whose answers are not printed, and where."""
    kinds: dict[str, list[Path]] = {
        "heat map": [outputs.heat[one.image] for one in predictions if one.image in outputs.heat],
        "mask": [outputs.masks[one.image].mask for one in predictions if one.image in outputs.masks],
    }
    return [
        clean(f"{commonpath([path.parent for path in paths])}: {counted(len(paths), kind)}")
        for kind, paths in kinds.items()
        if paths
    ]


def as_row(task: "Task", prediction: "Prediction") -> dict[str, Any]:
    """A row of the CSV file: the most probable classes one after the other, the tags in one cell, a column for each
    number, or for each class of pixels."""
    row: dict[str, Any] = {"image": str(prediction.image)}
    values = prediction.values
    if task.outputs == "tags":
        shares = [f"{value:.6g}" for _, value in values]
        return {**row, "tags": [name for name, _ in values], "probabilities": shares}
    if task.outputs == "numbers" or task.per_pixel:
        return {**row, **dict(values)}
    for number, (name, value) in enumerate(values, 1):
        row |= {f"class_{number}": name, f"probability_{number}": value}
    return row


def as_json(task: "Task", prediction: "Prediction", outputs: Outputs) -> dict[str, Any]:
    """The answer for an image in JSON."""
    value = "value" if task.outputs == "numbers" else "share" if task.per_pixel else "probability"
    named = [{"name": name, value: number} for name, number in prediction.values]
    answer: dict[str, Any] = {"image": str(prediction.image), task.outputs: named}
    if heat := outputs.heat.get(prediction.image):
        answer |= {"heat": str(heat), "heat_of": prediction.heat_of}
    if files := outputs.masks.get(prediction.image):
        answer |= {"mask": str(files.mask), "overlay": str(files.overlay)}
    return answer
