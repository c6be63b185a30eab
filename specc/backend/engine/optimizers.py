"""Which weights learn, and the optimizers that move them."""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from inspect import unwrap
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from specc.backend.build import Net
from specc.backend.engine.schedule_free import Free
from specc.backend.resolve import resolve
from specc.ir.graph import Graph
from specc.ir.weights import Weight, frozen_norms, selected, selects, weights_of
from specc.tricks.sections import TrainSettings
from specc.values import Bound, show
from specc.vocabulary.family import Optimizer
from specc.vocabulary.registry import component

Weights = dict[str, nn.Parameter]


def kernel_names(graph: Graph) -> dict[str, Bound | None]:
    """The state-dict keys of the kernels, each with its layer's own regularizer."""
    return {
        weight.name: node.args.regularize if (node := graph.nodes[weight.node]).op.takes("regularize") else None
        for weight in weights_of(graph)
        if weight.kind == "kernel"
    }


def freeze(net: Net, graph: Graph, selectors: Iterable[str]) -> list[str]:
    """Stop the weights that the selectors pick from learning; their keys.

    Norms of which everything is frozen, by a selector or by `trainable=false`, rest: see `Net.rest`.
    """
    selectors = tuple(selectors)
    frozen = [weight.name for weight in selected(selectors, weights_of(graph))]
    for name in frozen:
        net.get_parameter(name).requires_grad_(False)
    net.rest(frozen_norms(graph, selectors))
    return frozen


def learning(net: nn.Module) -> Weights:
    """The weights that learn, by state-dict key."""
    return {name: weight for name, weight in net.named_parameters() if weight.requires_grad}


class ParamRule(NamedTuple):
    """How a weight learns.

    by: the setting or group that says so, in words. optimizer: its name. options: its arguments but for rate and decay.
    until: epochs, or percent of the training, after which it stands still; None: never. is_free: it is the optimizer's
    schedule-free form that moves it.
    """

    by: str
    optimizer: str
    options: tuple[tuple[str, Any], ...]
    lr: float
    decay: float
    schedule: tuple[Bound, ...]
    until: float | None = None
    is_free: bool = False

    def __str__(self) -> str:
        decay = f", weight_decay {self.decay:g}" if self.decay else ""
        until = "" if self.until is None else f", until {'epoch ' * (type(self.until) is float)}{show(self.until)}"
        return f"{'schedule-free ' * self.is_free}{self.optimizer}, lr {self.lr:g}{decay}{until}"


def param_rules(graph: Graph, settings: TrainSettings, names: Iterable[str]) -> dict[str, ParamRule]:
    """How each of these weights learns, by the settings of the section `train`."""
    wanted = set(names)
    return {weight.name: param_rule(weight, settings) for weight in weights_of(graph) if weight.name in wanted}


def param_rule(weight: Weight, settings: TrainSettings) -> ParamRule:
    """How a weight learns, by the settings of the section `train`."""
    groups: Sequence[Bound] = settings.groups or ()
    group = next((g for g in groups if any(selects(name, weight) for name in g.args.weights)), None)
    usual = _optimizer_for(settings.mover, weight)
    is_free = settings.wrapper("schedule_free") is not None  # the checker refuses groups with other optimizers then
    if group is None:
        decay = usual.args.weight_decay if weight.kind == "kernel" else 0.0
        return ParamRule(
            "train",
            usual.name,
            _options(usual, is_free=is_free),
            usual.args.lr,
            decay,
            settings.schedule,
            is_free=is_free,
        )
    a = group.args
    mover = usual if a.optimizer is None else _optimizer_for(a.optimizer, weight)
    rate = mover.args.lr if a.lr is None else a.lr
    decay = mover.args.weight_decay if weight.kind == "kernel" else 0.0
    return ParamRule(
        f"group({', '.join(a.weights)})",
        mover.name,
        _options(mover, is_free=is_free),
        rate if a.scale is None else rate * a.scale,
        decay if a.weight_decay is None else a.weight_decay,
        settings.schedule if a.schedule is None else a.schedule,
        a.until,
        is_free,
    )


def _optimizer_for(optimizer: Bound, weight: Weight) -> Bound:
    """What moves a weight: the optimizer, or the one to which it leaves such weights."""
    word = component(Optimizer, optimizer)
    if word.division is None or word.moves(optimizer.args, weight.kind, weight.is_last):
        return optimizer
    return _optimizer_for(getattr(optimizer.args, word.division.others), weight)


def _options(optimizer: Bound, *, is_free: bool) -> tuple[tuple[str, Any], ...]:
    word = component(Optimizer, optimizer)
    form = word.schedule_free if is_free else None
    return tuple((name, value) for name, value in word.options(optimizer.args) if not form or name not in form.without)


