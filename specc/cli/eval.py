"""`specc eval`: how good a trained model is, class by class."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from specc.cli.common import print_json
from specc.errors import clean
from specc.values import show

if TYPE_CHECKING:
    from specc.backend.evaluation.figures import Figure, Figures
    from specc.backend.evaluation.of_run import Measured
    from specc.backend.evaluation.scores import Confusion

MOST = 5


class Part(StrEnum):
    """The parts of the data that a run can be measured on."""

    VALIDATION = "validation"
    TEST = "test"
    TRAIN = "train"


def eval_run(
    run: Annotated[Path, typer.Argument(help="A run's folder.", metavar="RUN", show_default=False)],
    part: Annotated[
        Part,
        typer.Option(
            help="Measure on the validation images, which chose the best epoch; on the test part, where each look is "
            "recorded in RUN/looks.jsonl; or on the training images."
        ),
    ] = Part.VALIDATION,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps, or auto: CUDA if available.")] = "auto",
    data_dir: Annotated[
        Path | None, typer.Option(help="Look for data sets in this folder first.", metavar="FOLDER", show_default=False)
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print machine-readable JSON.")] = False,
) -> int:
    """Evaluate a run's best weights on a part of its images: accuracy, per-class metrics, most frequent mistakes.

    Every figure has its 95% interval: Wilson's for shares, a bootstrap over the images for the rest. That of the best
    epoch on the images that chose it is optimistic; the test part, where it is another, measures honestly until it is
    used to choose as well.

    Examples:

      specc eval runs/Digits-1
      specc eval runs/Digits-1 --part test
    """
    from specc.backend.evaluation.figures import figures_json
    from specc.backend.evaluation.intervals import CONFIDENCE
    from specc.backend.evaluation.of_run import evaluate_run
    from specc.backend.evaluation.scores import confusions
    from specc.backend.evaluation.words import loss_words
    from specc.backend.run.load import open_run

    opened = open_run(run)
    measured = evaluate_run(opened, device=device, data_dir=data_dir, part=part.value)
    figures = measured.figures
    mistakes = confusions(measured.evaluation.confusion, opened.classes, MOST)
    settings = opened.spec.train
    about_loss = loss_words(settings.loss, len(opened.classes))
    if json:
        print_json(
            {
                "run": str(run),
                "part": part.value,
                "measured_on": measured.words,
                "images": figures.images,
                "confidence": CONFIDENCE,
                **figures_json(figures),
                "optimistic": measured.optimistic or None,
                "about_loss": about_loss or None,
                "looks": measured.looks or None,
                "confusions": [mistake._asdict() for mistake in mistakes],
            }
        )
        return 0
    low, high = figures.loss.interval or (None, None)
    between = "" if low is None else f" ({low:.4f} to {high:.4f})"
    print(f"{clean(str(run))}: accuracy {figures.accuracy}, loss {figures.loss.value:.4f}{between}")
    print(f"on {figures.images:,} images; in parentheses: {CONFIDENCE:.0%} intervals")
    if settings.evaluate is not None:
        views = clean(show(settings.evaluate))
        print(f"with {views}; with a single view, as in the exported file: {figures.one_view}")
    print("\n".join(_about(measured)))
    if about_loss:
        print(about_loss)
    print("", *_table(figures), sep="\n")
    if absent := [clean(one.name) for one in figures.classes if not one.support]:
        what = {Part.TRAIN: "training"}.get(part, part.value)
        print(f"left out of the mean, because they have no {what} images: {', '.join(absent)}")
    if mistakes:
        print("\nmost frequent mistakes:")
        print("\n".join(_mistakes(mistakes)))
    return 0


def _about(measured: "Measured") -> list[str]:
    """Which images were looked at, and how far their figures can be believed."""
    lines = [f"{measured.part}: {clean(measured.words)}"]
    if measured.optimistic:
        lines.append(clean(measured.optimistic))
    if measured.looks:
        times = "once" if measured.looks == 1 else f"{measured.looks:,} times"
        more = "; whoever chooses by it makes it optimistic" if measured.looks > 1 else ""
        lines.append(f"this run has looked at the test part {times}, as looks.jsonl records{more}")
    if measured.part == "train":
        lines.append("the network learned from these images: the figures say nothing of others")
    return lines


def _table(figures: "Figures") -> list[str]:
    rows: list[tuple[Any, ...]] = [
        (clean(one.name), one.precision, one.recall, one.f1, one.support) for one in figures.classes
    ]
    rows.append(("mean", *figures.macro, figures.images))
    cells: list[tuple[str, ...]] = [("class", "precision", "recall", "F1", "images")]
    cells += [(name, *map(_cell, scores), f"{images:,}") for name, *scores, images in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join([f"{name:{widths[0]}}", *(f"{cell:>{width}}" for cell, width in zip(row, widths[1:], strict=True))])
        for name, *row in cells
    ]


def _cell(figure: "Figure") -> str:
    """`98.61% (92.5 - 99.8)`."""
    from specc.backend.evaluation.scores import share_text

    interval = figure.interval
    return share_text(figure.value) + (f" ({interval.low * 100:.1f} - {interval.high * 100:.1f})" if interval else "")


def _mistakes(mistakes: "list[Confusion]") -> list[str]:
    rows: list[tuple[str, Any]] = [(f"{m.images:,} of {clean(m.truth)}", clean(m.answer)) for m in mistakes]
    wide = max(len(truth) for truth, _ in rows)
    return [f"  {truth:{wide}}  classified as {answer}" for truth, answer in rows]
