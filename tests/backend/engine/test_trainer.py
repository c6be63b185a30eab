"""The training loop on a tiny network: what a step does, when it ends, and what it says when it goes wrong."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
from torch import Tensor

from specc.backend.engine.trainer import Trainer
from specc.backend.interrupt import Interrupt
from specc.backend.progress import Quiet
from specc.errors import SpeccError
from tests.helpers.losses import classes_of

Make = Callable[..., Trainer]


def run(trainer: Trainer, recorder: Any) -> None:
    trainer.run(recorder, Quiet(), Interrupt())


def weights(trainer: Trainer) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in trainer.state.net.state_dict().items()}


def test_learns_and_reports_each_epoch(make_trainer: Make, recorder: Any) -> None:
    trainer = make_trainer("epochs = 12", "optimizer = adam(lr=0.02)")
    run(trainer, recorder)
    assert [line["epoch"] for line in recorder.lines] == list(range(1, 13))
    assert [line["step"] for line in recorder.lines] == list(range(6, 73, 6))
    first, last = recorder.lines[0], recorder.lines[-1]
    assert last["train_loss"] < first["train_loss"] - 0.2
    for line in recorder.lines:  # shares of 12 training and 6 validation images
        assert line["train_accuracy"] in [n / 12 for n in range(13)] and line["val_accuracy"] in [
            n / 6 for n in range(7)
        ]
    assert last["images_per_second"] > 0 and last["seconds"] > 0


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(make_trainer: Make, recorder: Any) -> None:
    loops = [make_trainer("epochs = 1", f"seed = {seed}") for seed in (5, 5, 6)]
    for trainer in loops:
        torch.rand(3)  # the global generator's history does not matter
        run(trainer, recorder)
    first, again, other = map(weights, loops)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["conv1.weight"], other["conv1.weight"])


def test_a_step_is_the_definition(make_trainer: Make) -> None:
    """loss + penalty, its gradient clipped as a whole, an SGD step with the schedule's rate: all by autograd."""
    settings = ("optimizer = sgd(lr=0.1)", "regularize = l1_l2(1e-2, 1e-2)", "clip = 0.05", "schedule = linear(to=0)")
    trainer, reference = make_trainer("epochs = 2", *settings), make_trainer("epochs = 2", *settings)
    trainer.step()
    trainer.step()

    net = reference.state.net.train()
    for step in range(2):
        # the generator's state before the forward pass is the one thing that is borrowed
        reference.state.step = step
        torch.manual_seed(_seed_of(step))
        images, labels = reference.loader.training(0, step)
        logits = net(images)
        kernels = [net.get_parameter(f"{layer}.weight") for layer in ("conv1", "conv2", "dense1")]
        penalty = sum(1e-2 * k.abs().sum() + 1e-2 * k.square().sum() for k in kernels)
        loss = torch.nn.functional.cross_entropy(logits, labels) + penalty
        gradients = torch.autograd.grad(loss, list(net.parameters()))
        norm = torch.stack([g.square().sum() for g in gradients]).sum().sqrt()
        with torch.no_grad():
            for weight, gradient in zip(net.parameters(), gradients, strict=True):
                weight.sub_(0.1 * (1 - step / 12) * gradient * min(1.0, 0.05 / (float(norm) + 1e-6)))
    for name, value in net.state_dict().items():
        torch.testing.assert_close(trainer.state.net.state_dict()[name], value, msg=name, atol=1e-6, rtol=1e-5)


def _seed_of(step: int) -> int:
    from specc.backend.engine.step import step_seed

    return step_seed(0, step)


PLAIN = "network Plain { input(1, 4x4); flatten -> dense(3) }\n"


