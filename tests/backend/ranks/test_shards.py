"""What shards change of a step, and what they leave as it is."""

from collections.abc import Iterable
from typing import Any

import pytest
import torch
from torch import Tensor

from specc.backend.data.batches import Cut, TrainingBatches
from specc.backend.data.dataset import load
from specc.backend.data.loader import check_fit
from specc.backend.data.split import Resident
from specc.backend.data.subset import subset_of
from specc.backend.engine.trainer import Trainer
from specc.backend.memory import needed, per_device
from specc.backend.ranks import ALONE, Ranks, join
from specc.backend.train.prepare import Request, prepare
from specc.check import Checked, check
from specc.errors import SpeccError
from specc.source import Source
from tests.helpers.losses import classes_of
from tests.helpers.tiny_training import make_trainer

CPU = torch.device("cpu")
PLAIN = "network Plain { input(1, 4x4); conv(4, bias=true) -> relu -> global_avg_pool -> dense(3) }\n"
NORM = "network Norm { input(1, 4x4); conv(4) -> batch_norm -> relu -> global_avg_pool -> dense(3) }\n"
NOISE = "network Noise { input(1, 4x4); conv(4) -> dropout(50%) -> global_avg_pool -> dense(3) }\n"
BATCH = 24


class Shards:
    """Batches of 24 images, and their shards. alike: all images of a batch are the same."""

    task = classes_of(3)
    batch, batches = BATCH, 4

    def __init__(self, shards: int, *, alike: bool = False) -> None:
        self.part, self.alike = BATCH // shards, alike

    def training(self, epoch: int, index: int, shard: int = 0) -> tuple[Tensor, Tensor]:
        source = torch.Generator().manual_seed(1000 * epoch + index)
        labels = torch.randint(0, 3, (BATCH,), generator=source).sort().values  # shards weigh differently
        images = torch.randn(BATCH, 1, 4, 4, generator=source) + labels.view(-1, 1, 1, 1)
        if self.alike:
            images, labels = images[:1].expand_as(images), labels[:1].expand_as(labels)
        own = slice(shard * self.part, (shard + 1) * self.part)
        return images[own], labels[own]

    def validation(self, ranks: Ranks = ALONE) -> Iterable[tuple[Tensor, Tensor]]:
        return [self.training(999, 0)]


def stepped(shards: int, *settings: str, network: str = PLAIN, alike: bool = False) -> Trainer:
    """A training with so many shards after a step; each time from the same weights."""
    trainer = make_trainer(
        *settings, f"shards = {shards}", f"batch = {BATCH}", network=network, loader=Shards(shards, alike=alike)
    )
    trainer.step()
    return trainer


def weights(trainer: Trainer) -> Tensor:
    return torch.cat([weight.detach().flatten() for weight in trainer.state.weights.values()])


@pytest.mark.parametrize("shards", [2, 3, 8, 12, 24])
@pytest.mark.parametrize(
    "settings",
    [
        ("accumulate = 1",),
        ("accumulate = 2", "clip = 0.5", "regularize = l2(1e-2)"),
        ("loss = cross_entropy(weights=[0.1, 1, 9])",),
        ("loss = cross_entropy(weights=[0.1, 1, 9], smoothing=0.1)", "accumulate = 2"),
        ("loss = cross_entropy(reduction=sum)", "clip = 1"),
    ],
)
def test_the_gradient_is_that_of_the_mean_over_the_whole_batch(shards: int, settings: tuple[str, ...]) -> None:
    rest = ("optimizer = sgd(lr=0.1)", *settings)
    assert torch.allclose(weights(stepped(shards, *rest)), weights(stepped(1, *rest)), rtol=1e-5, atol=1e-6)


def test_batch_norm_sees_a_shard_and_its_running_statistics_are_the_mean() -> None:
    trainer, whole = stepped(4, network=NORM), stepped(1, network=NORM)
    layer, norm = trainer.state.net.layers["conv1"], trainer.state.net.layers["batch_norm1"]
    one: Any = whole.state.net.layers["batch_norm1"]
    assert torch.allclose(norm.get_buffer("running_mean"), one.running_mean, atol=1e-6)  # the mean of equal parts
    assert not torch.allclose(norm.get_buffer("running_var"), one.running_var, atol=1e-4)
    assert norm.get_buffer("num_batches_tracked") == 1
    fresh = make_trainer("batch = 24", network=NORM, loader=Shards(4))
    convolution = fresh.state.net.layers["conv1"]
    assert type(convolution) is type(layer)
    with torch.no_grad():
        variances = [convolution(Shards(4).training(0, 0, shard)[0]).var((0, 2, 3)) for shard in range(4)]
    expected = 0.9 + 0.1 * torch.stack(variances).mean(0)
    assert torch.allclose(norm.get_buffer("running_var"), expected, rtol=1e-5)


def test_what_rests_keeps_its_running_statistics_bit_for_bit() -> None:
    trainer = stepped(12, "freeze = norms", network=NORM)
    norm = trainer.state.net.layers["batch_norm1"]
    norm.get_buffer("running_mean").fill_(0.1)
    trainer.step()
    assert (norm.get_buffer("running_mean") == 0.1).all()


