"""The emitted source as a module, and the network in it held against the one that is trained."""

import importlib.util
import re
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from specc.backend.build import build
from specc.check import Checked
from specc.emit import emit
from specc.ir.graph import Graph

numbers = count()


class Emitted:
    """The source that a spec becomes, and what it defines."""

    def __init__(self, checked: Checked, folder: Path) -> None:
        assert checked.graph is not None, [problem.message for problem in checked.errors]
        self.graph: Graph = checked.graph
        self.text = emit(checked, self.graph)
        path = folder / f"emitted{next(numbers)}.py"
        path.write_text(self.text)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None and spec.loader is not None
        self.module: ModuleType = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.module)

    @property
    def classes(self) -> list[str]:
        """The names of its module classes, in the order in which they stand."""
        return re.findall(r"^class (\w+)", self.text, re.MULTILINE)

    def network(self) -> nn.Module:
        made: nn.Module = getattr(self.module, self.classes[-1])()
        return made

    def has_the_same_keys(self) -> None:
        """Keys and shapes of the state dict, of a network of any size: nothing is computed."""
        with torch.device("meta"):
            ours, theirs = build(self.graph), self.network()
        expected = {key: value.shape for key, value in ours.state_dict().items()}
        assert {key: value.shape for key, value in theirs.state_dict().items()} == expected
        assert list(theirs.state_dict()) == list(expected)
        frozen = [name for name, parameter in ours.named_parameters() if not parameter.requires_grad]
        assert [name for name, parameter in theirs.named_parameters() if not parameter.requires_grad] == frozen

    def computes_the_same(self) -> None:
        """The same numbers, bit by bit, from the same weights: in evaluation, and in training with the same draws."""
        ours, theirs = build(self.graph), self.network()
        random = torch.Generator().manual_seed(1)
        for value in ours.state_dict().values():  # nothing that torch starts with 0 or 1 stays so
            if value.is_floating_point() and value.dim() < 2:
                value.copy_(torch.rand(value.shape, generator=random) + 0.5)
        theirs.load_state_dict(ours.state_dict(), strict=True)
        x = torch.randn(2, *self.graph.input, generator=random)
        with torch.no_grad():
            assert same(theirs.eval()(x), ours.eval()(x))
            expected, found = [drawn(net.train(), x) for net in (ours, theirs)]
            assert found.keys() == expected.keys()
            assert all(same(found[name], expected[name]) for name in expected)
            for key, value in ours.state_dict().items():
                assert same(theirs.state_dict()[key], value), key


def drawn(net: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """What a network gives in training, the logits under an empty name."""
    torch.manual_seed(3)
    given: Any = net(x)
    return {"": given[0], **given[1]} if isinstance(given, tuple) else {"": given}


def same(one: Tensor, other: Tensor) -> bool:
    """Whether all numbers are the same; a NaN is the same as another."""
    return torch.equal(one.isnan(), other.isnan()) and torch.equal(one.nan_to_num(), other.nan_to_num())
