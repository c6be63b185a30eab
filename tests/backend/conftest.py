"""Graphs made by hand, and a tiny training (of three classes of 1 x 4 x 4 images), for tests of the back end."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from specc.backend.build import build
from specc.backend.engine.assemble import assemble
from specc.backend.engine.state import TrainState
from specc.backend.engine.trainer import Trainer
from specc.backend.initialize import initialize
from specc.backend.precision import Precision
from specc.check import check
from specc.ir.graph import Graph, Head, Node
from specc.ops import OPS
from specc.source import Source, Span
from specc.values import Args
from specc.vocabulary.param import REQUIRED
from specc.vocabulary.shape import Shape

NOWHERE = Span(Source("hand.cnn", " "), 0, 1)

Layer = tuple[str, str, dict[str, Any], tuple[int, ...]]


def args(op: str, **given: Any) -> Args:
    """The arguments of a layer: what is given, and the defaults."""
    unknown = given.keys() - {param.name for param in OPS[op].params}
    values = {param.name: given.get(param.name, param.default) for param in OPS[op].params}
    missing = [name for name, value in values.items() if value is REQUIRED]
    assert not unknown and not missing, (unknown, missing)
    return Args(**values)


def make_graph(shape: Shape, layers: list[Layer], heads: tuple[Head, ...] = ()) -> Graph:
    """A graph from an input shape and (name, op, arguments, inputs) of each further node, the output being the last.

    The nodes of a head are those whose name begins with the head's, and are not the output.
    """
    given = {"channels": shape[0], "size": shape[1:] or None}
    nodes = [Node(0, "input", OPS["input"], args("input", **given), (), shape, NOWHERE)]
    for index, (name, op, given, inputs) in enumerate(layers, start=1):
        shapes = [nodes[i].shape for i in inputs]
        bound = args(op, **given)
        result = OPS[op].shape(shapes if OPS[op].joins else shapes[0], bound)
        head = next((h.name for h in heads if name.split(".")[0] == h.name), "")
        nodes.append(Node(index, name, OPS[op], bound, inputs, result, NOWHERE, head=head))
    output = max(node.index for node in nodes if not node.head)
    return Graph("Hand", nodes, output, list(heads))


@pytest.fixture(scope="session")
def graph_of() -> Callable[..., Graph]:
    """`graph_of(shape, [(name, op, arguments, inputs), …], heads)`: see `make_graph`."""
    return make_graph


@pytest.fixture(scope="session")
def chain() -> Callable[..., Graph]:
    """`chain(shape, ("conv", {"filters": 8}), …)`: layers one after the other, named `conv1`, `relu2`, …"""

    def build(shape: Shape, *layers: tuple[str, dict[str, Any]]) -> Graph:
        return make_graph(shape, [(f"{op}{i + 1}", op, given, (i,)) for i, (op, given) in enumerate(layers)])

    return build


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

    classes = ("dark", "gray", "bright")
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
def make_trainer() -> Callable[..., Trainer]:
    """`make_trainer("epochs = 2", …)`: a fresh training with these settings, of NETWORK unless `network` says else."""

    def make(*settings: str, network: str = NETWORK, loader: Any = None, precision: str = "fp32") -> Trainer:
        text = network + "train {\n" + "\n".join(settings) + "\n}\n"
        checked = check(Source("tiny.cnn", text))
        assert not checked.errors and checked.graph and checked.train, checked.errors
        net, train, loader = build(checked.graph), checked.train, loader or MadeUp()
        initialize(net, train.seed)
        net.to(memory_format=torch.channels_last)
        return assemble(net, train, loader, Precision(precision, "as asked"))[0]

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
