"""What frozen layers make of each image is computed once, and nothing but the time shows it."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from specc.backend.execution import features as rules
from specc.backend.run.checkpoint import load_checkpoint
from specc.backend.train.job import train
from specc.backend.train.prepare import Request, prepare
from specc.backend.train.resume import resume
from specc.check import Checked, check
from specc.source import Source

SPEC = """
data { source = digits }
network Net(width=8) {
  conv(width) -> batch_norm -> relu -> max_pool(2)
  conv(width) -> batch_norm -> relu
  residual { conv(width) -> batch_norm -> relu }
  global_avg_pool -> dropout(20%) -> dense(10)
}
train { epochs = 3; batch = 64; seed = 3; freeze = [backbone]; optimizer = adam(lr=1e-2) }
"""
HEADS = """
data { source = digits }
network Net {
  conv(8) -> batch_norm -> relu -> max_pool(2)
  head(aux, weight=0.3) { global_avg_pool -> dense(10) }
  residual { conv(8) -> batch_norm -> relu }
  global_avg_pool -> dense(10)
}
train { epochs = 3; batch = 64; freeze = [backbone] }
"""


@pytest.fixture(autouse=True)
def _small_ones_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "PER_BYTE", 1)


def checked(*sets: str, spec: str = SPEC) -> Checked:
    found = check(Source("net.cnn", spec), sets=list(sets))
    assert not found.errors, found.errors
    return found


def plan(*sets: str, spec: str = SPEC) -> dict[str, str]:
    """What is chosen, and why; nothing where nothing is frozen."""
    choice: dict[str, str] = (
        prepare(Request(checked(*sets, spec=spec).trainable(), "cpu")).about["plan"].get("features", {})
    )
    return choice


def trained(out: Path, *sets: str, spec: str = SPEC) -> tuple[dict[str, torch.Tensor], list[dict[str, float]], str]:
    """The weights, the lines of metrics.jsonl without times, and what became of the features."""
    run = train(checked(*sets, spec=spec), out=out, device="cpu", quiet=True).path
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for line in lines:
        del line["seconds"], line["images_per_second"]
    chosen = json.loads((run / "run.json").read_text())["plan"]["features"]["is"]
    notes = json.loads((run / "run.json").read_text())["applied"]
    assert any(note.startswith(f"features of frozen layers are {chosen}: ") for note in notes) == (
        chosen != rules.RECOMPUTED
    )
    return load_file(run / "last.safetensors"), lines, chosen


@pytest.mark.parametrize(
    ("sets", "spec"),
    [
        ([], SPEC),
        (["train.freeze=freeze(backbone, until=2)", "train.ema=0.9"], SPEC),
        (["train.shards=4", "train.accumulate=2"], SPEC),
        (["train.evaluate=tta(flip)", "data.sample=balanced"], SPEC),
        (["train.precision=bf16"], SPEC),
        ([], HEADS),
        (["train.optimizer=sam(sgd(lr=0.1))", "train.average=swa(start=1)"], SPEC),
        (["train.optimizer=schedule_free(adamw(lr=1e-2))", "train.freeze=freeze(backbone, until=2)"], SPEC),
    ],
    ids=["plain", "until", "shards", "tta", "bf16", "heads", "sam and swa", "schedule-free"],
)
def test_it_trains_to_the_same_bits(tmp_path: Path, sets: list[str], spec: str) -> None:
    one, lines, kept = trained(tmp_path / "kept", *sets, spec=spec)
    two, other, recomputed = trained(tmp_path / "no", *sets, "train.plan=plan(features=recompute)", spec=spec)
    assert (kept, recomputed) == (rules.MEMORY, rules.RECOMPUTED)
    assert all(torch.equal(one[name], two[name]) for name in two)
    assert lines == other


def test_images_go_through_frozen_layers_once(monkeypatch: pytest.MonkeyPatch) -> None:
    job = prepare(Request(checked().trainable(), "cpu"))
    seen = []
    job.trainer.state.net.layers["conv1"].register_forward_hook(lambda layer, given, out: seen.append(len(out)))
    for _ in range(2 * job.trainer.per_epoch):
        job.trainer.step()
    images = len(job.dataset.train) + len(job.dataset.validation)
    assert images <= sum(seen) < images + 64


@pytest.mark.parametrize(
    ("sets", "why"),
    [
        (["train.plan=plan(features=recompute)"], "set in the spec"),
        (["data.augment=flip"], "images are augmented: `flip`"),
        (["train.freeze=freeze(backbone, until=1)"], "they would be used for fewer than 2 epochs"),
        (["data.progressive=progressive(from=4x4)"], "images grow: `progressive`"),
    ],
)
def test_what_speaks_against_it_is_said(sets: list[str], why: str) -> None:
    choice = plan(*sets)
    assert choice["is"] == rules.RECOMPUTED and choice["because"].startswith(why)


def test_what_is_asked_for_and_has_no_use_is_said() -> None:
    about = prepare(Request(checked("train.plan=plan(recompute=always)").trainable(), "cpu")).about["plan"]
    assert about["recompute"]["is"] == "nothing" and "features of frozen layers" in about["recompute"]["because"]


def test_it_is_cut_before_what_learns_or_is_random_or_averages_over_a_batch() -> None:
    assert "frozen up to global_avg_pool1:" in plan()["because"].replace(",", ":")
    assert "frozen up to conv2:" in plan("train.freeze=[conv1, batch_norm1, conv2]")["because"].replace(",", ":")
    assert "frozen up to max_pool1:" in plan("train.freeze=[conv1, batch_norm1, conv3]")["because"].replace(",", ":")
    noisy = plan(spec=SPEC.replace("  residual {", "  dropout(20%)\n  residual {"))["because"]
    assert "frozen up to relu2," in noisy and "after that, `dropout` is random" in noisy
    assert "global_avg_pool1" in plan(spec=SPEC.replace("  residual {", "  dropout(0%)\n  residual {"))["because"]
    assert plan("train.freeze=[batch_norm1]") == {} and plan("train.freeze=none") == {}


def test_few_multiplications_are_not_worth_a_large_map(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "PER_BYTE", 50)
    assert "take as long to read as to compute" in plan("train.freeze=[conv1, batch_norm1]")["because"]


def test_what_does_not_fit_in_memory_is_kept_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPECC_CACHE", str(tmp_path / "cache"))
    one, lines, _ = trained(tmp_path / "memory")
    monkeypatch.setattr(rules, "free_memory", lambda: 0)
    two, first, where = trained(tmp_path / "first")
    assert where == rules.CACHE and lines == first and all(torch.equal(one[name], two[name]) for name in two)
    (stored,) = (tmp_path / "cache").rglob("features-*/train")
    place, written = stored.stat().st_ino, stored.stat().st_mtime_ns
    assert trained(tmp_path / "second")[1] == lines
    assert (stored.stat().st_ino, stored.stat().st_mtime_ns) == (place, written)
    damaged = bytearray(stored.read_bytes())
    damaged[-1] ^= 1
    stored.write_bytes(damaged)
    assert trained(tmp_path / "third")[1] == lines
    monkeypatch.setenv("SPECC_CACHE", "off")
    choice = plan()
    assert choice["is"] == rules.RECOMPUTED and "the cache has no room" in choice["because"]


def test_a_run_goes_on_as_it_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    straight, _, _ = trained(tmp_path / "straight")
    run = train(checked(), out=tmp_path / "run", device="cpu", quiet=True, until=lambda per_epoch, total: per_epoch + 3)
    monkeypatch.setattr(rules, "PER_BYTE", 10**9)
    resume(run.path, quiet=True)
    assert json.loads((run.path / "run.json").read_text())["plan"]["features"]["is"] == rules.MEMORY
    after = load_checkpoint(run.path / "checkpoints").tensors
    assert all(torch.equal(straight[name], after[f"model/{name}"]) for name in straight)
