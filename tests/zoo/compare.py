"""A network of the zoo beside its origin: the same weights, the same images, in float64."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from specc.backend.build import Net, build
from specc.check import check
from specc.cli.common import load_base, read_source
from specc.zoo.naming import Naming
from tests.helpers.checking import fine
from tests.zoo.peers import create


class Difference(NamedTuple):
    """The largest differences, relative to the largest value: of the outputs in evaluation and in training, and of the
    running statistics after the training pass."""

    evaluation: float
    training: float
    statistics: float


def compare(model: str, library: str, naming: Naming, size: int = 64, sets: tuple[str, ...] = ()) -> Difference:
    """Build both, give them the same random weights, and run both. size: of the images, for speed.

    Raises AssertionError where the names or the shapes of the weights do not pair up.
    """
    sized = [f"data.resize={size}x{size}", f"data.view={size}x{size}", *sets]
    graph = fine(check(read_source(f"zoo:{model}"), load=load_base, sets=sized)).graph
    assert graph is not None
    ours, theirs = build(graph).double(), create(library, naming.models[model]).double()
    _fill(ours)
    copy(ours, theirs, naming)
    _without_draws(ours)
    _without_draws(theirs)
    x = torch.randn(2, graph.input[0], size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        evaluation = max(_differences(ours.eval()(x), theirs.eval()(x)))
        training = max(_differences(ours.train()(x), theirs.train()(x)))
    pairs = _pairs(ours, theirs, naming)
    statistics = max((relative(mine, yours) for name, mine, yours in pairs if ".running_" in name), default=0.0)
    return Difference(evaluation, training, statistics)


def _fill(net: Net) -> None:
    """Random weights that let a signal through: kernels scaled by their inputs, norms and gains near their starts."""
    generator = torch.Generator().manual_seed(0)
    for name, value in net.state_dict().items():
        if not value.is_floating_point():
            continue
        noise = torch.randn(value.shape, generator=generator, dtype=value.dtype)
        if value.dim() > 1 and value[0].numel() > 1:
            value.copy_(noise * (2 / max(1, value[0].numel())) ** 0.5)
        elif name.endswith("running_var"):
            value.copy_(1 + 0.1 * noise.abs())
        else:
            value.copy_(value + 0.1 * noise)


def copy(ours: Net, theirs: nn.Module, naming: Naming) -> None:
    """Give the origin our weights. Raises AssertionError where one of its tensors gets none."""
    waiting = {name for name in theirs.state_dict() if not naming.ignores(name)}
    for name, mine, yours in _pairs(ours, theirs, naming):
        yours.copy_(mine.reshape(yours.shape))
        theirs_name = naming.name_of(name)
        assert theirs_name in waiting, f"{name} -> {theirs_name}, which is taken"
        waiting.remove(theirs_name)
    assert not waiting, f"nothing here is called {sorted(waiting)[:5]} there"


def _pairs(ours: Net, theirs: nn.Module, naming: Naming) -> Iterator[tuple[str, Tensor, Tensor]]:
    values = theirs.state_dict()
    for name, mine in ours.state_dict().items():
        if naming.ignores(name):
            continue
        called = naming.name_of(name)
        assert called is not None, f"no rule names {name}"
        assert called in values, f"{name} is not called {called} there"
        assert mine.numel() == values[called].numel(), (
            f"{name}: {tuple(mine.shape)}, there {tuple(values[called].shape)}"
        )
        yield name, mine, values[called]


def _without_draws(net: nn.Module) -> None:
    """No dropout of any kind: what is drawn cannot be compared."""
    for module in net.modules():
        for name in ("p", "drop_prob", "drop_rate"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)


def _differences(ours: Any, theirs: Any) -> Iterator[float]:
    """Of the logits, and of those of auxiliary classifiers where both give them."""
    mine, yours = _outputs(ours), _outputs(theirs)
    assert len(mine) == len(yours), f"{len(mine)} outputs, there {len(yours)}"
    yield from (relative(one, other) for one, other in zip(mine, yours, strict=True))


def _outputs(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    parts = value.values() if isinstance(value, dict) else value
    return [tensor for part in parts if part is not None for tensor in _outputs(part)]


def relative(one: Tensor, other: Tensor) -> float:
    """The largest difference, relative to the largest value."""
    assert one.shape == other.shape, f"{tuple(one.shape)}, there {tuple(other.shape)}"
    return float((one - other).abs().max() / other.abs().max().clamp_min(1e-30))
