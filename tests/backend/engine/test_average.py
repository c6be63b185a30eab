"""Lookahead against the loops of its two papers, and test-time views against their definition."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad

from specc.backend.engine.average import Average, Lookahead
from specc.backend.engine.trainer import Trainer
from specc.backend.evaluation.evaluate import evaluate
from specc.backend.evaluation.views import views
from specc.backend.interrupt import Interrupt
from specc.backend.precision import Precision
from specc.backend.progress import Quiet
from specc.values import Args
from tests.helpers.losses import classes_of
from tests.helpers.losses import cross_entropy as plain


class Walk(nn.Module):
    """A weight that goes its own way, a step at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(3))
        self.register_buffer("count", torch.tensor(0))  # an integer is no part of a mean

    def move(self, step: int) -> None:
        self.weight.data += torch.tensor([1.0, -2.0, 0.5]) * step


def given(**values: Any) -> Args:
    return Args(**{"steps": 3, "alpha": 0.5, "power": 0.0, "start": 0.0, "rewind": False, **values})


def test_zhang_and_others() -> None:
    """Algorithm 1 of the paper: phi <- phi + alpha (theta - phi) every k steps, and theta <- phi."""
    net, fast = Walk(), torch.zeros(3)
    slow = fast.clone()
    lookahead = Lookahead(net, given(alpha=0.3), start=0, total=10)
    for step in range(1, 11):
        net.move(step)
        lookahead.update(step)
        fast = fast + torch.tensor([1.0, -2.0, 0.5]) * step
        if step % 3 == 0:
            slow = slow + 0.3 * (fast - slow)
            fast = slow.clone()
        torch.testing.assert_close(net.weight.detach(), fast)
        torch.testing.assert_close(lookahead.values["weight"], slow)
    assert set(lookahead.values) == {"weight"}


def test_slow_weights_that_have_not_begun_change_nothing() -> None:
    net = Walk()
    lookahead = Lookahead(net, given(rewind=True), start=12, total=40)
    net.move(1)
    lookahead.bring_back()
    lookahead.swap()
    assert net.weight.tolist() == [1.0, -2.0, 0.5]


def test_jordan() -> None:
    """As airbench94: a mean whose decay rises with the cube of the share that is done, from a certain step on."""
    net, fast, mean = Walk(), torch.zeros(3), None
    lookahead = Lookahead(net, given(steps=5, alpha=1 - 0.95**5, power=3.0), start=12, total=40)
    for step in range(1, 41):
        net.move(step)
        lookahead.update(step)
        fast = fast + torch.tensor([1.0, -2.0, 0.5]) * step
        if step >= 12 and step % 5 == 0:
            if mean is None:
                mean = fast.clone()
            else:
                mean = mean.lerp(fast, 1 - 0.95**5 * (step / 40) ** 3)
                fast = mean.clone()
        torch.testing.assert_close(net.weight.detach(), fast)
        assert bool(lookahead.values) == (mean is not None)


@pytest.mark.parametrize("rewind", ["true", "false"])
def test_the_slow_weights_are_evaluated_and_kept(
    make_trainer: Callable[..., Trainer], recorder: Any, rewind: str
) -> None:
    """Six steps an epoch, meetings every four: the epoch ends two steps after one."""
    trainer = make_trainer("epochs = 1", f"lookahead = lookahead(steps=4, rewind={rewind})", "optimizer = sgd(lr=0.5)")
    other = make_trainer("epochs = 1", "lookahead = lookahead(steps=4)", "optimizer = sgd(lr=0.5)")
    for _ in range(6):
        other.step()
    slow, fast = other.state.lookahead, {k: v.clone() for k, v in other.state.net.state_dict().items()}
    assert slow is not None
    assert not torch.equal(slow.values["conv1.weight"], fast["conv1.weight"])
    trainer.run(recorder, Quiet(), Interrupt())
    kept, now = trainer.state.model(), trainer.state.net.state_dict()
    assert torch.equal(kept["conv1.weight"], slow.values["conv1.weight"])
    assert torch.equal(kept["batch_norm1.running_mean"], slow.values["batch_norm1.running_mean"])
    assert torch.equal(now["conv1.weight"], slow.values["conv1.weight"] if rewind == "true" else fast["conv1.weight"])
    other.state.net.load_state_dict(kept)
    found = evaluate(other.state.net, other.loader.validation(), classes_of(3), plain(3), Precision("fp32", "exact"))
    assert recorder.lines[0]["val_loss"] == pytest.approx(found.loss, rel=1e-5)


def test_the_decay_of_a_running_mean_rises() -> None:
    net = Walk()
    average = Average(net, 0.5)
    expected = torch.zeros(3)
    for step in range(1, 20):
        net.move(step)
        average.update(step)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * net.weight.detach()
    torch.testing.assert_close(average.values["weight"], expected)


def images() -> Tensor:
    return torch.randn(5, 2, 6, 7, generator=torch.Generator().manual_seed(0))


def test_views_of_airbench() -> None:
    """Level 2 of airbench94: half the image and its mirror, half the mean of two shifted ones and their mirrors."""
    x = images()

    def net(x: Tensor) -> Tensor:
        return (x * torch.arange(x[0].numel()).view(x[0].shape)).sum((1, 2, 3))

    def mirrored(x: Tensor) -> Tensor:
        return 0.5 * net(x) + 0.5 * net(x.flip(-1))

    padded = pad(x, (1, 1, 1, 1), "reflect")
    moved = [mirrored(padded[:, :, 0:6, 0:7]), mirrored(padded[:, :, 2:8, 2:9])]
    expected = 0.5 * mirrored(x) + 0.5 * torch.stack(moved).mean(0)
    found = views(x, Args(mirror="flip", shift=1, weight=0.5))
    torch.testing.assert_close(sum(view.weight * net(view.images) for view in found), expected)
    assert torch.equal(found[0].images, x)


@pytest.mark.parametrize(
    ("mirror", "shift", "weight", "count"), [("flip", 0, 0.5, 2), (None, 2, 0.5, 3), ("flip", 2, 0.3, 6)]
)
def test_weights_of_views_sum_to_one(mirror: str | None, shift: int, weight: float, count: int) -> None:
    found = views(images(), Args(mirror=mirror, shift=shift, weight=weight))
    assert len(found) == count
    assert sum(view.weight for view in found) == pytest.approx(1)
    assert all(view.images.shape == found[0].images.shape for view in found)
    assert sum(view.weight for view in found if torch.equal(view.images, found[0].images)) == pytest.approx(
        ((1 - weight) if shift else 1) / (2 if mirror else 1)
    )


def test_evaluation_in_views() -> None:
    """Logits are averaged; the accuracy of the images as they are is given beside."""
    x, labels = images(), torch.tensor([0, 1, 0, 1, 1])
    net = nn.Sequential(nn.Flatten(), nn.Linear(84, 2)).eval()
    tta = Args(mirror="flip", shift=1, weight=0.4)
    batches = [(x[:2], labels[:2]), (x[2:], labels[2:])]
    found = evaluate(net, batches, classes_of(2), plain(2), Precision("fp32", "exact"), tta)
    with torch.no_grad():
        logits = sum(view.weight * net(view.images) for view in views(x, tta))
    assert isinstance(logits, Tensor)
    assert found.loss == pytest.approx(float(cross_entropy(logits, labels)), rel=1e-5)
    assert found.figure("accuracy") == pytest.approx(float((logits.argmax(1) == labels).float().mean()))
    assert found.one_view["accuracy"] == pytest.approx(float((net(x).argmax(1) == labels).float().mean()))
