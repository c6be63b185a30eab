"""A step over several batches is the step over all of their images at once."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
from torch import Tensor

from specc.backend.engine.trainer import Trainer
from specc.backend.interrupt import Interrupt
from specc.backend.progress import Quiet
from specc.backend.tasks.bound import bind
from specc.tasks import TASKS
from tests.helpers.losses import classes_of

Make = Callable[..., Trainer]
IMAGES = 60
PLAIN = "network Plain { input(1, 4x4); conv(4, bias=true) -> relu -> global_avg_pool -> dense(3) }\n"
HEADS = """
network WithHead {
  input(1, 4x4)
  conv(4, bias=true)
  head(early, weight=0.5) { global_avg_pool -> dense(3) }
  head(other, weight=0.2) { flatten -> dense(3) }
  relu -> global_avg_pool -> dense(3)
}
"""
WEIGHTED = [
    "cross_entropy(weights=[0.1, 1, 9])",
    "cross_entropy(weights=[0.1, 1, 9], smoothing=0.2)",
    "focal(weights=[0.1, 1, 9])",
    "binary_cross_entropy(weights=[0.1, 1, 9])",
]
OTHERS = ["cross_entropy(smoothing=0.2)", "focal(gamma=1)", "cross_entropy(weights=[0.1, 1, 9], reduction=sum)"]
LOSSES = [*WEIGHTED, *OTHERS]
REST = ("epochs = 2", "optimizer = sgd(lr=0.05, momentum=0.9)", "regularize = l2(1e-3)", "clip = 0.5")


class Cut:
    """The same images in batches of any size. Targets are shares of two classes each where they are mixed."""

    task = classes_of(3)

    def __init__(self, batch: int, mixed: bool) -> None:
        self.batch, self.batches, self.mixed = batch, IMAGES // batch, mixed

    def training(self, epoch: int, index: int) -> tuple[Tensor, Tensor]:
        source = torch.Generator().manual_seed(epoch)
        labels = torch.randint(0, 3, (IMAGES,), generator=source).sort().values  # batches weigh differently
        images = torch.randn(IMAGES, 1, 4, 4, generator=source) + labels.view(-1, 1, 1, 1)
        own = slice(index * self.batch, (index + 1) * self.batch)
        if not self.mixed:
            return images[own], labels[own]
        shares = torch.nn.functional.one_hot(labels, 3).float()
        part = torch.rand(IMAGES, 1, generator=source)
        return images[own], (part * shares + (1 - part) * shares.roll(1, 0))[own]

    def validation(self) -> Iterable[tuple[Tensor, Tensor]]:
        images, labels = Cut(IMAGES, mixed=False).training(99, 0)
        return list(zip(images.split(self.batch), labels.split(self.batch), strict=True))


def trained(make_trainer: Make, recorder: Any, batch: int, *settings: str, mixed: bool = False, **how: Any) -> Trainer:
    trainer = make_trainer(
        *REST, f"batch = {batch}", f"accumulate = {30 // batch}", *settings, loader=Cut(batch, mixed), **how
    )
    trainer.run(recorder, Quiet(), Interrupt())
    assert trainer.state.step == 4
    return trainer


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("network", [PLAIN, HEADS], ids=["plain", "heads"])
@pytest.mark.parametrize("loss", LOSSES)
def test_accumulated_batches_are_one_large_one(
    make_trainer: Make, recorder: Any, loss: str, network: str, mixed: bool
) -> None:
    """In weights, and in all figures of an epoch."""
    setting = f"loss = {loss}"
    wanted = trained(make_trainer, recorder, 30, setting, mixed=mixed, network=network)
    for batch in (15, 10, 6, 5):
        trainer = trained(make_trainer, recorder, batch, setting, mixed=mixed, network=network)
        torch.testing.assert_close(
            trainer.state.net.state_dict(), wanted.state.net.state_dict(), rtol=1e-4, atol=1e-5, msg=f"batch {batch}"
        )
        for one, other in zip(recorder.lines[-2:], recorder.lines[:2], strict=True):
            for name in ("train_loss", "val_loss", "train_accuracy", "val_accuracy"):
                assert one[name] == pytest.approx(other[name], rel=1e-4), (batch, name)


@pytest.mark.parametrize("loss", WEIGHTED)
def test_the_step_is_torchs_over_all_images(make_trainer: Make, loss: str) -> None:
    """The gradient of the step's summed loss over the step's summed weights, in float64."""
    trainer = make_trainer(
        "optimizer = sgd(lr=1)", "batch = 6", "accumulate = 5", f"loss = {loss}", network=PLAIN, loader=Cut(6, False)
    )
    net, whole = trainer.state.net, Cut(30, False).training(0, 0)
    before = {name: weight.detach().clone() for name, weight in net.named_parameters()}
    wanted = torch.autograd.grad(trainer.compute.loss(net(whole[0]), whole[1]), list(net.parameters()))
    trainer.step()
    for (name, weight), gradient in zip(net.named_parameters(), wanted, strict=True):
        torch.testing.assert_close(before[name] - weight.detach(), gradient, rtol=1e-4, atol=1e-6, msg=name)


@pytest.mark.parametrize("loss", WEIGHTED[:1])
def test_a_scaled_loss_is_divided_too(make_trainer: Make, loss: str) -> None:
    """As for fp16, whose gradients are a multiple of themselves until the update."""
    settings = ("optimizer = sgd(lr=0.1)", "clip = 0.5", "batch = 6", "accumulate = 5", f"loss = {loss}")
    plain, scaled = (make_trainer(*settings, network=PLAIN, loader=Cut(6, False)) for _ in range(2))
    scaled.state.scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    for trainer in (plain, scaled):
        trainer.step()
    torch.testing.assert_close(scaled.state.net.state_dict(), plain.state.net.state_dict())


class CutOthers:
    """The same images of another task in batches of any size: tags, mixed tags, or masks with pixels that are ignored,
    one batch of five of them as a whole."""

    def __init__(self, batch: int, task: str, mixed: bool = False) -> None:
        self.batch, self.batches, self.mixed = batch, 50 // batch, mixed
        self.task = bind(TASKS[task], ("a", "b", "c"), ignore=255 if task == "segmentation" else None)

    def training(self, epoch: int, index: int) -> tuple[Tensor, Tensor]:
        source = torch.Generator().manual_seed(epoch)
        images = torch.randn(50, 1, 4, 4, generator=source)
        if self.task.facts.per_pixel:
            labels = torch.randint(0, 3, (50, 4, 4), generator=source).clamp(max=(torch.arange(50) % 3)[:, None, None])
            labels[torch.rand(labels.shape, generator=source) < 0.3] = 255
            labels[5:10] = 255
            labels = labels.to(torch.uint8)
        else:
            labels = (torch.rand(50, 3, generator=source) < 0.4).float()
            labels = 0.6 * labels + 0.4 * labels.roll(1, 0) if self.mixed else labels
        own = slice(index * self.batch, (index + 1) * self.batch)
        return images[own], labels[own]

    def validation(self) -> Iterable[tuple[Tensor, Tensor]]:
        return [CutOthers(50, self.task.facts.name).training(99, 0)]


MAPS = "network Maps { input(1, 4x4); conv(4, bias=true) -> relu -> conv(3, 1x1, bias=true) }\n"
OF_OTHERS = [
    ("segmentation", MAPS, "cross_entropy"),
    ("segmentation", MAPS, "cross_entropy(weights=[0.1, 1, 9], smoothing=0.1)"),
    ("segmentation", MAPS, "dice"),
    ("segmentation", MAPS, "[cross_entropy, dice(weight=0.5)]"),
    ("segmentation", MAPS, "[cross_entropy(weights=[0.1, 1, 9]), dice(weight=0.5, reduction=sum)]"),
    ("multi-label", PLAIN, "binary_cross_entropy(weights=[0.1, 1, 9])"),
    ("multi-label", PLAIN, "[focal(gamma=1), binary_cross_entropy(weight=0.5)]"),
]


@pytest.mark.parametrize(("task", "network", "loss"), OF_OTHERS)
def test_accumulated_batches_of_other_tasks_are_one_large_one(
    make_trainer: Make, recorder: Any, task: str, network: str, loss: str
) -> None:
    def train(batch: int, accumulate: int) -> Trainer:
        sizes = (f"batch = {batch}", f"accumulate = {accumulate}", f"loss = {loss}")
        loader = CutOthers(batch, task, mixed=task == "multi-label")
        trainer = make_trainer(*REST, *sizes, network=network, loader=loader)
        trainer.run(recorder, Quiet(), Interrupt())
        assert trainer.state.step == 4
        return trainer

    wanted, trainer = train(25, 1), train(5, 5)
    for name, value in wanted.state.net.state_dict().items():
        torch.testing.assert_close(trainer.state.net.state_dict()[name], value, rtol=1e-5, atol=1e-7, msg=name)
    for one, other in zip(recorder.lines[:2], recorder.lines[2:], strict=True):
        for name in one:
            if name not in ("seconds", "images_per_second"):
                assert one[name] == pytest.approx(other[name], rel=1e-5), name
