"""A tiny training, of three classes of 1 x 4 x 4 images."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from specc.backend.build import build
from specc.backend.engine.assemble import assemble
from specc.backend.engine.state import TrainState
from specc.backend.engine.trainer import Trainer
from specc.backend.initialize import initialize
from specc.backend.precision import Precision
from specc.backend.tasks.bound import bind
from specc.check import check
from specc.source import Source
from specc.tasks import CLASSIFICATION

NETWORK = """
network Tiny {
  input(1, 4x4)
  conv(4) -> batch_norm -> relu -> dropout(20%)
  conv(4, init=he_normal)
  global_avg_pool -> dense(3, init=he_normal)
}
"""


class MadeUp:
    """Batches of two images whose brightness tells the class; each is a function of (epoch, index)."""

    task = bind(CLASSIFICATION, ("dark", "gray", "bright"))
    batch, batches = 2, 6

    def training(self, epoch: int, index: int) -> tuple[Tensor, Tensor]:
        source = torch.Generator().manual_seed(1000 * epoch + index)
        labels = torch.randint(0, 3, (self.batch,), generator=source)
        images = torch.randn(self.batch, 1, 4, 4, generator=source) + labels.view(-1, 1, 1, 1)
        return images, labels

    def validation(self) -> Iterable[tuple[Tensor, Tensor]]:
        return [self.training(999, index) for index in range(3)]


class Exact(MadeUp):
    """The same in float64."""

    def training(self, epoch: int, index: int) -> tuple[Tensor, Tensor]:
        images, labels = super().training(epoch, index)
        return images.double(), labels


def make_trainer(
    *settings: str,
    network: str = NETWORK,
    loader: Any = None,
    precision: str = "fp32",
    dtype: torch.dtype = torch.float32,
) -> Trainer:
    """`make_trainer("epochs = 2", …)`: a fresh training with these settings, of NETWORK unless `network` says else."""
    text = network + "train {\n" + "\n".join(settings) + "\n}\n"
    checked = check(Source("tiny.cnn", text))
    assert not checked.errors and checked.graph and checked.train, checked.errors
    net, train, loader = build(checked.graph), checked.train, loader or MadeUp()
    initialize(net, train.seed)
    net.to(dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's own stub lacks it
    return assemble(net, train, loader, Precision(precision, "as asked"))[0]


class Recorder:
    """Keeps the lines of the epochs, and how often a training paused."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self.pauses = 0

    def epoch(self, state: TrainState, line: dict[str, Any]) -> None:
        self.lines.append(line)

    def pause(self, state: TrainState) -> None:
        self.pauses += 1
