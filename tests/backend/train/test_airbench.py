"""examples/cifar10_airbench94.cnn against a loop written from the paper's description, on a narrow network."""

from collections.abc import Iterable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from specc.backend.build import build
from specc.backend.engine.assemble import assemble
from specc.backend.engine.optimizers import param_rules
from specc.backend.engine.trainer import Trainer
from specc.backend.initialize import initialize
from specc.backend.precision import Precision
from specc.backend.progress import Quiet
from specc.backend.ranks import ALONE, Ranks
from specc.check import check
from specc.source import Source
from tests.helpers.losses import classes_of

EXAMPLE = Path(__file__).parents[3] / "examples" / "cifar10_airbench94.cnn"
EPOCHS, BATCHES = 4.75, 4  # the last epoch ends early


class Blobs:
    """Batches of 3 x 32 x 32 images whose color and stripes tell the class."""

    task = classes_of(10)
    batches = BATCHES

    def __init__(self, batch: int = 8) -> None:
        self.batch = batch

    def training(self, epoch: int, index: int, shard: int = 0) -> tuple[Tensor, Tensor]:
        source = torch.Generator().manual_seed(1000 * epoch + index)
        labels = torch.randint(0, 10, (self.batch,), generator=source)
        stripes = torch.sin(torch.arange(32) * (1 + labels[:, None, None, None] % 5) / 2)
        color = (labels[:, None] // 5 == torch.arange(3)).view(-1, 3, 1, 1)
        return torch.randn(self.batch, 3, 32, 32, generator=source) / 4 + stripes * (1 + color), labels

    def validation(self, ranks: Ranks = ALONE) -> Iterable[tuple[Tensor, Tensor]]:
        return [self.training(999, index) for index in range(2)]


class Nobody:
    """No Ctrl-C, and no run folder."""

    signal = None
    lines: list[dict[str, float]]

    def __init__(self) -> None:
        self.lines = []

    def epoch(self, state: object, line: dict[str, float]) -> None:
        self.lines.append(line)


def example(variant: str | None = None, *sets: str, batch: int = 8) -> Trainer:
    text = EXAMPLE.read_text(encoding="utf-8")
    sizes = ("network.width=2", f"train.epochs={EPOCHS}", *sets)
    checked = check(Source(EXAMPLE.name, text), variant=variant, sets=sizes)
    assert not checked.errors and checked.graph and checked.train, checked.errors
    net, loader = build(checked.graph), Blobs(batch)
    initialize(net, 0, lambda count: torch.cat([loader.training(0, index)[0] for index in range(BATCHES)])[:count])
    return assemble(net, checked.train, loader, Precision("fp32", "as asked"))[0]


def test_has_as_many_weights_as_published() -> None:
    graph = check(Source(EXAMPLE.name, EXAMPLE.read_text(encoding="utf-8"))).graph
    assert graph is not None
    convolutions = [(3, 24, 4), (24, 64, 9), (64, 64, 9), (64, 256, 9), *[(256, 256, 9)] * 3]
    norms = 2 * (64 + 256 + 256)  # shifts only
    assert graph.parameters == sum(a * b * k for a, b, k in convolutions) + 24 + norms + 256 * 10
    assert graph.parameters == pytest.approx(1.97e6, rel=1e-3)


def triangle(step: int, total: int) -> float:
    """From 0.2 up to 1 at 23%, and down to 0.07."""
    peak = 0.23 * total
    return 0.2 + 0.8 * step / peak if step < peak else 1 - 0.93 * (step - peak) / (total - peak)


def test_steps_as_the_paper_says() -> None:
    trainer, other = example(), example()
    net, total = other.state.net.train(), int(EPOCHS * BATCHES)
    norms = [p for name, p in net.named_parameters() if "norm" in name]
    rest = [p for name, p in net.named_parameters() if "norm" not in name and name != "conv1.weight"]
    scale = 1024 * (1 + 1 / 0.15)
    lr, decay = 11.5 / scale, 0.0153 * 1024 / scale
    groups = [
        {"params": norms, "lr": 64 * lr, "weight_decay": decay / (64 * lr)},
        {"params": rest, "lr": lr, "weight_decay": decay / lr},
    ]
    optimizer = torch.optim.SGD(groups, momentum=0.85, nesterov=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: triangle(step, total))
    mean: dict[str, Tensor] = {}
    loss = nn.CrossEntropyLoss(label_smoothing=0.2, reduction="sum")
    for step in range(total):
        net.get_parameter("conv1.bias").requires_grad_(step // BATCHES < 3)
        images, labels = other.loader.training(step // BATCHES, step % BATCHES)
        optimizer.zero_grad()
        loss(net(images), labels).backward()
        optimizer.step()
        schedule.step()
        values = {name: value for name, value in net.state_dict().items() if value.is_floating_point()}
        if (step + 1) // BATCHES >= 3 and (step + 1) % 5 == 0:
            for name, value in values.items():
                if name in mean:
                    mean[name].lerp_(value, 1 - 0.95**5 * ((step + 1) / total) ** 3)
                    value.copy_(mean[name])
            mean = mean or {name: value.clone() for name, value in values.items()}
        ends = (step + 1) % BATCHES == 0 or step + 1 == total
        if ends:
            for name, value in mean.items():
                values[name].copy_(value)
        trainer.step()
        if ends:
            trainer._end_epoch(Nobody(), Quiet())  # type: ignore[arg-type]
    assert torch.equal(net.get_parameter("conv1.weight"), trainer.state.net.get_parameter("conv1.weight"))
    torch.testing.assert_close(trainer.state.net.state_dict(), net.state_dict(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(trainer.state.model(), net.state_dict(), rtol=1e-4, atol=1e-5)


def test_how_the_muon_form_learns() -> None:
    trainer = example("muon")
    found = param_rules(trainer.state.net.graph, trainer.settings, trainer.state.weights)
    assert {(rule.optimizer, rule.lr, round(rule.lr * rule.decay, 9), rule.until) for rule in found.values()} == {
        ("sgd", 0.053, 0.004, 3.0),  # the whitening bias
        ("sgd", 0.053, 0.004, None),  # shifts of norms
        ("sgd", 0.67, 0.004, None),  # the head
        ("muon", 0.24, 0.0, None),
    }
    moved = [name for name, rule in found.items() if rule.optimizer == "muon"]
    assert moved == [f"unit{i}.conv{j}.weight" for i in (1, 2, 3) for j in (1, 2)]


@pytest.mark.parametrize("variant", [None, "muon"])
def test_learns(variant: str | None) -> None:
    trainer, kept = example(variant, "train.epochs=8", "network.width=4", batch=64), Nobody()
    trainer.run(kept, Quiet(), kept)  # type: ignore[arg-type]
    losses = [line["val_loss"] for line in kept.lines]
    assert len(losses) == 8
    assert losses[-1] < losses[0] - 0.05
    assert kept.lines[-1]["val_accuracy"] > 0.2, kept.lines[-1]  # of ten classes; 128 images
