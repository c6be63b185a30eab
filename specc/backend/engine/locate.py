"""Where numbers stop being finite: the steps before it are taken again, the last ones watched layer by layer."""

import torch

from specc.backend.engine.trainer import Trainer
from specc.backend.evaluation.not_finite import Watch

WATCHED = 2  # steps: a weight may be lost in the step before the one whose loss shows it


def locate(trainer: Trainer, step: int) -> str:
    """Take a training to step number `step`, from where it is, and say where a number is not finite first.

    Empty where all numbers are finite. The loop's state is worthless afterwards.
    """
    net, state = trainer.state.net.train(), trainer.state
    trainer.compute.forward = net  # not compiled: what is compiled calls no hooks
    while state.step < step - WATCHED:
        trainer.step()
    watch = Watch(net, gradients=state.scaler is None)  # with a scaler, infinite gradients are met by a smaller scale
    with watch.hooked():
        while state.step < step and not watch.first:
            trainer.step()
            for name, weight in state.weights.items():
                watch.note(lambda name=name: f"in the weights `{name}`, after their update", weight)  # type: ignore[misc]
        if watch.first:
            return f"it first appeared at step {state.step} {watch.first}"
        _validate(trainer)
    return f"it first appeared {watch.first}, in evaluation" if watch.first else ""


@torch.no_grad()
def _validate(trainer: Trainer) -> None:
    """The validation images once through the network that is evaluated."""
    state = trainer.state
    trainer.put_in_kept()
    state.net.eval()
    for images, _ in trainer.loader.validation():
        state.net(images)
