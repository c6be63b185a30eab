"""The table of a study, made of study.json alone."""

from typing import Any

from specc.report.study import duration, gain_text, mean_text, study_markdown, study_table
from specc.tasks import FIGURES

ACCURACY = FIGURES["accuracy"]


def row(name: str, **changes: Any) -> dict[str, Any]:
    """A variant of a study.json."""
    run = {"seed": 0, "train_images": 500, "error": None}
    given = {
        "name": name,
        "extends": None,
        "compared_with": None,
        "train_accuracy": {"mean": 0.9, "deviation": 0.012},
        "val_accuracy": {"mean": 0.8025, "deviation": 0.004},
        "gain": None,
        "same_as": None,
        "seconds": 75.0,
        "error": None,
        "runs": [run, {**run, "seed": 1}],
    }
    return given | changes


def study(*rows: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "file": "net.cnn",
        "command": ["specc", "study", "my net.cnn"],
        "device_name": "a machine",
        "platform": "Linux",
        "versions": {"specc": "1", "torch": "2", "python": "3"},
        "images": {"train": 5000, "validation": 1000},
        "validated_on": "the test part, 1,000 images",
        "figure": "accuracy",
        "seeds": [0, 1],
        "folds": None,
        "confidence": 0.95,
        "comparisons": 1,
        "finished": True,
        "variants": list(rows),
    } | changes


def gain(mean: float, low: float | None, high: float | None, pairs: int, **more: Any) -> dict[str, Any]:
    means = {"before": 0.8, "after": 0.8 + mean, "p": None, "p_holm": None, "more_than_chance": None}
    return {"mean": mean, "low": low, "high": high, "pairs": pairs, "seeds": pairs, **means, **more}


def test_columns() -> None:
    step = gain(0.0071, -0.001, 0.0152, 2, more_than_chance=False)
    noise = row("noise", extends="base file", compared_with="base file", gain=step)
    lines = study_table(study(row("base file"), noise)).splitlines()
    assert lines[0].split() == [
        "variant",
        "extends",
        "runs",
        "training",
        "accuracy",
        "validation",
        "accuracy",
        "gain",
        "time",
    ]
    assert lines[2].split() == [
        "base",
        "file",
        "2",
        "90.0",
        "±",
        "1.2",
        "%",
        "80.2",
        "±",
        "0.4",
        "%",
        "1",
        "min",
        "15",
        "s",
    ]
    assert "+0.7 (-0.1 to +1.5), 2 seeds  " in lines[3] and "over" not in lines[3]
    assert "paired by seed, with its 95% confidence interval" in lines[-2]
    assert lines[-1] == "of 1 comparison, none is more than chance at 95%"


def test_several_comparisons_are_counted_and_corrected() -> None:
    strong = row(
        "a", extends="base file", compared_with="base file", gain=gain(0.05, 0.02, 0.08, 3, more_than_chance=True)
    )
    weak = row(
        "b", extends="base file", compared_with="base file", gain=gain(0.01, 0.001, 0.019, 3, more_than_chance=False)
    )
    text = study_table(study(row("base file"), strong, weak, comparisons=2))
    assert "+5.0 (+2.0 to +8.0), 3 seeds *" in text and "+1.0 (+0.1 to +1.9), 3 seeds  " in text
    corrected = "after Holm's correction; the intervals are not corrected"
    assert text.endswith(f"*: more than chance, at 95% over 2 comparisons {corrected}")
    text = study_table(study(row("base file"), weak, weak, comparisons=2))
    assert text.endswith(f"of 2 comparisons, none is more than chance at 95% {corrected}")


def test_what_failed_is_compared_on_the_seeds_that_are_left() -> None:
    error = {"code": "E436", "message": "the loss is not finite"}
    runs = [{"seed": seed, "train_images": 500, "error": error if seed else None} for seed in range(6)]
    step = gain(0.02, None, None, 1)
    wild = row("wild", extends="base file", compared_with="base file", gain=step, error=error, runs=runs)
    text = study_table(study(row("base file"), wild, comparisons=0))
    assert "1 (5 failed)" in text and "+2.0, 1 seed  " in text
    assert (
        "wild: 5 of 6 trainings failed; its gain is over the 1 that it shares with base file: 82.0 % against 80.0 %"
        in text
    )