class Halves:
    """One epoch of two batches, or of one that holds both."""

    task = classes_of(3)

    def __init__(self, whole: bool) -> None:
        self.batch, self.batches = (8, 1) if whole else (4, 2)

    def training(self, epoch: int, index: int) -> tuple[Tensor, Tensor]:
        source = torch.Generator().manual_seed(3)
        images, labels = torch.randn(8, 1, 4, 4, generator=source), torch.arange(8) % 3
        part = slice(index * self.batch, (index + 1) * self.batch)
        return images[part], labels[part]

    def validation(self) -> Iterable[tuple[Tensor, Tensor]]:
        return [self.training(0, 0)]


def test_accumulated_batches_are_one_large_one(make_trainer: Make, recorder: Any) -> None:
    settings = ("epochs = 3", "optimizer = sgd(lr=0.5)")
    whole = make_trainer(*settings, network=PLAIN, loader=Halves(whole=True))
    halves = make_trainer(*settings, "accumulate = 2", network=PLAIN, loader=Halves(whole=False))
    run(whole, recorder)
    run(halves, recorder)
    assert whole.state.step == halves.state.step == 3
    torch.testing.assert_close(whole.state.net.state_dict(), halves.state.net.state_dict())
    for one, two in zip(recorder.lines[:3], recorder.lines[3:], strict=True):
        assert one["train_loss"] == pytest.approx(two["train_loss"])
        assert one["train_accuracy"] == two["train_accuracy"]


HEADS = """
network WithHead {
  input(1, 4x4)
  conv(4, bias=false)
  head(early, weight=0.5) { global_avg_pool -> dense(3, bias=false) }
  global_avg_pool -> dense(3, bias=false)
}
"""


def test_the_losses_of_heads_count_with_their_weight(make_trainer: Make) -> None:
    trainer, reference = (make_trainer("optimizer = sgd(lr=0.1)", network=HEADS) for _ in range(2))
    trainer.step()
    net = reference.state.net.train()
    images, labels = reference.loader.training(0, 0)
    logits, heads = net(images)
    main = torch.nn.functional.cross_entropy(logits, labels)
    (main + 0.5 * torch.nn.functional.cross_entropy(heads["early"], labels)).backward()
    for name, weight in net.named_parameters():
        assert weight.grad is not None
        torch.testing.assert_close(trainer.state.net.get_parameter(name), weight - 0.1 * weight.grad, msg=name)
    assert float(trainer.state.table[0, 0] / trainer.state.table[1, 0]) == pytest.approx(main.item())


def test_soft_targets_train_and_are_counted_by_their_largest_share(make_trainer: Make) -> None:
    class Mixed(Halves):
        def training(self, epoch: int, index: int) -> tuple[Tensor, Tensor]:
            images, labels = super().training(epoch, index)
            shares = torch.nn.functional.one_hot(labels, 3).float()
            return images, 0.7 * shares + 0.3 * shares.flip(0)

    mixed, plain = (make_trainer("seed = 1", network=PLAIN, loader=kind(whole=True)) for kind in (Mixed, Halves))
    mixed.step()
    plain.step()
    # of each image: its class and the answer, behind the sum of the losses and what that is divided by
    assert torch.equal(mixed.state.table[2:, 0], plain.state.table[2:, 0])
    assert mixed.state.table[0, 0] != plain.state.table[0, 0]


def test_fractional_epochs_end_with_an_evaluation(make_trainer: Make, recorder: Any) -> None:
    trainer = make_trainer("epochs = 1.5")
    run(trainer, recorder)
    assert [(line["epoch"], line["step"]) for line in recorder.lines] == [(1.0, 6), (1.5, 9)]


def test_the_rate_follows_the_schedule(make_trainer: Make, recorder: Any) -> None:
    trainer = make_trainer("epochs = 4", "optimizer = sgd(lr=0.5)", "schedule = multistep([1, 2], gamma=0.1)")
    run(trainer, recorder)
    assert [line["lr"] for line in recorder.lines] == pytest.approx([0.5, 0.05, 0.005, 0.005])


def test_early_stop_waits_for_its_patience(make_trainer: Make, recorder: Any) -> None:
    trainer = make_trainer("epochs = 50", "optimizer = sgd(lr=1e-12)", "early_stop = 3", network=PLAIN)
    run(trainer, recorder)
    assert len(recorder.lines) == 4


