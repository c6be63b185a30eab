"""Whatever the number of processes that compute its shards, a training gives the same bits."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from specc.backend.run.manifest import read_info
from specc.backend.train.resume import resume
from specc.errors import SpeccError
from tests.helpers.ranked import Job, bits_of, carry_out
from tests.helpers.task_runs import learned, pictures
from tests.helpers.thorough import ALL
from tests.helpers.tiny_data import write_folder

SPEC = """
data {{ source = digits; augment = {augment} }}

network Small {{
  conv(4) -> batch_norm -> relu -> dropout(20%)
  conv(6, stride=2) -> batch_norm -> relu
  global_avg_pool -> dense(10)
}}

train {{ shards = {shards}; {settings} }}
"""
ORDER = SPEC.format(
    augment="shift(1) -> mixup(0.4)",
    shards=12,
    settings="batch = 48; epochs = 1.6; accumulate = 2; ema = 0.9; clip = 1; optimizer = adam(lr=1e-2); "
    "groups = [group(norms, lr=3e-3, weight_decay=0)]",
)
TREE = SPEC.format(
    augment="cutmix",
    shards=8,
    settings="batch = 64; epochs = 1; lookahead = lookahead(steps=2); freeze = freeze(conv1, until=30%); "
    "regularize = l2(1e-3); loss = cross_entropy(smoothing=0.1); optimizer = sgd(lr=0.05, momentum=0.9)",
)
CAPPED = SPEC.format(augment="shift(1)", shards=12, settings="batch = 48; epochs = 2")
FAST = SPEC.format(augment="shift(1)", shards=12, settings="batch = 48; epochs = 1; plan = plan(across=fast)")
STREAMED = """
data {
  source = folder("photos")
  resize = 14x14
  view = 12x12
  augment = crop(12, pad=1) -> flip
  validation = split(25%)
}

