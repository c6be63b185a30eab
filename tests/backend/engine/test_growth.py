"""Training images that grow: their sizes, how they are resized, and that no stop shows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from specc.backend.engine.growth import Growth
from specc.backend.engine.trainer import Trainer
from specc.backend.resizing import resize
from specc.backend.run.checkpoint import load_checkpoint, save_checkpoint
from specc.backend.train.compatibility import SAFE, TRAJECTORY, judge
from specc.backend.train.prepare import Request, prepare
from specc.check import check
from specc.ir.at_size import Misfit, averages_one_number, macs_at, shapes_at
from specc.reading import check_spec, read_source
from specc.source import Source
from specc.tricks.progressive import sizes
from specc.tricks.resize import By, Resize
from specc.values import Args, Size
from tests.backend.engine.test_state import differences, run, without_time
from tests.helpers.tiny_training import Recorder

EXAMPLES = Path(__file__).parents[3] / "examples"
SPEC = """
data { source = digits; augment = shift(1); progressive = progressive(from=4x4, until=50%, stages=2) }
network Net { conv(4) -> batch_norm -> relu -> max_pool(2) -> conv(4) -> relu -> global_avg_pool -> dense(10) }
train { epochs = 2; batch = 256; SETTINGS }
"""
PER_EPOCH = 5  # of 256 images; ten steps, of which five are with small images


def trainer(settings: str = "", spec: str = SPEC) -> Trainer:
    checked = check(Source("net.cnn", spec.replace("SETTINGS", settings)))
    return prepare(Request(checked.trainable(), "cpu")).trainer


def seen(trainer: Trainer) -> list[tuple[int, ...]]:
    """The size of each batch that a network gets in training; filled as it trains."""
    found: list[tuple[int, ...]] = []

    def note(net: nn.Module, given: tuple[Tensor, ...]) -> None:
        found.append((*given[0].shape[2:], net.training))

    trainer.state.net.register_forward_pre_hook(note)
    return found


@pytest.mark.parametrize(
    ("first", "full", "stages", "expected"),
    [
        ((128, 128), (224, 224), 3, ["128x128", "160x160", "192x192"]),
        ((4, 4), (8, 8), 3, ["4x4", "5x5", "7x7"]),
        ((4, 8), (8, 8), 2, ["4x8", "6x8"]),
        ((100, 50), (200, 100), 1, ["100x50"]),
    ],
)
def test_sizes_are_at_equal_distances(first: Any, full: Any, stages: int, expected: list[str]) -> None:
    assert list(map(str, sizes(Args(**{"from": Size(*first), "stages": stages}), Size(*full)))) == expected


def test_each_size_has_its_share_of_the_steps() -> None:
    grows = Growth((Size(4, 4), Size(6, 6)), 7.5, Size(8, 8), "bilinear")
    assert [grows.size(step).height for step in range(10)] == [4, 4, 4, 4, 6, 6, 6, 6, 8, 8]
    assert grows.words(10) == "4x4 to step 4, 6x6 to step 8, 8x8 to step 10"
    assert grows.words(6) == "4x4 to step 4, 6x6 to step 6"


@pytest.mark.parametrize("by", ["bilinear", "bicubic", "nearest"])
def test_a_batch_is_resized_as_images_are_that_are_read(by: By) -> None:
    pixels = np.random.default_rng(0).integers(64, 192, (3, 2, 24, 31), dtype=np.uint8)  # bicubic overshoots
    expected = np.stack([resize(image, Resize(Size(11, 17), "stretch", by)) for image in pixels])
    grows = Growth((Size(11, 17),), 5, Size(24, 31), by)
    found = grows(torch.from_numpy(pixels).float(), 0).clamp(0, 255).round().numpy()
    assert np.abs(found - expected).max() <= 1
    full = torch.rand(2, 1, 24, 31)
    assert grows(full, 5) is full


@pytest.mark.parametrize("shards", [1, 4])
def test_steps_see_their_sizes_and_evaluation_the_full_one(shards: int) -> None:
    growing = trainer(f"shards = {shards}; accumulate = {2 if shards == 4 else 1}; average = swa(start=0)")
    found = seen(growing)
    run(growing, Recorder())
    training = [size[:2] for size in found if size[2] and size[:2] != (8, 8)]
    steps = growing.total // 2
    assert growing.total == (10 if shards == 1 else 4)
    parts = shards * growing.settings.accumulate
    first = -(-steps // 2) * parts
    assert training == [(4, 4)] * first + [(6, 6)] * (steps * parts - first)
    assert {size[:2] for size in found if not size[2]} == {(8, 8)}


@pytest.mark.parametrize("stop", [2, 3, 5, 7])
def test_it_goes_on_exactly(tmp_path: Path, stop: int) -> None:
    settings = "optimizer = sam(sgd(lr=0.1)); accumulate = 1"
    straight, stopped, resumed = trainer(settings), trainer(settings), trainer(settings)
    whole, before, after = Recorder(), Recorder(), Recorder()
    run(straight, whole)
    run(stopped, before, stop)
    save_checkpoint(tmp_path, stopped.state)
    _, tensors, scalars, _ = load_checkpoint(tmp_path)
    resumed.state.restore(tensors, scalars)
    run(resumed, after)
    assert differences(straight.state, resumed.state) == []
    assert without_time(before.lines + after.lines) == without_time(whole.lines)


def test_it_is_another_training_than_without() -> None:
    growing, other = (
        trainer(),
        trainer(spec=SPEC.replace("progressive = progressive(from=4x4, until=50%, stages=2)", "")),
    )
    for one in (growing, other):
        run(one, Recorder())
    assert differences(growing.state, other.state)


MISFITS = {
    "a dense layer for each pixel": "conv(4) -> relu -> flatten -> dense(10)",
    "too small for its layers": "conv(4) -> max_pool(4) -> global_avg_pool -> dense(10)",
}


@pytest.mark.parametrize("network", MISFITS.values(), ids=MISFITS)
@pytest.mark.parametrize("first", ["2x2"])
def test_a_network_that_does_not_take_a_size_is_refused(network: str, first: str) -> None:
    text = f"data {{ source = digits; progressive = progressive(from={first}) }}\nnetwork N {{ {network} }}"
    found = [error for error in check(Source("net.cnn", text)).errors if error.code == "E322"]
    assert (
        len(found) == 1 and f"images of {first}" in found[0].message and "to 8x8" in found[0].message and found[0].help
    )


@pytest.mark.parametrize("first", ["8x8", "4x9", "16x16"])
def test_images_cannot_shrink(first: str) -> None:
    (error,) = check(Source("net.cnn", SPEC.replace("SETTINGS", "").replace("from=4x4", f"from={first}"))).errors
    assert error.code == "E322" and "from=4x4" in error.help


def test_maps_are_refused() -> None:
    network = "network N { input(3, 12x12); conv(4) -> relu -> conv(3, 1x1) }"
    data = 'data { source = masks("a", "b", classes=[x, y, z]); resize = 12x12; progressive = progressive(from=6x6) }'
    (error,) = check(Source("net.cnn", f"{data}\n{network}")).errors
    assert error.code == "E322" and "the output is 3 x 6 x 6 instead of 3 x 12 x 12" in error.message


def test_a_batch_of_one_needs_more_than_a_number() -> None:
    network = (
        "network N { conv(4, stride=2) -> conv(4, stride=2) -> batch_norm -> relu -> global_avg_pool -> dense(10) }"
    )
    text = f"data {{ source = digits; progressive = progressive(from=4x4) }}\n{network}\ntrain {{ batch = 1 }}"
    (error,) = check(Source("net.cnn", text)).errors
    assert error.code == "E322" and "one value per channel" in error.message
    assert not check(Source("net.cnn", text.replace("batch = 1", "batch = 2"))).errors


@pytest.mark.parametrize("name", ["resnet20_cifar10", "googlenet", "mobilenet_v2", "densenet121", "unet", "vgg16_bn"])
def test_at_their_own_size_networks_have_their_own_shapes(name: str) -> None:
    graph = check_spec(read_source(EXAMPLES / f"{name}.cnn")).graph
    assert graph is not None
    full = Size(*graph.input[1:])
    found = shapes_at(graph, full)
    assert found == [node.shape for node in graph.nodes] and not isinstance(found, Misfit)
    assert averages_one_number(graph, found) is None
    assert macs_at(graph, found) >= graph.total_macs  # heads included
    smaller = shapes_at(graph, Size(full.height * 3 // 4, full.width * 3 // 4))
    assert isinstance(smaller, Misfit) == (name == "unet")


@pytest.mark.parametrize(
    "setting", ["data { progressive = progressive(from=4x4, until=UNTIL) }", "average = swa(start=UNTIL)"]
)
@pytest.mark.parametrize(("until", "kind"), [("50%", TRAJECTORY), ("1", SAFE)])
def test_other_epochs_are_told_from_another_training(setting: str, until: str, kind: str) -> None:
    setting = setting.replace("UNTIL", until)
    data, train = (setting[7:-2], "") if setting.startswith("data") else ("", setting)
    text = f"data {{ source = digits; {data} }}\nnetwork N {{ conv(4) -> global_avg_pool -> dense(10) }}\n"
    one, other = (
        check(Source("net.cnn", f"{text}train {{ epochs = {epochs}; {train} }}")).trainable() for epochs in (4, 5)
    )
    (found,) = judge(one, other, 11)
    assert found.kind == kind


def test_the_plan_says_the_sizes() -> None:
    job = prepare(Request(check(Source("net.cnn", SPEC.replace("SETTINGS", ""))).trainable(), "cpu"))
    assert job.plan.as_dict()["sizes"]["is"] == "4x4 to step 3, 6x6 to step 5, 8x8 to step 10"
    assert "of the multiply-accumulates" in job.plan.as_dict()["sizes"]["because"]
    assert any("progressive" in note for note in job.notes)
    moving: Callable[[], list[object]] = job.trainer.compute.moving
    before = moving()
    job.trainer.state.net.train()
    job.trainer.step()
    assert moving()[:-1] == before[:-1] and moving()[-1] == Size(4, 4)  # so that a recorded step is recorded anew
