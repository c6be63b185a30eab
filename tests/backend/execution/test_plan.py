"""How a training is carried out: what is chosen, what the spec may say, and that it changes nothing else."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from specc.backend.build import build
from specc.backend.device import SMALL_BATCH
from specc.backend.execution.apply import apply, set_up
from specc.backend.execution.plan import make_plan
from specc.backend.train.job import train
from specc.backend.train.prepare import Request, prepare
from specc.check import Checked, check
from specc.source import Source

SPEC = """
data { source = digits }
network Net(width=4) {
  conv(width) -> relu -> max_pool(2)
  conv(width) -> batch_norm -> relu -> max_pool(2)
  flatten -> dense(10)
}
train { epochs = 1; batch = 64; seed = 3 }
"""


def checked(*sets: str) -> Checked:
    found = check(Source("net.cnn", SPEC), sets=list(sets))
    assert not found.errors
    return found


def plan(*sets: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = prepare(Request(checked(*sets).trainable(), "cpu")).about["plan"]
    assert all(choice["because"] for choice in found.values())
    return found


def test_a_small_network_takes_one_thread_and_fp32() -> None:
    found = plan()
    assert found["threads"]["is"] == "1" and found["precision"]["is"] == "fp32"
    assert found["step"]["is"] == "eager" and found["optimizer"]["is"] == "fused"
    assert found["order"]["is"] == "max_pool before relu, 2x"


def test_a_larger_one_takes_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specc.backend.device.all_threads", lambda: 2)
    monkeypatch.setattr("specc.backend.precision.native_bf16", lambda device: True)
    wide = checked("network.width=128")
    assert wide.graph is not None and wide.graph.total_macs * 64 > SMALL_BATCH
    found = plan("network.width=128")
    assert found["threads"]["is"] == "2" and found["precision"]["is"] == "bf16"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch.compile's own imports
def test_the_spec_may_say_it() -> None:
    found = plan("train.plan=plan(threads=2, step=compiled)", "train.precision=bf16", "train.optimizer=rmsprop")
    assert {found[what]["is"] for what in ("threads", "step", "precision")} == {"2", "compiled", "bf16"}
    assert {found[what]["because"] for what in ("threads", "step", "precision")} == {"set in the spec"}
    assert found["optimizer"]["is"] == "foreach"


def test_a_plan_is_a_value_and_making_it_changes_nothing() -> None:
    found = checked("train.plan=plan(threads=2)")
    assert found.graph is not None and found.train is not None
    torch.set_num_threads(1)
    plans = [make_plan(found.graph, found.train, torch.device("cpu")) for _ in range(2)]
    assert plans[0] == plans[1] and plans[0].threads == 2
    assert torch.get_num_threads() == 1
    set_up(plans[0])
    assert torch.get_num_threads() == 2


def test_apply_does_what_the_plan_says_and_nothing_else() -> None:
    found = checked()
    assert found.graph is not None and found.train is not None
    plan = make_plan(found.graph, found.train, torch.device("cpu"))
    plain, turned = build(found.graph), build(found.graph)
    assert apply(plan, plain) is plain and plain.pools_after_relu() == 2
    assert apply(plan._replace(pools_first=2), turned) is turned and turned.pools_after_relu() == 0
    assert plain.get_parameter("conv1.weight").is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("wrong", ["plan(step=fast)", "plan(threads=0)", "eager", "plan(layout=x)"])
def test_what_is_no_plan_is_an_error(wrong: str) -> None:
    assert check(Source("net.cnn", SPEC), sets=[f"train.plan={wrong}"]).errors


def test_the_plan_is_written_to_the_run_and_changes_no_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In fp32, on one thread, the order of max_pool and relu is all that differs from the plainest way."""
    one = train(checked(), out=tmp_path / "one", device="cpu", quiet=True)
    monkeypatch.setattr("specc.backend.build.Net.pools_after_relu", lambda net: 0)
    two = train(checked(), out=tmp_path / "two", device="cpu", quiet=True)
    first, second = (load_file(run.path / "last.safetensors") for run in (one, two))
    assert all(torch.equal(first[name], second[name]) for name in first)
    plans = [json.loads((run.path / "run.json").read_text())["plan"] for run in (one, two)]
    assert "order" in plans[0] and "order" not in plans[1]


@pytest.mark.parametrize(
    ("sets", "why"),
    [
        ([], ""),
        (["train.optimizer=muon", "train.clip=1"], ""),
        (["train.plan=plan(launch=single)"], "set in the spec"),
        (["train.precision=fp16"], "the loss scale of fp16"),
        (["train.optimizer=rmsprop"], "`rmsprop` cannot be recorded"),
        (["train.optimizer=muon(others=lamb)"], "`lamb` cannot be recorded"),
        (["network.gap=blur_pool"], "the gradient of `blur_pool` is not bit-for-bit reproducible"),
    ],
)
def test_what_is_recorded_on_cuda(sets: list[str], why: str) -> None:
    text = SPEC.replace("width=4", "width=4, gap=max_pool").replace(
        "relu -> max_pool(2)\n  flatten", "relu -> gap(2)\n  flatten"
    )
    found = check(Source("net.cnn", text), sets=["train.precision=bf16", *sets])
    spec = found.compiled()
    made = make_plan(spec.graph, spec.train, torch.device("cuda"))
    launch = made.as_dict()["launch"]
    assert made.recorded == (not why) == (launch["is"] == "one CUDA graph per step")
    assert launch["because"].startswith(why)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_compiled_step_trains_to_the_same(tmp_path: Path) -> None:
    """Compiled code takes sums in another order, so that only the first steps can be held against each other."""
    runs = [
        train(
            checked("train.epochs=0.2", f"train.plan=plan(step={step})"), out=tmp_path / step, device="cpu", quiet=True
        )
        for step in ("eager", "compiled")
    ]
    eager, compiled = (load_file(run.path / "last.safetensors") for run in runs)
    for name, value in eager.items():
        torch.testing.assert_close(compiled[name], value, rtol=1e-3, atol=1e-4)
