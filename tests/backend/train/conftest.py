"""A tiny training: a network for 1 x 4 x 4 images of three classes, and a feed that makes its images up."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from specc.backend.build import build
from specc.backend.initialise import initialise
from specc.backend.train.assemble import assemble
from specc.backend.train.loop import Loop
from specc.backend.train.precision import Precision
from specc.backend.train.state import TrainState
from specc.check import check
from specc.source import Source

NETWORK = """
network Tiny {
  input(1, 4x4)
  conv(4) -> batch_norm -> relu -> dropout(20%)
  conv(4)
  global_avg_pool -> dense(3)
}
"""


class MadeUp:
    """Batches of two images whose brightness tells the class; each is a function of (epoch, index)."""

    classes = ("dark", "grey", "bright")
    batch, batches = 2, 6

    def training(self, epoch: int, index: int) -> tuple[Tensor, Tensor]:
        source = torch.Generator().manual_seed(1000 * epoch + index)
        labels = torch.randint(0, 3, (self.batch,), generator=source)
        images = torch.randn(self.batch, 1, 4, 4, generator=source) + labels.view(-1, 1, 1, 1)
        return images, labels

    def validation(self) -> Iterable[tuple[Tensor, Tensor]]:
        return [self.training(999, index) for index in range(3)]


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def make_loop() -> Callable[..., Loop]:
    """`make_loop("epochs = 2", …)`: a fresh training with these settings, of NETWORK unless `network` says else."""

    def make(*settings: str, network: str = NETWORK, feed: Any = None, precision: str = "fp32") -> Loop:
        text = network + "train {\n" + "\n".join(settings) + "\n}\n"
        checked = check(Source("tiny.cnn", text))
        assert not checked.errors and checked.graph and checked.train, checked.errors
        net, train, feed = build(checked.graph), checked.train, feed or MadeUp()
        initialise(net, train.seed)
        net.to(memory_format=torch.channels_last)
        return assemble(net, train, feed, Precision(precision, "as asked"))[0]

    return make


class Recorder:
    """Keeps the lines of the epochs, and how often a training paused."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self.pauses = 0

    def epoch(self, state: TrainState, line: dict[str, Any]) -> None:
        self.lines.append(line)

    def pause(self, state: TrainState) -> None:
        self.pauses += 1


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
