"""The files in the model card's table: those of an export, and those that earlier ones left beside them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from specc.backend.onnx.exported import Exported, path_of
from specc.backend.onnx.model_file import read_model
from specc.backend.onnx.precision import PRECISIONS
from specc.errors import SpeccError
from specc.files import is_number
from specc.tasks import Figure


class Listed(NamedTuple):
    """A file in the table of figures. note: what sets it apart from the files of this export."""

    name: str
    size: int
    certificate: dict[str, Any]
    note: str = ""


def of_earlier(made: Sequence[Exported]) -> list[Listed]:
    """The files in other precisions that earlier exports left beside these, with their certificates.

    One that is damaged, or was changed after it was certified, is not among them.
    """
    first, others = made[0], []
    for path in (path_of(first.path, precision) for precision in PRECISIONS):
        if path in [one.path for one in made] or not path.is_file():
            continue
        try:
            file = read_model(path)
        except SpeccError:
            continue
        if file.untouched and file.certificate is not None and _has_figure(file.certificate, first.certificate.figure):
            size = len(file.content) + sum(path.with_name(name).stat().st_size for name in file.beside)
            same = file.certificate.get("weights_sha256") == first.certificate.weights_sha256
            note = "by an earlier export" if same else "by an earlier export, of other weights"
            others.append(Listed(path.name, size, file.certificate, note))
    return others


def _has_figure(certificate: dict[str, Any], figure: Figure) -> bool:
    """Whether a certificate from a file has what the table shows."""
    providers, precision = certificate.get("providers"), certificate.get("precision")
    if precision not in PRECISIONS or not isinstance(providers, dict):
        return False
    if type(certificate.get("validation_images")) is not int or value_of(certificate, figure) is None:
        return False
    return all(
        isinstance(found, dict)
        and value_of(found, figure) is not None
        and (found.get("agreement") is None or is_number(found["agreement"]))
        for found in providers.values()
    )


def value_of(found: dict[str, Any], figure: Figure) -> float | None:
    """A figure in a certificate, or in what one says of a provider; earlier versions kept accuracy alone."""
    figures = found.get("figures")
    value = figures.get(figure.name) if isinstance(figures, dict) else found.get(figure.name)
    return value if is_number(value) else None


def listed(one: Exported) -> Listed:
    return Listed(one.path.name, one.size, one.certificate.as_dict())
