"""`specc eval`: how good a trained model is, class by class."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from specc.cli.common import print_json
from specc.errors import clean
from specc.values import show

if TYPE_CHECKING:
    from specc.backend.tasks.figures.scores import ClassScore, Confusion, Macro

MOST = 5


def eval_run(
    run: Annotated[Path, typer.Argument(help="A run's folder.", metavar="RUN", show_default=False)],
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps, or auto: CUDA if available.")] = "auto",
    data_dir: Annotated[
        Path | None, typer.Option(help="Look for data sets in this folder first.", metavar="FOLDER", show_default=False)
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print machine-readable JSON.")] = False,
) -> int:
    """Evaluate a run's best weights on its validation images: accuracy, per-class metrics, most frequent mistakes.

    Example:

      specc eval runs/Digits-1
    """
    from specc.backend.evaluation.of_run import evaluate_run
    from specc.backend.run.load import open_run
    from specc.backend.tasks.figures.classification import confusion
    from specc.backend.tasks.figures.scores import class_scores, confusions, macro

    opened = open_run(run)
    found = evaluate_run(opened, device=device, data_dir=data_dir)
    table = confusion(found.records, len(opened.classes))
    scores = class_scores(table, opened.classes)
    mistakes = confusions(table, opened.classes, MOST)
    images = len(found.records)
    views = opened.spec.train.evaluate
    if json:
        print_json(
            {
                "run": str(run),
                "images": images,
                "accuracy": found.figure("accuracy"),
                "loss": found.loss,
                "accuracy_one_view": found.one_view["accuracy"],
                "macro": macro(scores)._asdict(),
                "classes": [score._asdict() for score in scores],
                "confusions": [mistake._asdict() for mistake in mistakes],
            }
        )
        return 0
    print(f"{clean(str(run))}: accuracy {found.figure('accuracy'):.2%}, loss {found.loss:.4f}, on {images:,} images")
    if views is not None:
        print(
            f"with {clean(show(views))}; with a single view, as in the exported file: {found.one_view['accuracy']:.2%}"
        )
    print(f"validation: {clean(opened.info['validated_on'])}\n")
    print("\n".join(_table(scores, macro(scores))))
    if absent := [clean(score.name) for score in scores if not score.support]:
        print(f"left out of the mean, because they have no validation images: {', '.join(absent)}")
    if mistakes:
        print("\nmost frequent mistakes:")
        print("\n".join(_mistakes(mistakes)))
    return 0


def _table(scores: "list[ClassScore]", mean: "Macro") -> list[str]:
    from specc.backend.tasks.figures.scores import share_text

    rows = [(clean(score.name), score.precision, score.recall, score.f1, score.support) for score in scores]
    rows.append(("mean", mean.precision, mean.recall, mean.f1, sum(score.support for score in scores)))
    wide = max(len("class"), *(len(name) for name, *_ in rows))
    lines = [f"{'class':{wide}}  precision   recall       F1  images"]
    lines += [
        f"{name:{wide}}  {share_text(precision):>9}  {share_text(recall):>7}  {share_text(f1):>7}  {images:6,}"
        for name, precision, recall, f1, images in rows
    ]
    return lines


def _mistakes(mistakes: "list[Confusion]") -> list[str]:
    rows: list[tuple[str, Any]] = [(f"{m.images:,} of {clean(m.truth)}", clean(m.answer)) for m in mistakes]
    wide = max(len(truth) for truth, _ in rows)
    return [f"  {truth:{wide}}  classified as {answer}" for truth, answer in rows]
