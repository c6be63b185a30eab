"""The best epoch: by validation accuracy, then by loss, then the earliest."""

from collections.abc import Callable
from typing import Any

import pytest

from specc.backend.engine.trainer import Trainer


@pytest.mark.parametrize(
    ("epochs", "best"),
    [
        ([], None),
        ([(0.5, 1.0)], 1),
        ([(0.5, 0.2), (0.6, 0.9), (0.55, 0.1)], 2),
        ([(0.5, 1.0), (0.5, 0.9), (0.5, 0.95)], 2),
        ([(0.5, 0.9), (0.5, 1.0)], 1),
        ([(0.5, 0.9), (0.5, 0.9)], 1),
        ([(0.4, 0.1), (0.5, 0.9), (0.5, 0.9), (0.5, 0.95)], 2),
    ],
)
def test_best_epoch(make_trainer: Callable[..., Trainer], epochs: list[tuple[float, float]], best: int | None) -> None:
    state = make_trainer("epochs = 9").state
    for number, (accuracy, loss) in enumerate(epochs, start=1):
        line: dict[str, Any] = {"epoch": float(number), "step": 6 * number, "val_loss": loss, "val_accuracy": accuracy}
        state.lines.append(line | {"train_loss": 1.0, "train_accuracy": 0.5, "seconds": 1.0})
    assert (state.best and state.best.step) == (best and 6 * best)
    assert state.has_improved == (best is not None and best == len(epochs))
