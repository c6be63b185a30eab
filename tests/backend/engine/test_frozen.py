"""What is frozen stays as it is, bit for bit: weights, and the running statistics of norms."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from specc.backend.engine.assemble import assemble
from specc.backend.engine.trainer import Trainer
from specc.backend.execution.cuda_graph import Recorded
from specc.backend.interrupt import Interrupt
from specc.backend.progress import Quiet
from specc.backend.run.checkpoint import load_checkpoint, save_checkpoint
from tests.backend.engine.test_state import OPTIMIZERS

Make = Callable[..., Trainer]
NETWORK = """
block stem() { conv(4, bias=true) -> batch_norm -> relu -> conv(4) -> batch_norm(scale=false, shift=false) -> relu }
block body() { conv(4) -> batch_norm(scale=false) -> relu -> conv(4) -> batch_norm(shift=false) -> relu }
network Tiny { input(1, 4x4); stem -> body -> global_avg_pool -> dense(3) }
"""
NORMS = ("stem1.batch_norm1", "stem1.batch_norm2", "body1.batch_norm1", "body1.batch_norm2")
FROZEN = {
    "freeze = norms": NORMS,
    "freeze = stem": NORMS[:2],
    "freeze = [stem, body]": NORMS,
    "freeze = [stem1.batch_norm1.weight, stem1.batch_norm1.bias]": NORMS[:1],
    "freeze = stem1.batch_norm1.weight": (),
    "freeze = body1.batch_norm1.bias": NORMS[2:3],
    "freeze = stem1.batch_norm2": NORMS[1:2],
    "freeze = kernels": (),
}
REST = ("epochs = 2", "regularize = l2(1e-3)", "clip = 1")
AROUND = {
    "plain": (),
    "ema": ("ema = 0.9",),
    "lookahead": ("lookahead = lookahead(steps=4)",),
    "both": ("ema = 0.9", "lookahead = lookahead(steps=2)"),
    "accumulated": ("accumulate = 2", "loss = cross_entropy(weights=[1, 2, 3])"),
}


def listed(setting: str) -> str:
    """A selector alone as a list of one."""
    name, _, value = setting.partition(" = ")
    return setting if value.startswith("[") else f"{name} = [{value}]"


def fresh(make_trainer: Make, *settings: str) -> Trainer:
    """A training whose statistics differ from those that a norm starts with."""
    trainer = make_trainer(*settings, network=NETWORK)
    with torch.no_grad():
        for name, value in statistics(trainer).items():
            if value.is_floating_point():
                value.copy_(torch.linspace(0.3, 1.7, len(value)) * (-1.0 if "mean" in name else 1.0))
    return trainer


def statistics(trainer: Trainer) -> dict[str, Tensor]:
    """The running statistics of all norms."""
    weights = dict(trainer.state.net.named_parameters())
    return {name: value for name, value in trainer.state.net.state_dict().items() if name not in weights}


def frozen(trainer: Trainer, norms: tuple[str, ...]) -> dict[str, Tensor]:
    """Copies of all that must not change: what does not learn, and the norms' statistics."""
    net = trainer.state.net
    names = [name for name, weight in net.named_parameters() if not weight.requires_grad]
    names += [name for name in statistics(trainer) if name.rpartition(".")[0] in norms]
    return {name: net.state_dict()[name].clone() for name in names}


def assert_same(trainer: Trainer, before: dict[str, Tensor]) -> None:
    for values in (trainer.state.net.state_dict(), trainer.state.model()):
        for name, value in before.items():
            assert value.numpy().tobytes() == values[name].numpy().tobytes(), name