class Optimizers:
    """The optimizers of a training as one. parts: torch's, one for each kind and its options.

    groups: torch's parameter groups of all parts; `rate` is a group's learning rate before its `schedule`. Where a step
    may be recorded, `lr` is a tensor on the device, else a float. main: the one that moves the most numbers. rate: its
    learning rate in the last step.
    """

    def __init__(self, weights: Weights, found: dict[str, ParamRule]) -> None:
        sorted_out: dict[tuple[Any, ...], dict[tuple[Any, ...], dict[str, Any]]] = {}
        for name, weight in weights.items():
            rule = found[name]
            groups = sorted_out.setdefault((rule.optimizer, rule.options, rule.is_free), {})
            start = {
                "params": [],
                "lr": rule.lr,
                "weight_decay": rule.decay,
                "rate": rule.lr,
                "schedule": rule.schedule,
            }
            groups.setdefault((rule.lr, rule.decay, repr(rule.schedule)), start)["params"].append(weight)
        device = next(iter(weights.values())).device
        self.parts = [
            _make(name, dict(options), list(groups.values()), device, is_free=is_free)
            for (name, options, is_free), groups in sorted_out.items()
        ]
        self.groups: list[dict[str, Any]] = [group for part in self.parts for group in part.param_groups]
        self.main = max(self.groups, key=lambda group: sum(weight.numel() for weight in group["params"]))
        self.rate: float = self.main["rate"]
        self._owner = {weight: part for part in self.parts for group in part.param_groups for weight in group["params"]}

    def set_rates(self, factor: Callable[[tuple[Bound, ...]], float]) -> None:
        """Set each group's learning rate, given what its schedule multiplies it by."""
        self.rate = self.main["rate"] * factor(self.main["schedule"])
        for group in self.groups:
            now = group["rate"] * factor(group["schedule"])
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(now)
            else:
                group["lr"] = now

    def moving(self) -> list[torch.optim.Optimizer]:
        """The parts that have a gradient to follow: all of whose weights stand still has none."""
        return [part for part in self.parts if any(_has_gradient(group) for group in part.param_groups)]

    def step(self) -> None:
        for part in self.parts:
            part.step()

    def begin_momentum(self) -> None:
        """Let the momentum of SGD begin at 0 where it has not begun yet.

        A loss scale lets a first step be skipped; torch's fused SGD would then keep memory that was never written. From
        0 the first step that is taken gives the same momentum, the gradient.
        """
        for part in self.parts:
            for group in part.param_groups if isinstance(part, torch.optim.SGD) else ():
                for weight in group["params"] if group["momentum"] else ():
                    if weight.grad is not None and "momentum_buffer" not in part.state[weight]:
                        part.state[weight]["momentum_buffer"] = torch.zeros_like(weight)

    def zero_grad(self) -> None:
        for part in self.parts:
            part.zero_grad()

    def forget(self) -> None:
        """Drop all that the optimizers remember of the weights, as in a training that begins."""
        for part in self.parts:
            if isinstance(part, Free):
                part.settle()
            part.state.clear()

    def average_of(self, weight: nn.Parameter) -> Tensor:
        """What is evaluated of a weight: of one that learns schedule-free its average, else itself."""
        part = self._owner[weight]
        return part.average(weight) if isinstance(part, Free) else weight.detach()

    def state_of(self, weight: nn.Parameter) -> dict[str, Any]:
        """What the optimizer of a weight remembers of it."""
        found: dict[str, Any] = self._owner[weight].state.get(weight, {})
        return found

    def tensors(self) -> list[Tensor]:
        """All that the optimizers remember as tensors."""
        states = [of_weight for part in self.parts for of_weight in part.state.values()]
        return [value for state in states for value in state.values() if isinstance(value, Tensor)]

    def remember(self, weight: nn.Parameter, key: str, value: Tensor) -> None:
        """Put a saved part of that state back, in the memory layout in which the optimizer would have made it."""
        part = self._owner[weight]
        if value.shape == weight.shape and value.dim():
            value = torch.empty_like(weight, dtype=value.dtype).copy_(value)
        else:
            value = value.to(weight.device) if part.defaults.get("fused") else value.clone()
        part.state[weight][key] = value


def _has_gradient(group: dict[str, Any]) -> bool:
    return any(weight.grad is not None for weight in group["params"])


def _make(
    name: str, options: dict[str, Any], groups: list[dict[str, Any]], device: torch.device, *, is_free: bool
) -> torch.optim.Optimizer:
    word = component(Optimizer, name)
    if is_free:
        assert word.schedule_free is not None
        kind: Any = _unmarked(resolve(word.schedule_free.target))
        free: torch.optim.Optimizer = kind(groups, lr=groups[0]["rate"], **options)
        return free
    if is_fused(name, device):
        options["fused"] = True
    if word.recordable and device.type == "cuda":
        groups = [group | {"lr": torch.tensor(group["lr"], device=device)} for group in groups]
    if word.capturable and device.type == "cuda":
        options["capturable"] = True
    kind = _unmarked(resolve(word.target))
    optimizer: torch.optim.Optimizer = kind(groups, lr=groups[0]["rate"], **options)
    optimizer._warned_capturable_if_run_uncaptured = True  # noqa: SLF001  # as is meant
    return optimizer


@cache
def _unmarked(kind: Any) -> Any:
    """The same optimizer without torch's marks for its compiler, which import it: a second, though no step is compiled.

    The marks are decorators; hooks of steps stay. What a package registered may be any callable, and is left alone.
    """
    if not isinstance(kind, type):
        return kind
    methods = {name: unwrap(getattr(kind, name)) for name in ("add_param_group", "zero_grad", "step")}
    return type(kind.__name__, (kind,), {**methods, "step": torch.no_grad()(methods["step"])})


def is_fused(name: str, device: torch.device) -> bool:
    """Whether an optimizer goes over all weights in one pass, on this device."""
    return component(Optimizer, name).fused and device.type in ("cpu", "cuda")


def make_optimizers(graph: Graph, settings: TrainSettings, weights: Weights) -> Optimizers:
    """The optimizers of the weights that learn, on the device where they are, by the settings of the section `train`.

    Weight decay reaches kernels only, unless a group asks for it.
    """
    return Optimizers(weights, param_rules(graph, settings, weights))
