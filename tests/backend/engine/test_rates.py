"""What an epoch's line says of its steps, and the memory layout of what an optimizer remembers."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F

from specc.backend.engine.trainer import Trainer
from specc.backend.interrupt import Interrupt
from specc.backend.progress import Quiet
from tests.helpers.tiny_training import MadeUp, Recorder


def test_the_rate_is_that_of_the_last_step_of_the_group_with_the_most_weights(
    make_trainer: Callable[..., Trainer],
) -> None:
    trainer = make_trainer(
        "epochs = 2", "optimizer = sgd(lr=0.5)", "schedule = linear", "groups = [group(biases, lr=0.125)]"
    )
    optimizers = trainer.state.optimizers
    assert optimizers.rate == 0.5 and optimizers.main["rate"] == 0.5
    rates = []
    for _ in range(trainer.total):
        trainer.step()
        rates.append(optimizers.rate)
    assert rates == [0.5 * (1 - step / trainer.total) for step in range(trainer.total)]
    assert sorted({round(group["lr"] / rates[-1], 6) for group in optimizers.groups}) == [0.25, 1.0]


def test_training_loss_and_accuracy_are_those_of_the_batches(
    make_trainer: Callable[..., Trainer], recorder: Recorder
) -> None:
    """Of a network that stands still, worked out by hand."""
    network = "network Still { input(1, 4x4); flatten -> dense(3, trainable=false) -> layer_scale(1) }\n"
    trainer = make_trainer("epochs = 1", "optimizer = sgd(lr=1e-30)", network=network)
    trainer.run(recorder, Quiet(), Interrupt())
    batches = [MadeUp().training(0, index) for index in range(MadeUp.batches)]
    images, labels = (torch.cat(parts) for parts in zip(*batches, strict=True))
    with torch.no_grad():
        logits = trainer.state.net.eval()(images)
    [line] = recorder.lines
    right = (logits.argmax(dim=1) == labels).double().mean().item()
    assert line["train_accuracy"] == pytest.approx(right) and right != 0.5
    assert line["train_loss"] == pytest.approx(F.cross_entropy(logits, labels).item(), rel=1e-5)
    assert line["lr"] == 1e-30 and line["images_per_second"] * line["seconds"] == pytest.approx(12)


def test_what_is_remembered_lies_in_memory_as_the_weight_does(make_trainer: Callable[..., Trainer]) -> None:
    state = make_trainer("epochs = 1", "optimizer = adam(lr=0.1)").state
    weight = state.weights["conv2.weight"]
    assert weight.is_contiguous(memory_format=torch.channels_last) and not weight.is_contiguous()
    saved = torch.arange(weight.numel(), dtype=torch.float32).reshape(weight.shape)
    state.optimizers.remember(weight, "exp_avg", saved)
    kept = state.optimizers.state_of(weight)["exp_avg"]
    assert torch.equal(kept, saved) and kept.stride() == weight.stride()
    step = torch.tensor(3.0)
    state.optimizers.remember(weight, "step", step)
    kept = state.optimizers.state_of(weight)["step"]
    assert kept.shape == () and kept == 3