@pytest.mark.parametrize("setting", FROZEN)
def test_norms_of_which_everything_is_frozen_keep_their_statistics(make_trainer: Make, setting: str) -> None:
    """And the others move theirs."""
    trainer = fresh(make_trainer, listed(setting), *REST, "optimizer = adam(lr=0.1)")
    before, buffers = frozen(trainer, FROZEN[setting]), statistics(trainer)
    others = {name: value.clone() for name, value in buffers.items() if name not in before}
    trainer.step()
    assert_same(trainer, before)
    assert trainer.state.net.resting == FROZEN[setting]
    assert all(not torch.equal(value, buffers[name]) for name, value in others.items())


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_frozen_layers_do_not_change_by_one_bit(
    make_trainer: Make, recorder: Any, tmp_path: Any, optimizer: str, around: str
) -> None:
    """Under every optimizer and every mean, in evaluation between, and after a checkpoint."""
    settings = (f"optimizer = {optimizer}", "freeze = [stem, norms]", *REST, *AROUND[around])
    trainer = fresh(make_trainer, *settings)
    before = frozen(trainer, NORMS)
    trainer.run(recorder, Quiet(), Interrupt(), until=trainer.per_epoch + 1)
    assert_same(trainer, before)
    save_checkpoint(tmp_path, trainer.state)
    resumed, checkpoint = make_trainer(*settings, network=NETWORK), load_checkpoint(tmp_path)
    resumed.state.restore(checkpoint.tensors, checkpoint.scalars)
    resumed.run(recorder, Quiet(), Interrupt())
    assert resumed.finished()
    assert_same(resumed, before)


def test_frozen_norms_compute_with_their_statistics(make_trainer: Make) -> None:
    """The training's forward pass is that of evaluation, where nothing else differs."""
    net = fresh(make_trainer, "freeze = [norms]").state.net
    images = torch.randn(5, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    assert torch.equal(net.train()(images), net.eval()(images))
    assert not net.train().layers["stem1.batch_norm1"].training and net.layers["stem1.conv1"].training


def test_a_norm_that_stands_still_from_a_step_on_keeps_its_statistics_from_there(make_trainer: Make) -> None:
    settings = ("groups = [group(stem, until=1)]", "optimizer = sgd(lr=0.1)", "epochs = 2")
    trainer = fresh(make_trainer, *settings)
    start = {name: value.clone() for name, value in statistics(trainer).items()}
    for _ in range(trainer.per_epoch):
        trainer.step()
    before = {name: value.clone() for name, value in statistics(trainer).items()}
    assert all(not torch.equal(value, start[name]) for name, value in before.items())
    trainer.step()
    for name, value in statistics(trainer).items():
        assert torch.equal(value, before[name]) == name.startswith("stem"), name
    weights = [weight for name, weight in trainer.state.net.named_parameters() if name.startswith("stem")]
    assert not any(weight.requires_grad for weight in weights)


@pytest.mark.parametrize("how", ["recorded", "compiled"])
def test_steps_that_are_carried_out_otherwise_keep_them_too(make_trainer: Make, how: str) -> None:
    """Also where a norm rests from a step on: it is recorded, or compiled, anew."""
    settings = ("freeze = [body]", "groups = [group(stem, until=1)]", "optimizer = sgd(lr=0.1)", "epochs = 2")
    plain, other = fresh(make_trainer, *settings), fresh(make_trainer, *settings)
    if how == "recorded":
        other.launch = Recorded(other.compute, lambda work: (work(), lambda: None), print)
        records = other.launch
    else:
        other.compute.forward = torch.compile(other.state.net, backend="eager", dynamic=False)
    for _ in range(plain.per_epoch + 2):
        plain.step()
        other.step()
    before = frozen(other, NORMS)
    assert {name for name in before if "running_mean" in name} == {f"{name}.running_mean" for name in NORMS}
    for name, value in plain.state.net.state_dict().items():
        torch.testing.assert_close(other.state.net.state_dict()[name], value, msg=name)
    if how == "recorded":
        assert records._eager == 1  # it began anew when weights stood still
    other.step()
    assert_same(other, before)


def test_the_run_says_so(make_trainer: Make) -> None:
    trainer = make_trainer("freeze = [stem]", "groups = [group(body, until=1)]", network=NETWORK)
    _, notes = assemble(trainer.state.net, trainer.settings, trainer.loader, trainer.compute.precision)
    what = "frozen norms use their running statistics without updating them"
    assert f"{what}: stem1.batch_norm1, stem1.batch_norm2" in notes
    assert f"{what} from step 7 on: body1.batch_norm1, body1.batch_norm2" in notes
