"""A network of the zoo beside its origin: the same weights, the same images, in float64."""

from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from specc.backend.build import Net, build
from specc.check import check
from specc.reading import load_base, read_source
from specc.zoo import SMALLEST
from specc.zoo.naming import COUNTERS, Naming
from tests.helpers.checking import fine
from tests.zoo.peers import create

DRAWN = 1_000_003  # numbers that are drawn; the kernels repeat them, one after another, and no size divides this prime


class Difference(NamedTuple):
    """The largest differences, relative to the largest value: of the outputs in evaluation and in training, and of the
    running statistics after the training pass."""

    evaluation: float
    training: float
    statistics: float


def compare(model: str, library: str, naming: Naming, size: int = SMALLEST, has_aux: bool = False) -> Difference:
    """Build both, give them the same random weights, and run both.

    Both compute with one copy of the weights; each has running statistics of its own, because training changes them.
    size: of the images, for speed. has_aux: with the auxiliary classifiers, whose outputs are compared in training.

    Raises AssertionError where the names or the shapes of the weights do not pair up.
    """
    sets = [f"data.resize={size}x{size}", f"data.view={size}x{size}", *(["network.aux=true"] if has_aux else [])]
    graph = fine(check(read_source(f"zoo:{model}"), load=load_base, sets=sets)).graph
    assert graph is not None
    with in_float64():
        with Undrawn():
            ours, theirs = build(graph), create(library, naming.models[model], has_aux)
        _fill(ours)
        share(ours, theirs, naming)
        _without_draws(ours)
        _without_draws(theirs)
        x = torch.randn(2, graph.input[0], size, size, generator=torch.Generator().manual_seed(1))
        with torch.inference_mode():
            evaluation = relative(_outputs(ours.eval()(x))[0], _outputs(theirs.eval()(x))[0])
            training = max(_differences(ours.train()(x), theirs.train()(x)))
    pairs = _pairs(ours, theirs, naming)
    statistics = max((relative(mine, yours) for name, mine, yours in pairs if _is_statistic(name)), default=0.0)
    return Difference(evaluation, training, statistics)


@contextmanager
def in_float64() -> Iterator[None]:
    """What is built has float64 numbers from the beginning."""
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(usual)


class Undrawn(TorchFunctionMode):
    """Networks are built with zeros in place of their first weights, whose draws take long for large ones.

    Kernels are left unwritten, which costs no memory: `_fill` writes them.
    """

    DRAWS = ("kaiming_uniform_", "kaiming_normal_", "xavier_uniform_", "trunc_normal_", "uniform_", "normal_")
    OF_TIMM = ("erfinv_", "clamp_")  # in its own truncated normal

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func.__name__ in (*self.DRAWS, *self.OF_TIMM):
            tensor: Tensor = args[0] if args else kwargs["tensor"]
            with torch.no_grad():
                return tensor if is_kernel(tensor) else tensor.zero_()
        return func(*args, **kwargs)


def is_kernel(tensor: Tensor) -> bool:
    """Whether each output has several weights."""
    return tensor.dim() > 1 and tensor[0].numel() > 1


def _fill(net: Net) -> None:
    """Random weights that let a signal through: kernels scaled by their inputs, norms and gains near their starts."""
    generator = torch.Generator().manual_seed(0)
    draws, place = torch.empty(DRAWN).uniform_(-1, 1, generator=generator).repeat(2), 0
    for name, value in net.state_dict().items():
        if is_kernel(value):
            scale = (6 / value[0].numel()) ** 0.5
            for piece in value.view(-1).split(DRAWN):
                torch.mul(draws[place : place + len(piece)], scale, out=piece)
                place = (place + len(piece)) % DRAWN
        elif value.is_floating_point():
            noise = 0.1 * torch.randn(value.shape, generator=generator)
            value.add_(noise.abs() if name.endswith("running_var") else noise)


def share(ours: Net, theirs: nn.Module, naming: Naming) -> None:
    """Let the origin compute in our weights; its own, which nothing has written, go.

    Raises AssertionError where one of its tensors gets none.
    """
    counters = {name: torch.tensor(0) for name in theirs.state_dict() if fnmatchcase(name, COUNTERS)}
    values: dict[str, Tensor] = {}
    for name, mine, yours in _pairs(ours, theirs, naming):
        theirs_name = naming.name_of(name)
        assert theirs_name is not None and theirs_name not in values, f"{name} -> {theirs_name}, which is taken"
        values[theirs_name] = mine.clone() if _is_statistic(name) else mine.view(yours.shape)
    missing = sorted(theirs.state_dict().keys() - values.keys() - counters.keys())
    assert not missing, f"nothing here is called {missing[:5]} there"
    weights = theirs.state_dict()  # whose metadata say of which version it is
    weights.update(values | counters)
    theirs.load_state_dict(weights, assign=True)


def _is_statistic(name: str) -> bool:
    return ".running_" in name


def _pairs(ours: Net, theirs: nn.Module, naming: Naming) -> Iterator[tuple[str, Tensor, Tensor]]:
    values = theirs.state_dict()
    for name, mine in ours.state_dict().items():
        if fnmatchcase(name, COUNTERS):
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
    """The logits, then those of auxiliary classifiers by their names, of which each library has its own form."""
    match value:
        case Tensor():
            return [value]
        case tuple() if hasattr(value, "_asdict"):
            first, *others = value._asdict().items()
        case tuple():
            first, others = ("", value[0]), list(value[1].items() if isinstance(value[1], dict) else [("", value[1])])
        case dict():
            first, *others = value.items()
        case _:
            raise AssertionError(f"outputs of type {type(value).__name__}")
    return [first[1], *(tensor for _, tensor in sorted(others, key=lambda pair: pair[0]))]


def relative(one: Tensor, other: Tensor) -> float:
    """The largest difference, relative to the largest value."""
    assert one.shape == other.shape, f"{tuple(one.shape)}, there {tuple(other.shape)}"
    return float((one - other).abs().max() / other.abs().max().clamp_min(1e-30))