network Tiny { conv(4) -> batch_norm -> relu -> global_avg_pool -> dense(3) }
train { epochs = 1.5; batch = 8; shards = 4 }
"""
VIEWS = SPEC.format(
    augment="flip", shards=4, settings="batch = 48; epochs = 1; ema = 0.9; evaluate = tta(flip, shift=1)"
)
BF16 = SPEC.format(augment="flip", shards=4, settings="batch = 48; epochs = 1; precision = bf16")
SHARP = SPEC.format(
    augment="shift(1)",
    shards=12,
    settings="batch = 48; epochs = 2; accumulate = 2; clip = 1; average = swa(start=0); "
    "optimizer = sam(sgd(lr=0.1, momentum=0.9))",
)
FROZEN = SPEC.replace("dropout(20%)", "conv(8)").format(
    augment="none", shards=4, settings="batch = 48; epochs = 3; freeze = freeze(backbone, until=2)"
)
COMPILED = SPEC.format(augment="flip", shards=4, settings="batch = 48; epochs = 1; plan = plan(step=compiled)")
OF_TASK = """
data {{ source = npz("{task}.npz"); augment = flip }}
network Tiny {{ input(3, 12x12); conv(4) -> batch_norm -> relu -> {end} }}
train {{ epochs = 1; batch = 24; shards = 12; loss = {loss} }}
"""
TASKS = {
    "classification": "cross_entropy(weights=[0.2, 1, 3])",
    "multi-label": "binary_cross_entropy",
    "regression": "[mse, mae(weight=0.5)]",
    "segmentation": "[cross_entropy(weights=[0.2, 1, 3]), dice]",
}
IMAGES = 300  # of the digits


def task_spec(folder: Path, task: str) -> str:
    """The spec for a task, whose pictures are written."""
    images = pictures()
    names, labels = learned(task, images)
    parts = {"train": slice(60), "val": slice(60, None)}
    arrays: dict[str, Any] = {f"x_{part}": images[which] for part, which in parts.items()}
    arrays |= {f"y_{part}": labels[which] for part, which in parts.items()}
    np.savez(folder / f"{task}.npz", **arrays, classes=np.array(names))
    end = f"conv({len(names)}, 1x1)" if task == "segmentation" else f"global_avg_pool -> dense({len(names)})"
    return OF_TASK.format(task=task, end=end, loss=TASKS[task])


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    jobs = [Job(f"order-{world}", world, ORDER, subset=IMAGES) for world in (1, 2, 3, 4)]
    jobs += [Job(f"tree-{world}", world, TREE, subset=IMAGES) for world in (1, 2, 4)]
    jobs += [Job(f"sharp-{world}", world, SHARP, subset=IMAGES) for world in (1, 3)]
    jobs += [Job(f"capped-{world}", world, CAPPED, subset=40) for world in (1, 3)]
    jobs += [Job("moved", 3, ORDER, 2, IMAGES)]
    jobs += [Job("moved", world, None, until, IMAGES) for world, until in ((1, 3), (4, 4), (2, None))]
    jobs += [Job("fast", 3, FAST, 2, IMAGES), Job("fast", 3, None, None, IMAGES), Job("fast-3", 3, FAST, None, IMAGES)]
    for task in TASKS:
        spec = task_spec(folder, task)
        jobs += [Job(f"{task}-{world}", world, spec, base=str(folder)) for world in (1, 4)]
    write_folder(folder / "photos", classes=3, each=16)
    jobs += [Job(f"streamed-{world}", world, STREAMED, base=str(folder), memory="1KB") for world in (1, 2, 4)]
    jobs += [Job("held-1", 1, STREAMED, base=str(folder))]
    for kind, spec in (("views", VIEWS), ("bf16", BF16), ("frozen", FROZEN)):
        jobs += [Job(f"{kind}-{world}", world, spec, subset=96) for world in (1, 2, 4)]
    carry_out(folder, jobs)
    return folder


@pytest.mark.parametrize(
    ("kind", "world"),
    [
        *(("order", world) for world in (2, 3, 4)),
        ("capped", 3),
        ("sharp", 3),  # sam and swa
        *((kind, world) for kind in ("tree", "streamed", "views", "bf16", "frozen") for world in (2, 4)),
        *((task, 4) for task in TASKS),
    ],
)
def test_any_number_of_processes_gives_the_same_bits(runs: Path, kind: str, world: int) -> None:
    assert bits_of(runs / f"{kind}-{world}") == bits_of(runs / f"{kind}-1")


def test_the_features_of_frozen_layers_are_kept_by_any_number_of_processes(runs: Path) -> None:
    plans = [read_info(runs / f"frozen-{world}")["plan"]["features"]["is"] for world in (1, 2, 4)]
    assert plans == 3 * ["computed once, kept in memory"]


@pytest.mark.skipif(not ALL, reason="compiling takes a minute; SPECC_TESTS=all has it")
def test_compiled_steps_give_the_same_bits_in_two_processes(tmp_path: Path) -> None:
    carry_out(tmp_path, [Job(f"compiled-{world}", world, COMPILED, subset=96) for world in (1, 2)])
    assert bits_of(tmp_path / "compiled-2") == bits_of(tmp_path / "compiled-1")


def test_streamed_images_give_the_bits_of_those_in_memory(runs: Path) -> None:
    assert bits_of(runs / "streamed-1") == bits_of(runs / "held-1")
    assert any("images are streamed" in note for note in read_info(runs / "streamed-4")["applied"])


def test_a_run_moves_from_one_number_of_processes_to_others(runs: Path) -> None:
    assert bits_of(runs / "moved") == bits_of(runs / "order-1")
    info = read_info(runs / "moved")
    assert info["ranks"] == {"world": 2, "shards": 12, "threads": 1, "across": "exact"}
    assert all(again["exact"] for again in info["resumed"])


def test_a_set_smaller_than_a_batch_is_one_batch_of_equal_shards(runs: Path) -> None:
    assert bits_of(runs / "capped-3")["step"] == 2  # of 36 images
    assert "4 of 40 training images are left out" in " ".join(read_info(runs / "capped-3")["applied"])


def test_a_plain_all_reduce_gives_the_same_bits_for_the_same_number_of_processes(runs: Path) -> None:
    assert bits_of(runs / "fast") == bits_of(runs / "fast-3")


def test_a_run_with_a_plain_all_reduce_is_not_resumed_by_another_number_of_processes(runs: Path) -> None:
    with pytest.raises(SpeccError, match="processes was 3, is now 1") as caught:
        resume(runs / "fast", quiet=True)
    assert caught.value.code == "E486"
