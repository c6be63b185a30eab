"""A run in Python: its figures as tables, predictions, evaluation and export."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar, get_args, overload

from specc.api.arguments import need_word
from specc.api.generators import leaving_torch_alone
from specc.api.help import with_help
from specc.api.images import Image, pixels_of
from specc.api.notebook import block, fold, paragraph
from specc.api.table import Table, as_html
from specc.backend.evaluation.figures import Estimate
from specc.backend.evaluation.of_run import PartName, evaluate_run
from specc.backend.onnx.export import export_run
from specc.backend.predict import Prediction, Predictor, predict, predict_pixels
from specc.backend.predict.run import from_run
from specc.backend.run import load
from specc.backend.run.files import METRICS
from specc.backend.run.metrics import is_epoch_line, read_lines
from specc.errors import counted
from specc.tasks import LOSS, Figure

if TYPE_CHECKING:
    from specc.backend.build import Net

AnImage = TypeVar("AnImage", bound=Image)
Images = list[Image] | tuple[Image, ...]
CHARTS = """
.specc .charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(260px,400px));gap:1rem}
.specc .chart{margin:0;width:auto}.specc .chart>svg{display:block;width:100%}
.specc .chart figcaption{font-weight:600;font-style:normal;max-width:none;display:flex;flex-wrap:wrap;gap:0 1rem}
.specc .chart text{fill:currentColor;font:11px system-ui,sans-serif}.specc .grid{stroke:#8884}
.specc .axis,.specc .mark{stroke:#888c}.specc .mark{stroke-dasharray:2 3}
.specc .line{fill:none;stroke-width:2}.specc .dash{stroke-dasharray:5 4}
.specc .s0{stroke:#2a86c8}.specc .s1{stroke:#d0651b}.specc .f0{fill:#2a86c8}.specc .f1{fill:#d0651b}
.specc .key{display:flex;gap:.9rem;margin:0;padding:0;list-style:none;font-weight:400}
.specc .key svg{width:1.5rem;height:.6rem;margin-right:.35rem}
"""
Precision = Literal["fp32", "fp16", "int8"]


class Evaluated(NamedTuple):
    """A run's figures on a part of its images.

    measured_on: which images, in words. figures: of the task and the loss, each with `.value` and `.interval` (95%).
    outputs: a row for each class, tag or number. warnings: why the figures may say less than they seem to.
    """

    part: str
    measured_on: str
    images: int
    figures: dict[str, Estimate]
    outputs: Table
    warnings: list[str]


class Run:
    """A training on disk, whole or stopped. `metrics` is read anew each time, so a run may be watched."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()  # it stays the same folder where the process changes its own
        self._opened = load.open_run(path)
        self._predictor: Predictor | None = None

    @property
    def classes(self) -> list[str]:
        """The names of the classes, tags or numbers that it answers."""
        return self._opened.classes

    @property
    def info(self) -> Mapping[str, Any]:
        """What run.json says: environment, versions, device, hashes of spec and data, figures."""
        return self._opened.info

    @property
    def module(self) -> "Net":
        """The network with the best weights, a `torch.nn.Module` in evaluation mode on the CPU."""
        return self._opened.net

    @property
    def metrics(self) -> Table:
        """A row for each epoch: epoch, step, losses, figures, rate, speed, time."""
        return Table(line for line in read_lines(self.path / METRICS) if is_epoch_line(line))

    @overload
    def predict(self, images: Image, *, top: int = ..., threshold: float = ...) -> Prediction: ...
    @overload
    def predict(self, images: Images, *, top: int = ..., threshold: float = ...) -> list[Prediction]: ...
    @overload  # a list of one kind, such as list[Path], is no list[Image] to a type checker
    def predict(self, images: list[AnImage], *, top: int = ..., threshold: float = ...) -> list[Prediction]: ...
    @with_help()
    @leaving_torch_alone()
    def predict(
        self, images: Image | Images | list[AnImage], *, top: int = 5, threshold: float = 0.5
    ) -> Prediction | list[Prediction]:
        """What the best weights say of an image, or of each in a list.

        images: paths; PIL images; uint8 arrays, H x W or H x W x C; uint8 tensors, C x H x W; or a list of these (an
        array or tensor with a batch axis is not one: give `list(batch)`). They are resized, cropped and normalized
        as in training. top: how many classes. threshold: the least probability of a tag.

        Raises SpeccError E460, E461 and E465; TypeError for what is no image; ValueError for `top` below 1, and for a
        `threshold` that is no probability.
        """
        if not 0 <= threshold <= 1:
            raise ValueError(f"`threshold` must be from 0 to 1, not {threshold}")
        if top < 1:
            raise ValueError(f"`top` must be at least 1, not {top}")
        if isinstance(images, list | tuple):
            return [self._predict(image, top, threshold) for image in images]
        return self._predict(images, top, threshold)

    @with_help()
    @leaving_torch_alone()
    def evaluate(
        self,
        part: PartName = "validation",
        *,
        device: str = "auto",
        data_dir: str | os.PathLike[str] | None = None,
    ) -> Evaluated:
        """The figures of the best weights on a part of the data, with their intervals. Each look at the test part is
        recorded in the run's looks.jsonl. Raises SpeccError as `specc eval` does, ValueError for another part.
        """
        need_word("part", part, get_args(PartName))
        measured = evaluate_run(self._opened, device=device, data_dir=_path(data_dir), part=part)
        figures = {**measured.figures.values, "loss": measured.figures.loss}
        rows = Table(row._asdict() for row in measured.task.by_output(measured.evaluation.records))
        warnings = [*([measured.optimistic] if measured.optimistic else []), *measured.caveats]
        return Evaluated(part, measured.words, measured.figures.images, figures, rows, warnings)

    @with_help()
    @leaving_torch_alone()
    def export(
        self,
        *,
        out: str | os.PathLike[str] | None = None,
        precision: Sequence[Precision] = (),
        device: str = "auto",
        data_dir: str | os.PathLike[str] | None = None,
    ) -> list[Path]:
        """Write the ONNX file, verified against the best weights on all validation images, with its certificate.

        Gives the files, fp32 first. Raises SpeccError E455 where it differs from what was trained, ValueError for
        another precision, TypeError for one that is in no list.
        """
        if isinstance(precision, str):
            raise TypeError(f"`precision` must be a list, such as [{precision!r}]")
        for one in precision:
            need_word("precision", one, get_args(Precision))
        place = _path(data_dir)
        made = export_run(self.path, out=_path(out), data_dir=place, device=device, precisions=precision)
        return [one.path for one in made]

    def _predict(self, image: Image, top: int, threshold: float) -> Prediction:
        if self._predictor is None:
            self._predictor = from_run(self.path)
        if isinstance(image, str | os.PathLike):
            return predict(self._predictor, Path(image), top, threshold)
        pixels = pixels_of(image, self._predictor.channels)
        return predict_pixels(self._predictor, pixels, Path("image"), top, threshold)

    def __reduce__(self) -> tuple[Any, ...]:
        """The folder, for another process of this machine."""
        return open_run, (str(self.path),)

    def __repr__(self) -> str:
        state = "finished" if self.info.get("finished") else "not finished"
        return f"<specc.Run {self.path}: {self._opened.spec.name}, {state}>"

    def _repr_html_(self) -> str:
        metrics, task = self.metrics, self._opened.task.facts
        charts = "".join(_charts(metrics, task.figures, self.info.get("best"))) if metrics else ""
        return block(
            paragraph(repr(self)),
            f'<div class="charts">{charts}</div>' if charts else paragraph("no epoch has ended"),
            fold(counted(len(metrics), "epoch"), as_html(metrics)),
            style=CHARTS,
        )


@with_help()
@leaving_torch_alone()
def open_run(path: str | os.PathLike[str]) -> Run:
    """The run in a folder. Raises SpeccError E439 to E445 where there is none, or it cannot be read."""
    return Run(Path(path))


def _path(path: str | os.PathLike[str] | None) -> Path | None:
    return None if path is None else Path(path)


def _charts(lines: Table, figures: Sequence[Figure], best: Any) -> list[str]:
    """The first figure and the loss by epoch, with the epoch that was kept."""
    from specc.backend.report_page.curves import chart_of, drawn_figures
    from specc.backend.report_page.plot import Mark

    epoch = best.get("epoch") if isinstance(best, dict) else None
    marks = [] if epoch is None else [Mark(epoch, f"kept: epoch {epoch:g}")]
    drawn = [*drawn_figures(lines, figures)[:1], *([LOSS] if all("val_loss" in line for line in lines) else [])]
    return [chart_of(lines, figure, marks) for figure in drawn]
