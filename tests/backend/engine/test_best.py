"""What follows the figure of `best`: early_stop, target and plateau."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from specc.backend.engine.trainer import Trainer
from specc.backend.interrupt import Interrupt
from specc.backend.progress import Quiet
from specc.backend.tasks.bound import bind
from specc.tasks import REGRESSION

Make = Callable[..., Trainer]
PLAIN = "network Plain { input(1, 4x4); flatten -> dense(3) }\n"
ONE = "network One { input(1, 4x4); flatten -> dense(1) }\n"


class Numbers:
    """Batches of images and their brightness."""

    task = bind(REGRESSION, ["brightness"])
    batch, batches = 8, 6

    def training(self, epoch: int, index: int) -> tuple[Tensor, Tensor]:
        images = torch.randn(self.batch, 1, 4, 4, generator=torch.Generator().manual_seed(1000 * epoch + index))
        return images, images.mean((1, 2, 3))[:, None]

    def validation(self) -> Iterable[tuple[Tensor, Tensor]]:
        return [self.training(999, index) for index in range(3)]


def after(trainer: Trainer, name: str, values: Sequence[float], losses: Sequence[float] = ()) -> Trainer:
    """The training with epochs behind it of which this is known."""
    per_epoch = trainer.state.per_epoch
    for number, value in enumerate(values, 1):
        loss = losses[number - 1] if losses else 1.0
        line = {"epoch": float(number), "step": number * per_epoch, "val_loss": loss}
        trainer.state.lines.append(line if name == "loss" else line | {f"val_{name}": value})
    trainer.state.step = len(values) * per_epoch
    return trainer


@pytest.mark.parametrize(
    ("settings", "name", "values", "finished"),
    [
        (["early_stop = 2"], "accuracy", [0.5, 0.6, 0.6], False),
        (["early_stop = 2"], "accuracy", [0.5, 0.6, 0.6, 0.6], True),
        (["early_stop = 2", "best = f1"], "f1", [0.5, 0.6, 0.6, 0.7], False),
        (["early_stop = 2", "best = f1"], "f1", [0.7, 0.6, 0.6], True),
        (["target = 90%"], "accuracy", [0.8, 0.89], False),
        (["target = 90%"], "accuracy", [0.8, 0.9], True),
        (["target = 90%", "best = balanced_accuracy"], "balanced_accuracy", [0.8, 0.9], True),
    ],
)
def test_a_training_ends_by_the_figure_of_best(
    make_trainer: Make, settings: list[str], name: str, values: list[float], finished: bool
) -> None:
    trainer = after(make_trainer("epochs = 20", *settings, network=PLAIN), name, values)
    assert trainer.finished() == finished


@pytest.mark.parametrize(
    ("settings", "losses", "finished"),
    [
        (["early_stop = 2"], [1.0, 0.5, 0.5, 0.4], False),
        (["early_stop = 2"], [0.5, 0.6, 0.7], True),
        (["target = 0.3"], [0.5, 0.4], False),
        (["target = 0.3"], [0.5, 0.3], True),
    ],
)
def test_or_by_the_loss(make_trainer: Make, settings: list[str], losses: list[float], finished: bool) -> None:
    trainer = make_trainer("epochs = 20", "best = loss", *settings, network=PLAIN)
    assert after(trainer, "loss", losses, losses).finished() == finished


@pytest.mark.parametrize(
    ("settings", "name", "values", "finished"),
    [
        (["early_stop = 2"], "mae", [3.0, 2.0, 1.0], False),  # an error that falls is better
        (["early_stop = 2"], "mae", [1.0, 2.0, 3.0], True),
        (["target = 1.5"], "mae", [3.0, 2.0], False),
        (["target = 1.5"], "mae", [3.0, 1.5], True),
        (["target = -1", "best = r2"], "r2", [-3.0, -2.0], False),
        (["target = -1", "best = r2"], "r2", [-3.0, -0.5], True),
    ],
)
def test_errors_are_better_the_lower(
    make_trainer: Make, settings: list[str], name: str, values: list[float], finished: bool
) -> None:
    trainer = make_trainer("epochs = 20", "loss = mse", *settings, network=ONE, loader=Numbers())
    assert after(trainer, name, values).finished() == finished


def test_with_last_the_training_still_ends_by_the_task_s_first_figure(make_trainer: Make) -> None:
    trainer = make_trainer("epochs = 20", "early_stop = 2", "best = last", network=PLAIN)
    after(trainer, "accuracy", [0.9, 0.5, 0.6])
    assert trainer.finished() and trainer.state.best == trainer.state.results[-1] and trainer.state.has_improved


@pytest.mark.parametrize(
    ("settings", "name", "values", "losses", "drops"),
    [
        ([], "accuracy", [0.5, 0.6, 0.7], [1.0, 2.0, 3.0], 0),  # it is not the loss that it follows
        ([], "accuracy", [0.7, 0.7, 0.6], [3.0, 2.0, 1.0], 2),
        (["best = loss"], "loss", [0.0] * 3, [3.0, 2.0, 1.0], 0),
        (["best = loss"], "loss", [0.0] * 3, [1.0, 2.0, 3.0], 2),
    ],
)
def test_plateau_follows_it(
    make_trainer: Make, settings: list[str], name: str, values: list[float], losses: list[float], drops: int
) -> None:
    schedule = "schedule = plateau(patience=0, gamma=0.5)"
    trainer = make_trainer("epochs = 20", "optimizer = sgd(lr=1)", schedule, *settings, network=PLAIN)
    after(trainer, name, values, losses).step()
    assert trainer.state.optimizers.rate == pytest.approx(0.5**drops)


def test_plateau_takes_an_error_that_falls_for_better(make_trainer: Make) -> None:
    settings = ("epochs = 20", "loss = mse", "optimizer = sgd(lr=0.1)", "schedule = plateau(patience=0, gamma=0.5)")
    falls, rises = (make_trainer(*settings, network=ONE, loader=Numbers()) for _ in range(2))
    after(falls, "mae", [3.0, 2.0, 1.0]).step()
    after(rises, "mae", [1.0, 2.0, 3.0]).step()
    assert falls.state.optimizers.rate == pytest.approx(0.1)
    assert rises.state.optimizers.rate == pytest.approx(0.025)


def test_a_regression_learns_and_its_lines_hold_its_figures(make_trainer: Make, recorder: Any) -> None:
    trainer = make_trainer(
        "epochs = 20", "loss = mse", "optimizer = sgd(lr=0.3)", "best = rmse", network=ONE, loader=Numbers()
    )
    trainer.run(recorder, Quiet(), Interrupt())
    first, *_, last = recorder.lines
    assert last["val_mae"] < first["val_mae"] and last["val_r2"] > 0.5
    assert {"train_mae", "train_rmse", "val_mae", "val_rmse", "val_r2"} <= set(last)
    assert last["val_rmse"] ** 2 == pytest.approx(last["val_loss"], rel=1e-5)
    assert trainer.state.best is not None
    assert trainer.state.best.figures["rmse"] == min(line["val_rmse"] for line in recorder.lines)
