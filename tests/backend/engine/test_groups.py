"""Groups of weights: each with its own rate, decay, optimizer and schedule, against a loop written by hand."""

from collections.abc import Callable

import pytest
import torch
from torch.nn.functional import cross_entropy

from specc.backend.engine.assemble import assemble
from specc.backend.engine.optimizers import ParamRule, param_rules
from specc.backend.engine.trainer import Trainer
from specc.backend.precision import Precision

Make = Callable[..., Trainer]

PLAIN = """
block stem(c) { conv(c) -> batch_norm -> relu }
network Plain { input(1, 4x4); stem(4) -> conv(4) -> flatten -> dense(3) }
"""
GROUPS = """groups = [
  group(norms.bias, "dense1.bias", lr=0.05, weight_decay=0.2)
, group(stem, scale=0.1, schedule=linear(to=0), until=1)
, group(conv1, optimizer=adamw(lr=0.01, weight_decay=0.3), schedule=constant)
]"""


def found(make_trainer: Make, *settings: str, network: str = PLAIN) -> dict[str, ParamRule]:
    trainer = make_trainer(*settings, network=network)
    return param_rules(trainer.state.net.graph, trainer.settings, trainer.state.weights)


def test_the_first_group_that_picks_a_weight_has_it(make_trainer: Make) -> None:
    by = found(make_trainer, "optimizer = sgd(lr=0.1, momentum=0.9, weight_decay=0.5)", GROUPS)
    shown = {name: (rule.optimizer, round(rule.lr, 9), rule.decay, rule.until) for name, rule in by.items()}
    assert shown == {
        "stem1.conv1.weight": ("sgd", 0.01, 0.5, 1.0),
        "stem1.batch_norm1.weight": ("sgd", 0.01, 0.0, 1.0),
        "stem1.batch_norm1.bias": ("sgd", 0.05, 0.2, None),
        "conv1.weight": ("adamw", 0.01, 0.3, None),
        "conv1.bias": ("adamw", 0.01, 0.0, None),
        "dense1.weight": ("sgd", 0.1, 0.5, None),
        "dense1.bias": ("sgd", 0.05, 0.2, None),
    }


def test_what_muon_leaves_to_others_has_the_rate_of_the_group(make_trainer: Make) -> None:
    by = found(make_trainer, "optimizer = muon(lr=0.1)", "groups = [group(norms, lr=0.5), group(biases, scale=0.5)]")
    assert (by["stem1.batch_norm1.bias"].optimizer, by["stem1.batch_norm1.bias"].lr) == ("adamw", 0.5)
    assert (by["dense1.bias"].optimizer, by["dense1.bias"].lr) == ("adamw", 0.5 * 3e-4)
    assert (by["conv1.weight"].optimizer, by["dense1.weight"].optimizer) == ("muon", "adamw")


