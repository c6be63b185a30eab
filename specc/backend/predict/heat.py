"""Heat maps of predictions as image files: where in an image the network found what speaks for its answer."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from PIL import Image

from specc.backend.evaluation.heat import overlaid
from specc.backend.predict import Prediction
from specc.errors import SpeccError
from specc.files import write_atomic


def heat_files(folder: Path, places: Mapping[Path, Path]) -> dict[Path, Path]:
    """Where the heat map of each image goes: NAME-heat.png. places: as `Inputs` has them.

    Raises SpeccError E475 where two images would have the same file, or a file would lie where an image does.
    """
    files: dict[Path, Path] = {}
    owners: dict[Path, Path] = {}
    sources = {image.resolve() for image in places}
    for image, place in places.items():
        path = files[image] = folder / place.with_name(f"{place.name}-heat.png")
        if path in owners:
            message = f"{owners[path]} and {image} would both be written to {path}"
            raise SpeccError("E475", message, help="predict one of them with another --heat")
        if path.resolve() in sources:
            raise SpeccError("E475", f"{path} is one of the images", help="choose another folder with --heat")
        owners[path] = image
    return files


def write_heat(prediction: Prediction, path: Path) -> None:
    """Write an image in gray with its heat map over it, at the image's own size. Raises SpeccError E481."""
    assert prediction.heat is not None and prediction.pixels is not None
    content = BytesIO()
    Image.fromarray(overlaid(prediction.pixels, prediction.heat)).save(content, "PNG")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, content.getvalue())
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror or error}"
        raise SpeccError("E481", message, help="choose another folder with --heat") from None