def test_target_ends_the_training(make_trainer: Make, recorder: Any) -> None:
    trainer = make_trainer("epochs = 50", "optimizer = adam(lr=0.05)", "target = 60%", network=PLAIN)
    run(trainer, recorder)
    accuracies = [line["val_accuracy"] for line in recorder.lines]
    assert accuracies[-1] >= 0.6 and all(accuracy < 0.6 for accuracy in accuracies[:-1])
    assert len(accuracies) < 50


def test_the_average_is_its_formula_and_is_what_is_evaluated(make_trainer: Make, recorder: Any) -> None:
    trainer = make_trainer("epochs = 1", "ema = 0.3", "optimizer = sgd(lr=0.5)")
    expected = weights(trainer)["conv1.weight"]
    for step in range(1, 7):
        trainer.step()
        decay = min(0.3, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * weights(trainer)["conv1.weight"]
    average = trainer.state.average
    assert average is not None
    torch.testing.assert_close(average.values["conv1.weight"], expected)

    whole = make_trainer("epochs = 1", "ema = 0.3", "optimizer = sgd(lr=0.5)")
    run(whole, recorder)
    net = whole.state.net
    net.load_state_dict(whole.state.model())
    net.eval()
    with torch.no_grad():
        losses = [float(whole.compute.loss(net(images), labels)) for images, labels in whole.loader.validation()]
    assert recorder.lines[0]["val_loss"] == pytest.approx(sum(losses) / 3, rel=1e-5)


def test_the_penalty_is_reported_beside_the_loss(make_trainer: Make, recorder: Any) -> None:
    trainer = make_trainer("epochs = 1", "regularize = l2(0.1)")
    run(trainer, recorder)
    kernels = [trainer.state.net.get_parameter(f"{layer}.weight") for layer in ("conv1", "conv2", "dense1")]
    assert recorder.lines[0]["penalty"] == pytest.approx(0.1 * sum(float(k.detach().square().sum()) for k in kernels))


def test_a_loss_that_is_not_finite_names_its_step(make_trainer: Make, recorder: Any) -> None:
    class Poisoned(Halves):
        batches = 4

        def __init__(self) -> None:
            self.batch = 2

        def training(self, epoch: int, index: int) -> tuple[Tensor, Tensor]:
            images, labels = super().training(epoch, index)
            return images * (float("nan") if (epoch, index) == (1, 2) else 1.0), labels

        def validation(self) -> Iterable[tuple[Tensor, Tensor]]:
            return [self.training(0, 0)]

    trainer = make_trainer("epochs = 3", network=PLAIN, loader=Poisoned())
    with pytest.raises(SpeccError, match="not finite at step 7") as error:
        run(trainer, recorder)
    assert error.value.code == "E436"
    assert len(recorder.lines) == 1  # the epoch before it was kept


def test_bf16_trains_and_keeps_weights_and_losses_in_fp32(make_trainer: Make, recorder: Any) -> None:
    trainer = make_trainer("epochs = 4", "optimizer = adam(lr=0.02)", precision="bf16")
    run(trainer, recorder)
    assert all(weight.dtype == torch.float32 for weight in trainer.state.net.parameters())
    assert recorder.lines[-1]["train_loss"] < recorder.lines[0]["train_loss"]


def test_a_long_epoch_is_kept_in_between(
    make_trainer: Callable[..., Trainer], recorder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("specc.backend.engine.trainer.INTERVAL", 0.0)
    monkeypatch.setattr("specc.backend.engine.trainer.KEPT_FOR", 0.0)
    trainer = make_trainer("epochs = 2")
    trainer.run(recorder, Quiet(), Interrupt())
    assert recorder.pauses == 10  # after each of the first five steps of both epochs
    assert len(recorder.lines) == 2 and all(line["seconds"] > 0 for line in recorder.lines)
