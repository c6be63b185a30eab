"""TensorBoard: event files in the run's folder, which `tensorboard --logdir runs` shows."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import numpy as np
from PIL import Image
from torch.utils.tensorboard import SummaryWriter

from specc.backend.sinks.sink import About
from specc.files import read_file
from specc.report.layers import byte_text

FOLDER = "tensorboard"
EVENTS = "events.out.tfevents.*"


class TensorBoard:
    """Told again, a run replaces what it told before: there is one file for each run."""

    def __init__(self, about: About) -> None:
        folder = about.path / FOLDER
        for earlier in folder.glob(EVENTS):
            earlier.unlink(missing_ok=True)
        self.writer = SummaryWriter(str(folder), flush_secs=5)
        self.where = f"{folder}; tensorboard --logdir {about.path.parent} shows it"
        self.step = 0

    def settings(self, values: Mapping[str, str]) -> None:
        rows = "".join(f"| {name} | {_cell(value)} |\n" for name, value in values.items())
        self.text("settings", f"| setting | value |\n|---|---|\n{rows}")

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        self.step = step
        for name, value in values.items():
            self.writer.add_scalar(name, value, step)

    def results(self, step: int, values: Mapping[str, float]) -> None:
        self.scalars(step, {f"result/{name}": value for name, value in values.items()})

    def text(self, name: str, text: str) -> None:
        self.writer.add_text(name, text, self.step)

    def picture(self, name: str, file: Path) -> None:
        with Image.open(file) as image:
            pixels = np.asarray(image.convert("RGB"))
        self.writer.add_image(name, pixels, self.step, dataformats="HWC")

    def file(self, file: Path) -> None:
        """TensorBoard keeps no files: what it is told is where the file lies, and its hash."""
        content = read_file(file)
        words = f"{file.resolve()}, {byte_text(len(content))}, SHA-256 {sha256(content).hexdigest()}"
        self.text(f"file/{file.name}", words)

    def close(self, *, finished: bool) -> None:
        self.writer.close()


def _cell(value: str) -> str:
    return value.replace("|", "\\|").replace("\n", " ")


def open_sink(about: About) -> TensorBoard:
    return TensorBoard(about)
