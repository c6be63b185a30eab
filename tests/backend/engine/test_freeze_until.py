"""`freeze(…, until=…)`: nothing moves before, everything learns afterwards, and no stop in between shows."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy

from specc.backend.engine.assemble import assemble
from specc.backend.engine.trainer import Trainer
from specc.backend.execution.cuda_graph import Recorded
from specc.backend.interrupt import Interrupt
from specc.backend.progress import Quiet
from specc.backend.run.checkpoint import load_checkpoint, save_checkpoint
from tests.backend.engine.test_frozen import fresh
from tests.backend.engine.test_state import OPTIMIZERS, differences, without_time

Make = Callable[..., Trainer]
NETWORK = """
block stem() { conv(4, bias=true) -> batch_norm -> relu -> conv(4) -> batch_norm(scale=false, shift=false) -> relu }
block body() { conv(4) -> batch_norm(scale=false) -> relu -> conv(4) -> batch_norm(shift=false) -> relu }
network Tiny { input(1, 4x4); stem -> body -> global_avg_pool -> dense(3) }
"""
FREEZE = "freeze = freeze(backbone, until=1)"
REST = ("epochs = 3", "regularize = l2(1e-3)", "clip = 1", "schedule = warmup(1) -> cosine")
BOUNDARY = 6
AROUND = {
    "plain": (),
    "averages": ("ema = 0.9", "lookahead = lookahead(steps=2)"),
    "accumulated": ("accumulate = 2",),
    "groups": ("groups = [group(stem, scale=0.1), group(body, optimizer=adamw(lr=0.01)), group(head, until=2)]",),
}


def steps(trainer: Trainer, count: int) -> None:
    trainer.state.net.train()
    for _ in range(count):
        trainer.step()


def backbone(trainer: Trainer) -> dict[str, torch.Tensor]:
    state = trainer.state.net.state_dict()
    return {name: value.clone() for name, value in state.items() if not name.startswith("dense")}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_it_is_one_training_with_the_backbone_frozen_and_then_another_one(make_trainer: Make, optimizer: str) -> None:
    """By hand: a training that freezes to its end, and one of everything that goes on from its step and its weights."""
    settings = (f"optimizer = {optimizer}", *REST)
    whole = fresh(make_trainer, "freeze = freeze(stem, until=1)", *settings)
    first = fresh(make_trainer, "freeze = [stem]", *settings)
    before = backbone(whole)
    steps(whole, BOUNDARY)
    steps(first, BOUNDARY)
    same = {name for name, value in backbone(whole).items() if torch.equal(value, before[name])}
    assert same == {name for name in before if name.startswith("stem")}
    assert not whole.state.thawed and differences(whole.state, first.state) == []
    second = make_trainer(*settings, network=NETWORK)
    second.state.net.load_state_dict(first.state.net.state_dict())
    second.state.step = BOUNDARY
    steps(whole, 8)
    steps(second, 8)
    assert whole.state.scalars()["thawed"] and differences(whole.state, second.state) == []
    moved = [name for name, value in backbone(whole).items() if not torch.equal(value, before[name])]
    assert moved == list(before)


def test_it_is_a_loop_written_by_hand(make_trainer: Make) -> None:
    """Momentum starts anew for all, weight decay leaves alone what is frozen, and the schedule runs through."""
    settings = ("epochs = 2", "optimizer = sgd(lr=0.1, momentum=0.9, weight_decay=0.1)", "schedule = linear(to=0)")
    trainer, other = fresh(make_trainer, FREEZE, *settings), fresh(make_trainer, *settings)
    net = other.state.net
    for step in range(12):
        learns = [(n, w) for n, w in net.named_parameters() if step >= BOUNDARY or n.startswith("dense")]
        if step in (0, BOUNDARY):
            decays = {n: 0.1 if w.ndim > 1 else 0.0 for n, w in learns}
            groups = [{"params": [w], "weight_decay": decays[n]} for n, w in learns]
            optimizer = torch.optim.SGD(groups, lr=0.1, momentum=0.9)
        net.train()
        if step < BOUNDARY:
            for norm in net.modules():
                if isinstance(norm, torch.nn.BatchNorm2d) or "Norm" in type(norm).__name__:
                    norm.eval()
        for group in optimizer.param_groups:
            group["lr"] = 0.1 * (1 - step / 12)
        images, labels = other.loader.training(step // 6, step % 6)
        net.zero_grad()
        cross_entropy(net(images), labels).backward()
        optimizer.step()
    steps(trainer, 12)
    torch.testing.assert_close(trainer.state.net.state_dict(), net.state_dict())


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("stop", [2, 5, 6, 7, 13])
def test_it_goes_on_from_any_step(make_trainer: Make, recorder: Any, tmp_path: Any, around: str, stop: int) -> None:
    """Before the boundary, at it, and after it: the same bits as without a stop."""
    settings = ("optimizer = muon(lr=0.02, others=adam(lr=0.01))", FREEZE, *REST, *AROUND[around])
    straight, stopped = (fresh(make_trainer, *settings) for _ in range(2))
    straight.run(recorder, Quiet(), Interrupt())
    before, rest = type(recorder)(), type(recorder)()
    stop = min(stop, straight.total - 1)
    stopped.run(before, Quiet(), Interrupt(), until=stop)
    assert stopped.state.step == stop and stopped.state.thawed == (stop > straight.per_epoch)
    save_checkpoint(tmp_path, stopped.state)
    resumed = make_trainer(*settings, network=NETWORK)
    _, tensors, scalars, _ = load_checkpoint(tmp_path)
    resumed.state.restore(tensors, scalars)
    resumed.run(rest, Quiet(), Interrupt())
    assert differences(straight.state, resumed.state) == []
    assert without_time(before.lines + rest.lines) == without_time(recorder.lines)


def test_a_state_that_forgets_its_phase_comes_to_another_end(make_trainer: Make) -> None:
    settings = ("optimizer = adam(lr=0.01)", FREEZE, *REST)
    straight, resumed = (fresh(make_trainer, *settings) for _ in range(2))
    steps(straight, 9)
    tensors, scalars = straight.state.tensors(), straight.state.scalars()
    resumed.state.restore(tensors, {**scalars, "thawed": False})
    steps(straight, 2)
    steps(resumed, 2)
    assert differences(straight.state, resumed.state)


@pytest.mark.parametrize("setting", ["ema = 0.9", "lookahead = lookahead(steps=4)"])
def test_averages_take_in_what_thaws_at_the_value_that_it_has(make_trainer: Make, setting: str) -> None:
    """Also running statistics. What was learning keeps its average."""
    trainer = fresh(make_trainer, FREEZE, setting, "epochs = 3", "optimizer = sgd(lr=0.1)")
    steps(trainer, BOUNDARY)
    kept = trainer.state.kept
    assert kept is not None and set(kept.values) == {"dense1.weight", "dense1.bias"}
    before, of_head = backbone(trainer), kept.values["dense1.weight"].clone()
    trainer.state.thaw()
    names = {name for name, value in trainer.state.net.state_dict().items() if value.is_floating_point()}
    assert set(kept.values) == set(kept.sources) == names
    assert torch.equal(kept.values["dense1.weight"], of_head)
    assert all(torch.equal(kept.values[name], value) for name, value in before.items() if name in kept.values)


@pytest.mark.parametrize("how", ["recorded", "compiled"])
def test_steps_are_recorded_and_compiled_anew(make_trainer: Make, how: str) -> None:
    settings = (FREEZE, "optimizer = adam(lr=0.01)", "epochs = 3")
    plain, other = (fresh(make_trainer, *settings) for _ in range(2))
    if how == "recorded":
        records = other.launch = Recorded(other.compute, lambda work: (work(), lambda: None), print)
    else:
        other.compute.forward = torch.compile(other.state.net, backend="aot_eager", dynamic=False)
    steps(plain, BOUNDARY + 2)
    steps(other, BOUNDARY + 2)
    torch.testing.assert_close(other.state.net.state_dict(), plain.state.net.state_dict())
    if how == "recorded":
        assert records._eager == 1


def test_no_gradient_is_worked_out_for_what_is_frozen(make_trainer: Make) -> None:
    trainer = fresh(make_trainer, FREEZE, "epochs = 3")
    images, labels = trainer.loader.training(0, 0)
    trainer.state.net.train()
    trainer.compute.backward(images, labels)
    learned = {name for name, weight in trainer.state.net.named_parameters() if weight.grad is not None}
    assert learned == {"dense1.weight", "dense1.bias"}


class Told(Quiet):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def say(self, text: str) -> None:
        self.notes.append(text)


@pytest.mark.parametrize(
    ("freeze", "note"),
    [
        ("freeze(backbone, until=1)", "frozen until epoch 1 (step 6): backbone: "),
        ("freeze(stem, until=50%)", "frozen until 50% of the training (step 9): stem: "),
        ("freeze(stem, body)", "frozen by stem, body: "),
        ("freeze(head, until=4)", "frozen until epoch 4, which is not before the end: head: "),
    ],
)
def test_the_run_says_so(make_trainer: Make, recorder: Any, freeze: str, note: str) -> None:
    trainer, told = make_trainer(f"freeze = {freeze}", "epochs = 3", network=NETWORK), Told()
    _, notes = assemble(trainer.state.net, trainer.settings, trainer.loader, trainer.compute.precision)
    assert any(one.startswith(note) for one in notes), notes
    trainer.run(recorder, told, Interrupt())
    thaws = "until" in freeze and "4" not in freeze
    assert [one.partition(":")[0].startswith("no longer frozen after step") for one in told.notes] == [True] * thaws
