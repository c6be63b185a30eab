"""The table of a study, made of study.json alone."""

from typing import Any

from specc.report.study import duration, percent, points, study_markdown, study_table


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
        "seeds": [0, 1],
        "confidence": 0.95,
        "finished": True,
        "variants": list(rows),
    } | changes


def test_columns() -> None:
    step = {"mean": 0.0071, "low": -0.001, "high": 0.0152, "seeds": 2}
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
    assert "+0.7 (-0.1 to +1.5)" in lines[3] and "over" not in lines[3]
    assert "paired by seed, with its 95% confidence interval" in lines[-1]


def test_what_it_is_measured_against_is_named_where_it_is_not_what_it_extends() -> None:
    step = {"mean": 0.01, "low": None, "high": None, "seeds": 1}
    text = study_table(study(row("bn", extends="noise", compared_with="base file", gain=step), seeds=[0]))
    assert "+1.0 over base file" in text and "there is no confidence interval: use --seeds 3" in text


def test_failures_and_twins_and_what_is_not_finished() -> None:
    error = {"code": "E436", "message": "the loss is not finite"}
    runs = [{"seed": 0, "train_images": 0, "error": error}, {"seed": 1, "train_images": 500, "error": None}]
    text = study_table(study(row("wild", error=error, runs=runs), row("twin", same_as="wild"), finished=False))
    assert "1 (1 failed)" in text
    assert "wild, seed 0: E436, the loss is not finite" in text
    assert "twin: the same spec as wild" in text
    assert "not finished; run the same command again" in text


def test_samples_are_spelled_out() -> None:
    drawn = row("sample 1", settings=[["network.width", "8"], ["train.optimizer.lr", "0.01"]])
    assert "sample 1: network.width = 8, train.optimizer.lr = 0.01" in study_table(study(row("base file"), drawn))


def test_markdown() -> None:
    text = study_markdown(study(row("a|b")))
    assert "| a\\|b |  | 2 | 90.0 ± 1.2 % | 80.2 ± 0.4 % |  | 1 min 15 s |" in text
    assert "specc study 'my net.cnn'" in text and "a machine; specc 1, torch 2, Python 3, Linux" in text


def test_figures() -> None:
    assert percent({"mean": 0.5, "deviation": None}) == "50.0 %" and percent(None) == "" and points(None) == ""
    assert [duration(seconds) for seconds in (3.21, 59.96, 725, 12000)] == [
        "3.2 s",
        "60.0 s",
        "12 min 05 s",
        "3 h 20 min",
    ]
