"""Parts of the forward pass that are computed twice: less is held at once, and the same bits come out."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks

from specc.backend.build import Step
from specc.backend.engine.recompute import Recomputed, segments
from specc.backend.execution.apply import apply
from specc.backend.execution.plan import Plan
from specc.backend.execution.recompute import choose_recompute
from specc.backend.train.job import train
from specc.backend.train.prepare import Job, Request, prepare
from specc.backend.train.resume import resume
from specc.check import check
from specc.source import Source
from tests.helpers.ranked import bits_of

SPEC = """
data { source = digits; augment = shift(1) }
network Net {
  conv(8) -> batch_norm -> relu -> max_pool(2)
  residual { conv(8) -> batch_norm -> relu -> drop_path(20%) -> conv(8) -> batch_norm(scale=false) }
  relu -> dropout(20%)
  residual { conv(8) -> batch_norm -> relu -> gaussian_noise(0.1) }
  head(aux, weight=0.3) { global_avg_pool -> dense(10) }
  conv(8) -> spatial_dropout(10%) -> batch_norm -> relu
  global_avg_pool -> dense(10)
}
train { epochs = 1; batch = 64; optimizer = adam(lr=1e-2) }
"""
ALWAYS, NEVER = "train.plan=plan(recompute=always)", "train.plan=plan(recompute=never)"


def job(*sets: str) -> Job:
    checked = check(Source("net.cnn", SPEC), sets=list(sets))
    assert not checked.errors, checked.errors
    return prepare(Request(checked.trainable(), "cpu"))


def bits(trained: Job) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in trained.trainer.state.tensors().items()}


@pytest.mark.parametrize(
    "sets",
    [
        [],
        ["train.shards=4"],
        ["train.accumulate=2", "train.ema=0.9", "train.clip=1"],
        ["train.precision=bf16"],
        ["train.freeze=freeze(conv1, batch_norm1, until=2%)"],
        ["train.optimizer=sam(sgd(lr=0.1))"],
    ],
    ids=["plain", "shards", "accumulate", "bf16", "freeze", "sam"],
)
def test_three_steps_give_the_same_bits(sets: list[str]) -> None:
    """Weights, running statistics and their counters, the optimizer's state, losses and answers of each image."""
    once, twice = job(NEVER, *sets), job(ALWAYS, *sets)
    assert twice.plan.ends and not once.plan.ends
    for _ in range(3):
        once.trainer.step()
        twice.trainer.step()
    one, other = bits(once), bits(twice)
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
    assert int(one["model/batch_norm2.num_batches_tracked"]) == 3 * once.trainer.settings.accumulate


def held(trained: Job) -> int:
    """The bytes that the backward pass of a step needs of the forward pass, weights not counted."""
    net = trained.trainer.state.net.train()
    known = {value.untyped_storage().data_ptr() for value in net.state_dict().values()}
    storages: dict[int, int] = {}

    def pack(value: torch.Tensor) -> torch.Tensor:
        storage = value.untyped_storage()
        if storage.data_ptr() not in known:
            storages[storage.data_ptr()] = storage.nbytes()
        return value

    with saved_tensors_hooks(pack, lambda value: value):
        images, _ = trained.trainer.loader.training(0, 0)
        kept = net(images)
    del kept
    return sum(storages.values())


def test_less_is_held_for_the_backward_pass() -> None:
    assert held(job(ALWAYS)) < 0.6 * held(job(NEVER))


def test_it_is_chosen_where_a_batch_does_not_fit_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = "specc.backend.execution.recompute.room"
    assert "recompute" not in job().about["plan"]
    monkeypatch.setattr(rules, lambda device: 900_000)
    chosen = job()
    assert chosen.plan.ends and " segments of the forward pass" in chosen.about["plan"]["recompute"]["is"]
    because = chosen.about["plan"]["recompute"]["because"]
    assert because.startswith("900 kB are free: ") and "% of the forward pass once more" in because
    assert "recompute" not in job(NEVER).about["plan"]


def test_what_it_does_not_go_with_is_said() -> None:
    """A compiled step decides by itself, and a CUDA graph has no second draw of the same random numbers."""
    made = job(ALWAYS)
    plan: Plan = made.plan._replace(ends=(), recorded=True)
    chosen = choose_recompute(plan, made.request.spec, 64, made.dataset.task)
    assert chosen.ends and not chosen.recorded and chosen.reasons["launch"].startswith("parts of the forward pass")
    compiled = choose_recompute(plan._replace(compiled=True), made.request.spec, 64, made.dataset.task)
    assert compiled.recorded and compiled.as_dict()["recompute"] == {
        "is": "nothing",
        "because": "a compiled step decides by itself what to compute twice",
    }


def test_a_run_is_stopped_and_resumed_to_the_same_bits(tmp_path: Path) -> None:
    def run(name: str, setting: str, until: int | None = None) -> Path:
        checked = check(Source("net.cnn", SPEC), sets=[setting])
        stop = None if until is None else lambda per_epoch, total: until
        return train(checked, out=tmp_path / name, device="cpu", quiet=True, until=stop).path

    straight, stopped = run("straight", NEVER), run("stopped", ALWAYS, 5)
    resume(stopped, quiet=True)
    assert bits_of(stopped) == bits_of(straight)


def test_the_plan_is_applied_in_one_place() -> None:
    made = job(ALWAYS)
    net: Any = made.trainer.state.net
    assert isinstance(net.runner, Recomputed) and net.runner.ends == made.plan.ends and net.runner.draws
    plain = job(NEVER)
    apply(plain.plan, plain.trainer.state.net)
    assert not isinstance(plain.trainer.state.net.runner, Recomputed)


def test_segments_end_where_little_is_needed_behind() -> None:
    """A chain whose every third value is small: with it as the end of segments, two thirds less are held."""
    kept, live = [10] * 12, [10, 10, 1] * 4
    ends = segments(kept, live)
    assert ends and all(end % 3 == 0 for end in ends)
    assert segments([1, 1], [5, 5]) == () and segments([], []) == ()


def test_a_layer_with_statistics_moves_them_once() -> None:
    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mean = nn.Buffer(torch.zeros(1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out = x * (1 + self.mean)  # which depends on what it was before
            self.mean.add_(x.detach().mean())
            return out

    layer, weight = Counting(), torch.nn.Parameter(torch.ones(4))
    values = {0: weight * 2}
    Recomputed((1,), draws=False)((Step(layer, (0,), 1, (0,)), Step(nn.ReLU(), (1,), 2, (1,))), values)
    values[2].square().sum().backward()
    assert float(layer.mean) == 2 and weight.grad is not None and weight.grad.tolist() == 4 * [8.0]
