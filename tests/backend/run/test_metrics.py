"""Which epoch is the best, and what a line of metrics.jsonl says."""

from typing import Any

import pytest

from specc.backend.run.metrics import EpochResult, epoch_result, figures_text, selection
from specc.tasks import ALL, CLASSIFICATION, REGRESSION, Task


def results(name: str, *pairs: tuple[float, float]) -> list[EpochResult]:
    """Epochs with a figure and a loss each."""
    return [EpochResult(number, number, loss, {name: value}) for number, (value, loss) in enumerate(pairs, 1)]


def best(setting: str, task: Task, *pairs: tuple[float, float]) -> float:
    """The number of the epoch that is kept. pairs: its figure, and its loss."""
    chosen = selection(setting, task)
    result = chosen.best(results(chosen.figure.name, *pairs))
    assert result is not None
    return result.epoch


@pytest.mark.parametrize("setting", ["auto", "accuracy", "f1"])
def test_among_equals_the_lowest_loss_is_best_and_of_these_the_first(setting: str) -> None:
    assert best(setting, CLASSIFICATION, (0.5, 1.0), (0.9, 2.0), (0.8, 0.1)) == 2
    assert best(setting, CLASSIFICATION, (0.9, 2.0), (0.9, 1.0), (0.9, 1.0), (0.9, 3.0)) == 2


@pytest.mark.parametrize("setting", ["auto", "mae", "rmse"])
def test_of_errors_the_lowest_is_best(setting: str) -> None:
    assert best(setting, REGRESSION, (3.0, 1.0), (2.0, 9.0), (2.5, 0.0)) == 2
    assert best(setting, REGRESSION, (2.0, 9.0), (2.0, 8.0), (2.0, 8.0)) == 2


def test_a_figure_below_0_is_compared_by_its_sign() -> None:
    assert best("r2", REGRESSION, (-3.0, 1.0), (-0.5, 1.0), (-2.0, 1.0)) == 2


def test_the_loss_chooses_whatever_the_figures_are() -> None:
    assert best("loss", CLASSIFICATION, (0.9, 2.0), (0.1, 1.0), (0.5, 1.0)) == 2


def test_the_last_is_kept_and_the_highest_is_still_known() -> None:
    chosen = selection("last", CLASSIFICATION)
    epochs = results("accuracy", (0.9, 1.0), (0.5, 2.0))
    assert chosen.best(epochs) == epochs[1] and chosen.highest(epochs) == epochs[0]
    assert chosen.best([]) is None and selection("auto", CLASSIFICATION).best([]) is None


@pytest.mark.parametrize("task", ALL, ids=lambda task: str(task.name))
def test_auto_is_the_first_figure_of_the_task(task: Task) -> None:
    assert selection("auto", task) == selection(task.figures[0].name, task)


@pytest.mark.parametrize(
    ("setting", "task", "value", "target", "reached"),
    [
        ("auto", CLASSIFICATION, 0.9, 0.9, True),
        ("auto", CLASSIFICATION, 0.9, 0.91, False),
        ("mae", REGRESSION, 0.5, 0.5, True),
        ("mae", REGRESSION, 0.5, 0.4, False),
        ("r2", REGRESSION, -0.5, -0.6, True),
        ("r2", REGRESSION, -0.5, -0.4, False),
    ],
)
def test_a_target_is_reached_from_the_right_side(
    setting: str, task: Task, value: float, target: float, reached: bool
) -> None:
    chosen = selection(setting, task)
    (result,) = results(chosen.figure.name, (value, 1.0))
    assert chosen.reached(result, target) == reached


def test_a_result_is_the_same_from_its_line() -> None:
    line: dict[str, Any] = {
        "epoch": 2.0, "step": 8, "train_loss": 1.5, "train_mae": 2.0, "val_loss": 0.5, "val_mae": 3.25,
        "val_r2": -0.125, "lr": 0.1,
    }  # fmt: skip
    result = epoch_result(line)
    assert result == EpochResult(2.0, 8, 0.5, {"mae": 3.25, "r2": -0.125})
    assert result.as_json() == {"epoch": 2.0, "step": 8, "loss": 0.5, "mae": 3.25, "r2": -0.125}
    assert figures_text(line) == "loss 1.5000  mae 2  val_loss 0.5000  val_mae 3.25"
