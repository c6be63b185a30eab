"""Whatever the number of processes that compute its shards, a training gives the same bits."""

from pathlib import Path

import pytest

from tests.helpers.ranked import Job, carry_out, tensors_of

SPEC = """
data {{ source = digits; augment = shift(1) -> mixup(0.4) }}

network Small {{
  conv(4) -> batch_norm -> relu -> dropout(20%)
  conv(6, stride=2) -> batch_norm -> relu
  global_avg_pool -> dense(10)
}}

train {{
  batch = 48
  epochs = 0.5
  accumulate = 2
  optimizer = adam(lr=1e-2)
  groups = [group(norms, lr=3e-3, weight_decay=0)]
  ema = 0.9
  clip = 1
  shards = {shards}
}}
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    jobs = [Job(f"order-{world}", world, SPEC.format(shards=12)) for world in (1, 2, 3, 4)]
    jobs += [Job(f"tree-{world}", world, SPEC.format(shards=8)) for world in (1, 2, 4)]
    carry_out(folder, jobs)
    return folder


@pytest.mark.parametrize(("kind", "world"), [("order", 2), ("order", 3), ("order", 4), ("tree", 2), ("tree", 4)])
def test_any_number_of_processes_gives_the_same_bits(runs: Path, kind: str, world: int) -> None:
    assert tensors_of(runs / f"{kind}-{world}") == tensors_of(runs / f"{kind}-1")
