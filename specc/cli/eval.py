"""`specc eval`: how good a trained model is, class by class."""

import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from specc.cli.common import print_json, write_csv
from specc.errors import clean, counted
from specc.fit import fitted
from specc.report.columns import columns
from specc.values import show

if TYPE_CHECKING:
    from specc.backend.evaluation.class_figures import ClassFigures, Means
    from specc.backend.evaluation.figures import Estimate
    from specc.backend.evaluation.of_run import Measured
    from specc.backend.tasks.figures.scores import Confusion

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
    mistakes: Annotated[
        int, typer.Option(min=0, help="List so many images with the worst answers, with their files.", metavar="N")
    ] = 0,
    csv: Annotated[
        Path | None,
        typer.Option(help="Write a row for each image to this file.", metavar="FILE", show_default=False),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON with a row for each image.")] = False,
) -> int:
    """Evaluate a run's best weights on a part of its images: the figures of its task, and of each class or number.

    Every figure has its 95% interval: Wilson's for shares, a bootstrap over the images for the rest. That of the best
    epoch on the images that chose it is optimistic; the test part, where it is another, measures honestly until it is
    used to choose as well.

    Examples:

      specc eval runs/Digits-1
      specc eval runs/Digits-1 --part test
      specc eval runs/Digits-1 --mistakes 20
      specc eval runs/Digits-1 --csv images.csv
    """
    from specc.backend.evaluation.figures import figures_json
    from specc.backend.evaluation.intervals import CONFIDENCE
    from specc.backend.evaluation.of_run import evaluate_run
    from specc.backend.evaluation.words import loss_words
    from specc.backend.run.load import open_run
    from specc.report.rows import mistakes_text
    from specc.tasks import CLASSIFICATION
    from specc.tricks.sections import losses_of

    opened = open_run(run)
    measured = evaluate_run(opened, device=device, data_dir=data_dir, part=part.value)
    figures, task = measured.figures, measured.task
    about_loss = loss_words(losses_of(opened.spec.train, task.facts), len(task.outputs))
    if csv is not None:
        with redirect_stdout(sys.stderr if json else sys.stdout):
            write_csv(csv, measured.rows())
    if json:
        print_json(
            {
                "run": str(run),
                "part": part.value,
                "measured_on": measured.words,
                "task": task.facts.name,
                "images": figures.images,
                "confidence": CONFIDENCE,
                **figures_json(figures),
                "optimistic": measured.optimistic or None,
                "caveats": measured.caveats,
                "about_loss": about_loss or None,
                "looks": measured.looks or None,
                **_outputs_json(measured),
                **({"mistakes": measured.rows(measured.worst(mistakes))} if mistakes else {}),
                "each_image": measured.rows(),
            }
        )
        return 0
    print(fitted("\n".join(_summary(str(run), measured))))
    print(fitted(f"on {counted(figures.images, 'image')}; in parentheses: {CONFIDENCE:.0%} intervals"))
    views = opened.spec.train.evaluate
    if views is not None:
        first = task.facts.figures[0]
        single = figures.one_view[first.name].text(first)
        print(fitted(f"with {clean(show(views))}; with a single view, as in the exported file: {single}"))
    print(fitted("\n".join(_about(measured))))
    if about_loss:
        print(fitted(about_loss))
    print("", *(_classes(measured, part) if task.facts == CLASSIFICATION else _outputs(measured)), sep="\n")
    if mistakes:
        worst = measured.rows(measured.worst(mistakes))
        wrong = int((measured.costs > 0).sum())
        print("", mistakes_text(worst, task.facts, wrong, figures.images), sep="\n")
    return 0


def _summary(run: str, measured: "Measured") -> list[str]:
    """All figures of the task and the loss, the one that chooses first."""
    figures = measured.figures
    first, *others = [f"{one.title} {figures.text(one.name)}" for one in measured.task.facts.figures]
    low, high = figures.loss.interval or (None, None)
    between = "" if low is None else f" ({low:.4f} to {high:.4f})"
    lines = [f"{clean(run)}: {first}, loss {figures.loss.value:.4f}{between}"]
    known = [text for text in others if not text.endswith("–")]
    return [*lines, ", ".join(known)] if known else lines