def test_folds() -> None:
    error = {"code": "E436", "message": "the loss is not finite"}
    runs = [{"seed": 0, "fold": fold, "train_images": 500, "error": error if fold == 2 else None} for fold in (1, 2, 3)]
    accuracy = {"mean": 0.8, "deviation": 0.01, "low": 0.7712, "high": 0.8288}
    text = study_table(study(row("base file", val_accuracy=accuracy, runs=runs, error=error), seeds=[0], folds=3))
    assert "80.0 ± 1.0 % (77.1 to 82.9)" in text
    assert "6,000 training images in 3 folds: each is validated on once, and the others are trained on" in text
    assert "standard deviation over the folds" in text and "Nadeau and Bengio" in text
    assert "base file, fold 2: E436" in text


def test_an_error_has_its_own_units_and_is_better_when_it_is_lower() -> None:
    figures = {
        "train_mae": {"mean": 4.0, "deviation": 0.1},
        "val_mae": {"mean": 5.3125, "deviation": 0.42, "low": None, "high": None},
    }
    step = gain(-0.53, -0.712, -0.348, 2, more_than_chance=True) | {"before": 5.8425, "after": 5.3125}
    wide = row("wide", extends="base file", compared_with="base file", gain=step, **figures)
    lines = study_table(study(row("base file", **figures), wide, figure="mae")).splitlines()
    assert " validation mean absolute error  change " in lines[0]
    assert "4 ± 0.1" in lines[3] and "5.312 ± 0.42" in lines[3] and "-0.53 (-0.712 to -0.348), 2 seeds *" in lines[3]
    assert "%" not in lines[3]
    assert "the lower the mean absolute error, the better" in lines
    assert any("; change: validation mean absolute error over what it extends" in line for line in lines)


def test_a_mean_over_classes_is_taken_apart() -> None:
    figures = {f"{part}_balanced_accuracy": {"mean": 0.6, "deviation": 0.01} for part in ("train", "val")}
    recalls = {
        "good": {"mean": 0.9912, "deviation": 0.001, "low": 0.989, "high": 0.993},
        "defect": {"mean": 0.21, "deviation": 0.02, "low": 0.16, "high": 0.26},
    }
    found = study(row("base file", of_classes=recalls, **figures), figure="balanced_accuracy")
    text = study_table(found)
    assert "\nrecall on the validation images, after the last epoch:\n" in text
    (line,) = (line for line in text.splitlines() if "21.0" in line)
    assert line.split("  ")[0] == "base file" and line.endswith(
        "99.1 ± 0.1 % (98.9 to 99.3)  21.0 ± 2.0 % (16.0 to 26.0)"
    )
    assert "| base file | 99.1 ± 0.1 % (98.9 to 99.3) | 21.0 ± 2.0 % (16.0 to 26.0) |" in study_markdown(found)
    many = {str(number): recalls["good"] for number in range(13)}
    assert "recall" not in study_table(study(row("a", of_classes=many, **figures), figure="balanced_accuracy"))


def test_what_it_is_measured_against_is_named_where_it_is_not_what_it_extends() -> None:
    step = gain(0.01, None, None, 1)
    text = study_table(study(row("bn", extends="noise", compared_with="base file", gain=step), seeds=[0]))
    assert "+1.0 over base file, 1 seed" in text and "there is no confidence interval: use --seeds 3" in text


def test_failures_and_twins_and_what_is_not_finished() -> None:
    error = {"code": "E436", "message": "the loss is not finite"}
    runs = [{"seed": 0, "train_images": 0, "error": error}, {"seed": 1, "train_images": 500, "error": None}]
    text = study_table(study(row("wild", error=error, runs=runs), row("twin", same_as="wild"), finished=False))
    assert "1 (1 failed)" in text
    assert "wild, seed 0: E436, the loss is not finite" in text
    assert "twin: the same spec as wild" in text
    assert "not finished; run the same command again" in text


def test_markdown() -> None:
    text = study_markdown(study(row("a|b")))
    assert "| a\\|b |  | 2 | 90.0 ± 1.2 % | 80.2 ± 0.4 % |  | 1 min 15 s |" in text
    assert "specc study 'my net.cnn'" in text and "a machine; specc 1, torch 2, Python 3, Linux" in text


def test_figures() -> None:
    assert mean_text({"mean": 0.5, "deviation": None}, ACCURACY) == "50.0 %"
    assert mean_text(None, ACCURACY) == "" and gain_text(None, ACCURACY) == ""
    assert [duration(seconds) for seconds in (3.21, 59.96, 725, 12000)] == [
        "3.2 s",
        "60.0 s",
        "12 min 05 s",
        "3 h 20 min",
    ]
