"""What rules do not know about a plan is measured, remembered, and never chosen where it cannot be remembered."""

import json
from pathlib import Path

import pytest
import torch

from specc.backend.execution import trial
from specc.backend.train.job import train
from specc.backend.train.prepare import Request, prepare
from specc.backend.train.resume import resume
from specc.check import check
from specc.source import Source

SPEC = """
data { source = digits }
network Net(width=16) {
  conv(width) -> batch_norm -> relu -> max_pool(2)
  conv(2 * width) -> relu -> max_pool(2)
  flatten -> dropout -> dense(10)
}
train { epochs = 1; batch = 64; seed = 3 }
"""

Choices = dict[str, dict[str, str]]


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A cache of its own, two cores, and trials also in short trainings."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(trial, "WORTHWHILE", 1)
    for module in ("specc.backend.device", "specc.backend.execution.trial"):
        monkeypatch.setattr(f"{module}.all_threads", lambda: 2)
    return tmp_path / "cache" / "specc" / "plans"


def plan(*sets: str) -> Choices:
    checked = check(Source("net.cnn", SPEC), sets=["network.width=32", *sets])
    found: Choices = prepare(Request(checked.trainable(), "cpu")).about["plan"]
    return found


def test_threads_are_measured_once_and_remembered(cache: Path) -> None:
    first, second = plan(), plan()
    assert first["threads"]["because"].startswith("measured: one pass takes ")
    assert second["threads"] == first["threads"] | {
        "because": first["threads"]["because"].replace("measured", "remembered")
    }
    (remembered,) = cache.iterdir()
    tried = json.loads(remembered.read_text())["threads"]
    assert tried["seconds"].keys() == {"1", "2"}
    assert tried["best"] == ("2" if tried["seconds"]["2"] * trial.GAIN < tried["seconds"]["1"] else "1")
    assert first["threads"]["is"] == tried["best"]


def test_what_is_remembered_is_done(cache: Path) -> None:
    plan()
    (remembered,) = cache.iterdir()
    for count in "1", "2":
        remembered.write_text(json.dumps({"threads": {"best": count, "seconds": {"1": 0.25, "2": 0.5}}}))
        choice = {"is": count, "because": "remembered: one pass takes 250 ms with 1, 500 ms with 2"}
        assert plan()["threads"] == choice
        assert torch.get_num_threads() == int(count)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "3", "[" * 100_000, '{"threads": 1}', '{"threads": {"best": "64", "seconds": {}}}', '{"x": {}}',
     '{"threads": {"best": "1", "seconds": {"1": "fast"}}}'],
)  # fmt: skip
def test_a_damaged_memory_is_measured_anew(cache: Path, text: str) -> None:
    plan()
    (remembered,) = cache.iterdir()
    remembered.write_text(text)
    assert plan()["threads"]["because"].startswith("measured")
    assert plan()["threads"]["because"].startswith("remembered")


def test_where_nothing_can_be_remembered_the_rules_hold(cache: Path) -> None:
    cache.parent.parent.mkdir()
    cache.parent.write_text("a file, not a folder")
    assert "measured" not in plan()["threads"]["because"]


def test_what_is_known_is_not_tried(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "multiply-accumulates" in plan("network.width=2", "train.plan=plan(step=eager)")["threads"]["because"]
    assert plan("train.plan=plan(threads=2, step=eager)")["threads"] == {"is": "2", "because": "set in the spec"}
    monkeypatch.setattr(trial, "WORTHWHILE", 100)
    assert "measured" not in plan()["threads"]["because"]
    assert not cache.exists()


def test_a_run_goes_on_as_it_was_begun(cache: Path, tmp_path: Path) -> None:
    checked = check(Source("net.cnn", SPEC), sets=["network.width=32"])
    run = train(checked, out=tmp_path / "run", device="cpu", quiet=True, until=lambda epoch, total: 5).path
    begun = json.loads((run / "run.json").read_text())["plan"]["threads"]["is"]
    (remembered,) = cache.iterdir()
    other = "2" if begun == "1" else "1"
    remembered.write_text(json.dumps({"threads": {"best": other, "seconds": {"1": 0.25, "2": 0.5}}}))
    resume(run, quiet=True)
    assert json.loads((run / "run.json").read_text())["plan"]["threads"]["is"] == begun


def test_trying_changes_no_weight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "GAIN", 1e9)  # one thread, as the rule says
    checked = check(Source("net.cnn", SPEC), sets=["network.width=32", "train.precision=fp32"])
    files = []
    for name, steps in ("tried", 1), ("by rules", 10**6):
        monkeypatch.setattr(trial, "WORTHWHILE", steps)
        run = train(checked, out=tmp_path / name, device="cpu", quiet=True)
        files.append((run.path / "last.safetensors").read_bytes())
    assert files[0] == files[1]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch.compile's own imports
def test_compiling_is_tried_in_a_long_training(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "LONG", 0.0)
    monkeypatch.setattr(
        "specc.backend.execution.apply.compiled", lambda net: net
    )  # compiling itself is tried in test_plan.py
    step = plan("network.width=2")["step"]
    assert step["because"].startswith("measured: one pass takes ") and "with compiled" in step["because"]
    (remembered,) = cache.iterdir()
    seconds = json.loads(remembered.read_text())["step"]["seconds"]
    assert seconds.keys() == {"eager", "compiled"}
    remembered.write_text(json.dumps({"step": {"best": "compiled", "seconds": seconds}}))
    assert plan("network.width=2")["step"]["is"] == "compiled"
