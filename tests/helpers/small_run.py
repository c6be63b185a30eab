"""A small training on the real digits, and its run, for tests of runs and of going on with one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specc.backend.run.manifest import sha256_of
from specc.backend.run.metrics import read_lines
from specc.backend.train.job import Outcome, train
from specc.check import check
from specc.errors import SpeccError
from specc.source import Source

SPEC = """
data { source = digits; augment = shift(1) -> noise(0.02) }

network Small {
  conv(8) -> batch_norm -> relu -> dropout(20%)
  global_avg_pool -> dense(10)
}

train {
  epochs = 2
  batch = 64
  optimizer = adam(lr=1e-2)
  schedule = warmup(1) -> cosine
  regularize = l2(1e-4)
  ema = 0.9
}
"""


PER_EPOCH = 22


def begin(*sets: str, text: str = SPEC, **options: Any) -> Outcome:
    return train(check(Source("small.cnn", text), sets=sets), quiet=True, **options)


def figures(run: Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl without what a clock says."""
    timed = ("seconds", "images_per_second")
    return [{k: v for k, v in line.items() if k not in timed} for line in read_lines(run / "metrics.jsonl")]


def same_weights(one: Path, two: Path, name: str = "last.safetensors") -> bool:
    return (one / name).read_bytes() == (two / name).read_bytes()


def error_of(call: Callable[[], object]) -> SpeccError:
    with pytest.raises(SpeccError) as found:
        call()
    assert found.value.help
    return found.value


def train_with_other_spec(run: Path) -> None:
    """Make a run look as if its spec had always been another one."""
    text = (run / "spec.cnn").read_text().replace("conv(8)", "conv(9)")
    (run / "spec.cnn").write_text(text)
    info = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**info, "spec_sha256": sha256_of(text)}))
