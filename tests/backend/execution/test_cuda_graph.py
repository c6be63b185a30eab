"""A step that is recorded and played back trains to the same bits, or is not used.

The CUDA graph itself needs a CUDA device. What stands around it, batches in fixed places, rates on the device, weights
that come to stand still, is tested on the CPU, with a record that does the same work anew.
"""

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from specc.backend import precision
from specc.backend.engine.trainer import Trainer
from specc.backend.execution.cuda_graph import EAGER, Recorded, Work
from specc.backend.execution.plan import make_plan
from specc.backend.train.job import train
from specc.backend.train.prepare import Request, prepare
from specc.check import check
from specc.source import Source

SPEC = """
data { source = digits; augment = shift(1) -> noise(0.05) }
network Net {
  conv(8) -> batch_norm -> relu -> max_pool(2)
  global_avg_pool -> dropout -> dense(10)
}
train { epochs = 1; batch = 64; seed = 3; schedule = warmup(2%) -> cosine }
"""
STEPS = 12
VARIANTS = {
    "sgd": ["train.optimizer=sgd(lr=0.1, momentum=0.9)"],
    "adam": ["train.optimizer=adam(lr=1e-3)"],
    "muon": ["train.optimizer=muon"],
    "until": ["train.optimizer=sgd(lr=0.1, momentum=0.9)", "train.groups=[group(conv1, until=30%)]"],
    "accumulate": ["train.accumulate=2", "train.regularize=l2(1e-3)", "train.clip=1"],
    "mean": ["train.ema=0.9"],
    "mixup": ["data.augment=mixup(1)"],
    "lookahead": ["train.lookahead=lookahead(steps=2)"],
    "sum": ["train.loss=cross_entropy(reduction=sum)"],
    "growing": ["data.progressive=progressive(from=4x4, until=40%, stages=2)"],
    "half an epoch": ["train.epochs=0.5"],
}


def is_recorded(*sets: str) -> bool:
    """Whether a step of this training is to become a CUDA graph."""
    spec = check(Source("net.cnn", SPEC), sets=list(sets)).trainable()
    return make_plan(spec.graph, spec.train, torch.device("cuda", 0)).recorded


@pytest.mark.parametrize("sets", VARIANTS.values(), ids=VARIANTS)
def test_these_are_recorded_on_cuda(sets: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "native_bf16", lambda device: True)
    assert is_recorded(*sets)
    assert not is_recorded(*sets, "train.plan=plan(launch=single)")


def trainer(*sets: str, device: str = "cpu") -> Trainer:
    checked = check(Source("net.cnn", SPEC), sets=list(sets))
    found = prepare(Request(checked.trainable(), device)).trainer
    found.state.net.train()
    return found


def after(steps: Trainer) -> dict[str, Tensor]:
    for _ in range(STEPS):
        steps.step()
    return steps.state.tensors()


def anew(work: Work):
    """A record without a graph: played back, the work is done once more, and its result put where it was."""
    result = torch.empty(0)

    def play() -> None:
        found = work()
        result.resize_(found.shape).copy_(found)

    return result, play


@pytest.mark.parametrize("sets", VARIANTS.values(), ids=VARIANTS)
def test_the_same_bits_come_out(sets: list[str]) -> None:
    plain, recorded = trainer(*sets), trainer(*sets)
    said: list[str] = []
    recorded.launch = Recorded(recorded.compute, anew, said.append)
    first, second = after(plain), after(recorded)
    assert first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)
    assert not said


def test_rates_on_the_device_are_the_same() -> None:
    plain, recorded = trainer(*VARIANTS["sgd"]), trainer(*VARIANTS["sgd"])
    for group in recorded.state.optimizers.groups:
        group["lr"] = torch.tensor(group["lr"])
    recorded.launch = Recorded(recorded.compute, anew, print)
    first, second = after(plain), after(recorded)
    for name in first:
        torch.testing.assert_close(first[name], second[name])


def test_a_record_that_gives_other_bits_is_not_used() -> None:
    def worse(work: Work):
        result, play = anew(work)

        def spoil() -> None:
            play()
            with torch.no_grad():
                next(iter(recorded.state.weights.values())).add_(1e-6)

        return result, spoil

    plain, recorded = trainer(), trainer()
    said: list[str] = []
    recorded.launch = Recorded(recorded.compute, worse, said.append)
    first, second = after(plain), after(recorded)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert said == ["steps are not recorded as a CUDA graph: replaying the graph does not give identical bits"]


def test_what_cannot_be_recorded_is_trained_without() -> None:
    steps: list[int] = []
    plain, recorded = trainer("train.optimizer=rmsprop"), trainer("train.optimizer=rmsprop")

    def never(work: Work):
        steps.append(recorded.state.step)
        raise RuntimeError("operation not permitted when stream is capturing\nand more")

    said: list[str] = []
    recorded.launch = Recorded(recorded.compute, never, said.append)
    first, second = after(plain), after(recorded)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert said == ["steps are not recorded as a CUDA graph: operation not permitted when stream is capturing"]
    assert steps == [EAGER]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("sets", VARIANTS.values(), ids=VARIANTS)
def test_a_cuda_graph_trains_to_the_same_bits(
    sets: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def weights(launch: str, shown: str) -> bytes:
        checked = check(Source("net.cnn", SPEC), sets=[*sets, f"train.plan=plan(launch={launch})"])
        run = train(checked, out=tmp_path / launch, device="cuda")
        plan = json.loads((run.path / "run.json").read_text())["plan"]
        assert plan["launch"]["is"] == shown
        return (run.path / "last.safetensors").read_bytes()

    assert weights("auto", "one CUDA graph per step") == weights("single", "one operation at a time")
    assert "not recorded" not in capsys.readouterr().err