def _about(measured: "Measured") -> list[str]:
    """Which images were looked at, and how far their figures can be believed."""
    lines = [f"{measured.part}: {clean(measured.words)}"]
    if measured.optimistic:
        lines.append(clean(measured.optimistic))
    lines += map(clean, measured.caveats)
    if measured.looks:
        times = "once" if measured.looks == 1 else f"{measured.looks:,} times"
        more = "; whoever chooses by it makes it optimistic" if measured.looks > 1 else ""
        lines.append(f"this run has looked at the test part {times}, as looks.jsonl records{more}")
    if measured.part == "train":
        lines.append("the network learned from these images: the figures say nothing of others")
    return lines


def _outputs_json(measured: "Measured") -> dict[str, Any]:
    """The figures of each class, tag or number."""
    from specc.backend.evaluation.class_figures import by_class, scores_json
    from specc.backend.tasks.figures.classification import confusion
    from specc.backend.tasks.figures.scores import confusions
    from specc.tasks import CLASSIFICATION

    task, records = measured.task, measured.evaluation.records
    if task.facts != CLASSIFICATION:
        return {task.facts.outputs: [row._asdict() for row in task.by_output(records)]}
    table = confusion(records, len(task.outputs))
    mistakes = [mistake._asdict() for mistake in confusions(table, task.outputs, MOST)]
    return {**scores_json(*by_class(table, task.outputs)), "confusions": mistakes}


def _classes(measured: "Measured", part: Part) -> list[str]:
    """The table of classes, and the most frequent mistakes."""
    from specc.backend.evaluation.class_figures import by_class
    from specc.backend.tasks.figures.classification import confusion
    from specc.backend.tasks.figures.scores import confusions

    names = measured.task.outputs
    table = confusion(measured.evaluation.records, len(names))
    means, classes = by_class(table, names)
    lines = _class_table(means, classes, measured.figures.images)
    if absent := [clean(one.name) for one in classes if not one.support]:
        what = {Part.TRAIN: "training"}.get(part, part.value)
        lines.append(f"left out of the mean, because they have no {what} images: {', '.join(absent)}")
    if mistakes := confusions(table, names, MOST):
        lines += ["", "most frequent mistakes:", *_mistakes(mistakes)]
    return lines


def _class_table(means: "Means", classes: "Sequence[ClassFigures]", images: int) -> list[str]:
    rows: list[tuple[Any, ...]] = [(clean(one.name), one.precision, one.recall, one.f1, one.support) for one in classes]
    rows.append(("mean", *means, images))
    cells: list[tuple[str, ...]] = [("class", "precision", "recall", "F1", "images")]
    cells += [(name, *map(_cell, scores), f"{count:,}") for name, *scores, count in rows]
    return _aligned(cells)


def _outputs(measured: "Measured") -> list[str]:
    """A table with a row for each tag, number or class of pixels."""
    from specc.report.figures import output_cells

    rows = measured.task.by_output(measured.evaluation.records)
    word = {"tags": "tag", "numbers": "number", "classes": "class"}[measured.task.facts.outputs]
    return _aligned(output_cells(rows, word))


def _aligned(cells: "Sequence[Sequence[str]]") -> list[str]:
    """Rows of a table: names to the left, figures to the right."""
    return columns(cells, range(1, len(cells[0])), ruled=False)


def _cell(figure: "Estimate") -> str:
    """`98.61% (92.5 - 99.8)`."""
    from specc.backend.tasks.figures.scores import share_text

    interval = figure.interval
    return share_text(figure.value) + (f" ({interval.low * 100:.1f} - {interval.high * 100:.1f})" if interval else "")


def _mistakes(mistakes: "list[Confusion]") -> list[str]:
    rows: list[tuple[str, Any]] = [(f"{m.images:,} of {clean(m.truth)}", clean(m.answer)) for m in mistakes]
    wide = max(len(truth) for truth, _ in rows)
    return [f"  {truth:{wide}}  classified as {answer}" for truth, answer in rows]
