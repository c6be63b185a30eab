"""What an export leaves: a file, its certificate and card, and how they are called."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from specc.backend.onnx.certificate import Certificate
from specc.backend.onnx.precision import FP32
from specc.backend.run.files import CERTIFICATE, MODEL
from specc.backend.tasks.bound import Records
from specc.errors import SpeccError


class Exported(NamedTuple):
    """A file that was written.

    size: in bytes, with its weights. records: of the task, what it says to the validation images.
    latency: for each provider, how many seconds it takes for one image; empty where only one file was made.
    """

    path: Path
    certificate: Certificate
    size: int
    records: Records
    latency: dict[str, float]


class PartlyExported(SpeccError):
    """Some files of an export were refused; those that passed are written.

    written: the files that passed, fp32 first. refused: why each of the others was not written.
    """

    def __init__(self, written: Sequence[Exported], refused: Sequence[SpeccError]) -> None:
        self.written, self.refused = list(written), list(refused)
        lines = [line for error in refused for line in error.message.splitlines()]
        help = "; ".join(dict.fromkeys(error.help for error in refused if error.help))
        super().__init__(refused[0].code, lines, help=help, status=1)


def path_of(path: Path, precision: str) -> Path:
    """`model.int8.onnx` beside `model.onnx`."""
    return path if precision == FP32 else path.with_name(f"{path.stem}.{precision}{path.suffix}")


def certificate_name(path: Path) -> str:
    """`certificate.json` beside `model.onnx`; `NAME.certificate.json` beside a file of another name."""
    return CERTIFICATE if path.name == MODEL else f"{path.stem}.{CERTIFICATE}"


def card_name(path: Path) -> str:
    """`card.md` beside `model.onnx`; `NAME.card.md` beside a file of another name."""
    return "card.md" if path.name == MODEL else f"{path.stem}.card.md"