def test_each_shard_draws_for_itself() -> None:
    trainer = make_trainer(f"batch = {BATCH}", "shards = 3", network=NOISE, loader=Shards(3, alike=True))
    answers = list[Tensor]()
    trainer.state.net.register_forward_hook(lambda net, given, answer: answers.append(answer.detach()))
    trainer.step()
    trainer.step()
    assert len({answer.numpy().tobytes() for answer in answers}) == 6


def test_a_shard_is_asked_for_in_all_batches_of_a_step_before_the_next_one() -> None:
    split = Resident(torch.arange(60, dtype=torch.uint8).view(60, 1, 1, 1), torch.zeros(60, dtype=torch.int64))
    whole = TrainingBatches(split, 12, 0, CPU)
    for mine in (range(6), range(2, 4)):
        batches = TrainingBatches(split, 12, 0, CPU, None, Cut(6, mine, 2))
        for first in (0, 2):
            for shard in mine:
                for number in (first, first + 1):
                    part = batches.at(1, number, shard)
                    assert torch.equal(part.numbers, whole.at(1, number).numbers[2 * shard : 2 * shard + 2])
                    assert torch.equal(part.images.flatten().long(), part.numbers)


def spec(train: str, network: str = "flatten -> dense(10)", augment: str = "none") -> Checked:
    data = f"data {{ source = digits; augment = {augment} }}"
    return check(Source("net.cnn", f"{data}\nnetwork Net {{ {network} }}\ntrain {{ {train} }}\n"))


@pytest.mark.parametrize(
    ("checked", "code", "help"),
    [
        (spec("batch = 100; shards = 12"), "E500", "set batch = 96 or 108, or shards = 10 or 20"),
        (spec("batch = 8; shards = 12"), "E500", "set batch = 12, or shards = 8"),
        (
            spec("batch = 12; shards = 12", augment="choose { | flip -> mixup | cutmix }"),
            "E501",
            "batch = 24, or shards = 6",
        ),
        (spec("batch = 12; shards = 12", "flatten -> batch_norm -> dense(10)"), "E316", "batch = 24, or shards = 6"),
    ],
)
def test_what_does_not_divide_is_an_error_with_numbers_that_do(checked: Checked, code: str, help: str) -> None:
    (error,) = checked.errors
    assert error.code == code and help in error.help


@pytest.mark.parametrize(
    ("checked", "images", "code"),
    [
        (spec("batch = 96; shards = 12"), 11, "E500"),
        (spec("batch = 96; shards = 12", augment="cutmix"), 20, "E501"),
        (spec("batch = 96; shards = 12", "flatten -> batch_norm -> dense(10)"), 20, "E316"),
    ],
)
def test_a_set_that_is_too_small_for_the_shards_is_refused(checked: Checked, images: int, code: str) -> None:
    trainable = checked.trainable()
    dataset = load(trainable.data)
    with pytest.raises(SpeccError) as caught:
        check_fit(trainable, subset_of(dataset, images))
    assert caught.value.code == code and "train.shards" in caught.value.help


@pytest.mark.parametrize(
    ("shards", "world", "help"), [(12, 5, "start 1, 2, 3, 4, 6 or 12 processes"), (1, 3, "shards = 3")]
)
def test_the_number_of_processes_divides_the_shards(shards: int, world: int, help: str) -> None:
    request = Request(spec(f"batch = 96; shards = {shards}").trainable(), "cpu", ranks=Ranks(0, world, 0, world))
    with pytest.raises(SpeccError) as caught:
        prepare(request)
    assert caught.value.code == "E502" and help in caught.value.help


def test_an_environment_that_is_not_whole_is_refused() -> None:
    told = {"RANK": "1", "WORLD_SIZE": "3", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "3", "MASTER_ADDR": "localhost"}
    for environment in (told, {**told, "MASTER_PORT": "1", "RANK": "3"}, {**told, "RANK": "first"}):
        with pytest.raises(SpeccError) as caught:
            join("cpu", environment=environment)
        assert caught.value.code == "E505"
    assert join("cpu", environment={}).is_alone


def test_what_a_device_takes_is_estimated() -> None:
    trainable = spec("batch = 96; shards = 12", "conv(16) -> batch_norm -> relu -> flatten -> dense(10)").trainable()
    one, three = per_device(trainable, 1), per_device(trainable, 3)
    moved = 4 * (trainable.graph.parameters + 2 * 16)
    assert (one.sent, one.shards, one.images, one.memory) == (0, 12, 96, needed(trainable, 96))
    assert three.plain == pytest.approx(4 / 3 * moved, abs=1) and three.sent == pytest.approx(10 / 3 * moved, abs=1)
    whole = spec("batch = 96", "conv(16) -> batch_norm -> relu -> flatten -> dense(10)").trainable()
    assert one.memory < needed(whole, 96)  # a shard's activations are held at once, not a batch's