def test_steps_as_a_loop_with_two_optimizers(make_trainer: Make) -> None:
    """Rates, decays, schedules and the end of a group's learning, over two epochs of six steps."""
    settings = (
        "epochs = 2",
        "optimizer = sgd(lr=0.1, momentum=0.9, weight_decay=0.5)",
        "schedule = linear(to=0)",
        GROUPS,
    )
    trainer, other = make_trainer(*settings, network=PLAIN), make_trainer(*settings, network=PLAIN)
    net = other.state.net.train()
    at = dict(net.named_parameters())
    stem = [at["stem1.conv1.weight"]], [at["stem1.batch_norm1.weight"]]
    first = torch.optim.SGD(
        [
            {"params": stem[0], "lr": 0.01, "weight_decay": 0.5},
            {"params": stem[1], "lr": 0.01, "weight_decay": 0},
            {"params": [at["stem1.batch_norm1.bias"], at["dense1.bias"]], "lr": 0.05, "weight_decay": 0.2},
            {"params": [at["dense1.weight"]], "lr": 0.1, "weight_decay": 0.5},
        ],
        momentum=0.9,
    )
    second = torch.optim.AdamW(
        [{"params": [at["conv1.weight"]], "weight_decay": 0.3}, {"params": [at["conv1.bias"]], "weight_decay": 0}],
        lr=0.01,
    )
    rates = [group["lr"] for group in first.param_groups]
    for step in range(12):
        trainer.step()
        for group, rate in zip(first.param_groups, rates, strict=True):
            group["lr"] = rate * (1 - step / 12)
        if step == 6:
            for weight in (*stem[0], *stem[1]):
                weight.requires_grad_(False)
        images, labels = other.loader.training(step // 6, step % 6)
        cross_entropy(net(images), labels).backward()
        for optimizer in (first, second):
            optimizer.step()
            optimizer.zero_grad()
    torch.testing.assert_close(trainer.state.net.state_dict(), net.state_dict())


def test_a_training_goes_on_when_all_stands_still(make_trainer: Make) -> None:
    trainer = make_trainer(
        "epochs = 2", "regularize = l2(0.1)", "clip = 1", "groups = [group(kernels, biases, norms, until=50%)]"
    )
    for _ in range(trainer.total // 2):
        trainer.step()
    before = {name: weight.clone() for name, weight in trainer.state.weights.items()}
    for _ in range(3):
        trainer.step()
    assert all(torch.equal(weight, trainer.state.weights[name]) for name, weight in before.items())


def test_what_each_trick_applied_to_is_said(make_trainer: Make) -> None:
    trainer = make_trainer(
        "optimizer = sgd(lr=0.1, weight_decay=0.5)",
        "schedule = linear(to=0)",
        "freeze = [conv1.bias, dense1.weight]",
        "groups = [group(norms, lr=0.05), group(stem, scale=0.1, schedule=constant, until=1)]",
        "ema = 0.9",
        "lookahead = lookahead(steps=6)",
        "evaluate = tta(flip)",
        network=PLAIN,
    )
    _, notes = assemble(trainer.state.net, trainer.settings, trainer.loader, Precision("fp32", "as asked"))
    assert notes == [
        "frozen by conv1.bias, dense1.weight: 1 bias and 1 kernel, 196 weights",
        "group(stem): 1 kernel, 36 weights: sgd, lr 0.01, weight_decay 0.5, until epoch 1; constant",
        "group(norms): 2 norm tensors, 8 weights: sgd, lr 0.05",
        "the rest: 1 kernel and 1 bias, 147 weights: sgd, lr 0.1, weight_decay 0.5 (on 1 tensor)",
        "ema 0.9: 5 weight tensors and 2 running statistics; these averages are evaluated, saved and exported",
        "lookahead(steps=6): 5 weight tensors and 2 running statistics",
        "validation with tta(flip); the exported file uses a single view of each image",
    ]


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("accumulate", [1, 2])
def test_the_gradient_of_a_summed_loss(make_trainer: Make, reduction: str, accumulate: int) -> None:
    """The sum over all images of a step; the mean over them otherwise. What is reported is the mean either way."""
    network = "network Plain { input(1, 4x4); flatten -> dense(3) }\n"
    trainer = make_trainer(
        f"loss = cross_entropy(smoothing=0.2, reduction={reduction})",
        f"accumulate = {accumulate}",
        "optimizer = sgd(lr=0.1)",
        network=network,
    )
    weight, net = trainer.state.net.get_parameter("dense1.weight"), trainer.state.net
    before = weight.detach().clone()
    batches = [trainer.loader.training(0, index) for index in range(accumulate)]
    images, labels = (torch.cat(parts) for parts in zip(*batches, strict=True))
    loss = cross_entropy(net(images), labels, label_smoothing=0.2, reduction=reduction)
    (gradient,) = torch.autograd.grad(loss, [weight])
    trainer.step()
    torch.testing.assert_close(before - weight.detach(), 0.1 * gradient)
    expected = [
        float(cross_entropy(images.flatten(1) @ before.T, labels, label_smoothing=0.2)) for images, labels in batches
    ]
    total, weight = trainer.state.table[:2]
    torch.testing.assert_close(total[:accumulate] / weight[:accumulate], torch.tensor(expected))


def test_the_backbone_learns_at_a_tenth_of_the_rate(make_trainer: Make) -> None:
    settings = ("optimizer = sgd(lr=0.5)", "groups = [group(backbone, scale=0.1)]")
    rates = {name: (rule.by, rule.lr) for name, rule in found(make_trainer, *settings).items()}
    head = {"dense1.weight", "dense1.bias"}
    assert {name for name, how in rates.items() if how == ("train", 0.5)} == head
    assert all(how == ("group(backbone)", 0.05) for name, how in rates.items() if name not in head)
