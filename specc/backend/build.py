"""From the typed graph to a PyTorch module."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple, Self

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from specc.backend.resolve import resolve
from specc.ir.graph import Graph
from specc.ir.passes import logits_of, source
from specc.vocabulary.target import Target

ForwardHook = Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]


class Step(NamedTuple):
    """One layer's turn: `module(*values[inputs])` becomes `values[output]`; nothing needs those at `drop` after it."""

    module: nn.Module
    inputs: tuple[int, ...]
    output: int
    drop: tuple[int, ...]


class Net(nn.Module):
    """A network whose modules are nested by the path of their node's name, and so are the keys of its state dict.

    graph: what it was built from. layers: each node's module by the node's name, in the order in which they run;
    nodes that only pass their input on have none, and uses of shared layers have one module, which is nested where it
    is used first. resting: see `rest`. runner: what carries out the steps of a forward pass in training.
    """

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.graph = graph
        self.layers: dict[str, nn.Module] = {}
        for node in graph.nodes:
            if node.owner.name in self.layers and (graph.weights(node) or graph.statistics(node)):
                self.layers[node.name] = self.layers[node.owner.name]
            elif node.op.torch is not None:
                module = instantiate(node.op.torch(graph.inputs_of(node), node.args))
                module.requires_grad_(node.learns)
                self.layers[node.name] = module
                _attach(self, node.name, module)
        self.result = logits_of(graph, graph.output)
        self.heads = {head.name: logits_of(graph, head.output) for head in graph.heads}
        self.resting: tuple[str, ...] = ()
        self.runner: Callable[[Sequence[Step], dict[int, Tensor]], None] = run
        self._steps = self.schedule({self.result})
        self._training_steps = self.schedule({self.result, *self.heads.values()})

    def train(self, mode: bool = True) -> Self:
        """Training mode, or evaluation mode; layers that rest are in evaluation mode always."""
        super().train(mode)
        for name in self.resting:
            self.layers[name].eval()
        return self

    def rest(self, names: Iterable[str]) -> None:
        """From now on these layers, and no others, work in training as they do in evaluation.

        So norms do of which everything is frozen: they use their running statistics, and keep them as they are.
        """
        resting = tuple(names)
        if resting != self.resting:
            self.resting = resting
            self.train(self.training)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, dict[str, Tensor]]:
        """Logits, N x classes, of normalized images, N x C x H x W; N x C x H x W where the network ends in a map.

        In training, where the network has auxiliary classifiers, a pair: the logits, and those of each by its name.
        """
        values = {0: x}
        (self.runner if self.training else run)(self.steps, values)
        return self.answer(values)

    @property
    def steps(self) -> tuple[Step, ...]:
        """What `forward` carries out, in training mode or in evaluation mode."""
        return self._training_steps if self.training else self._steps

    def answer(self, values: dict[int, Tensor]) -> Tensor | tuple[Tensor, dict[str, Tensor]]:
        """What `forward` gives, once the values of the nodes that it is made of are there."""
        logits = self._flat(values, self.result)
        if not self.training or not self.heads:
            return logits
        return logits, {name: self._flat(values, i) for name, i in self.heads.items()}

    def hook_uses(self, hook: Callable[[str], ForwardHook]) -> list[RemovableHandle]:
        """Register a forward hook for each node, which may be one of several that run the same module.

        hook: gives that of the node of a name.
        """
        hooks = {name: hook(name) for name in self.layers}
        uses: dict[nn.Module, Iterator[str]] = {}

        def begin(net: nn.Module, given: tuple[Tensor, ...]) -> None:
            names: dict[nn.Module, list[str]] = {}
            for step in self.steps:
                names.setdefault(step.module, []).append(self.graph.nodes[step.output].name)
            uses.update({module: iter(several) for module, several in names.items()})

        def forward(module: nn.Module, given: tuple[Tensor, ...], out: Tensor) -> None:
            hooks[next(uses[module])](module, given, out)

        handles = [module.register_forward_hook(forward) for module in dict.fromkeys(self.layers.values())]
        return [self.register_forward_pre_hook(begin), *handles]

    def pools_after_relu(self) -> int:
        """How many `relu -> max_pool` could train the other way round; see `pool_first`."""
        pairs = zip(self._training_steps, turn_round(self._training_steps), strict=True)
        return sum(one.module is not other.module for one, other in pairs) // 2

    def pool_first(self) -> None:
        """From now on `relu -> max_pool` trains as `max_pool -> relu`.

        The numbers and the gradients are the same: the largest of some numbers stays it when what is negative becomes
        zero, and where all are negative no gradient flows either way. But relu has a quarter of the work, or less. In
        evaluation, and where something else needs what relu gives, the order stays.
        """
        self._training_steps = turn_round(self._training_steps)

    def _flat(self, values: dict[int, Tensor], index: int) -> Tensor:
        """The value of a node, N x C where it is N x C x 1 x 1."""
        return values[index].flatten(1) if self.graph.nodes[index].shape[1:] == (1, 1) else values[index]

    def schedule(self, results: set[int]) -> tuple[Step, ...]:
        """The steps that lead to the results, and no others; each value is dropped after its last use."""
        steps: list[Step] = []
        needed = set(results)
        for node in reversed(self.graph.nodes):
            if node.index in needed and node.name in self.layers:
                inputs = tuple(source(self.graph, i) for i in node.inputs)
                steps.append(Step(self.layers[node.name], inputs, node.index, tuple({*inputs} - needed)))
                needed.update(inputs)
        return tuple(reversed(steps))


def run(steps: Iterable[Step], values: dict[int, Tensor]) -> None:
    """Carry out steps one after the other. values: those of nodes by their index, which are read, added and dropped."""
    for module, inputs, output, drop in steps:
        values[output] = module(*[values[i] for i in inputs])
        for i in drop:
            del values[i]


def build(graph: Graph) -> Net:
    """The network as a module. Its weights are arbitrary until `initialize` draws them or a state dict is loaded."""
    return Net(graph)


def turn_round(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps with each relu after the max_pool that is next and alone needs it."""
    turned = list(steps)
    for i, (first, second) in enumerate(pairwise(turned)):
        alone = second.inputs == second.drop == (first.output,)
        if alone and isinstance(first.module, nn.ReLU) and isinstance(second.module, nn.MaxPool2d):
            turned[i : i + 2] = [
                Step(second.module, first.inputs, first.output, first.drop),
                Step(first.module, second.inputs, second.output, second.drop),
            ]
    return tuple(turned)


def instantiate(target: Target) -> nn.Module:
    """The module that a target describes, with torch's own initial weights."""
    module: nn.Module = resolve(target.path)(**target.kwargs)
    return module


def _attach(net: nn.Module, name: str, module: nn.Module) -> None:
    """Put a module at `unit1.conv1`, with plain modules on the way."""
    *path, last = name.split(".")
    for part in path:
        net = net._modules.setdefault(part, nn.Module())  # type: ignore[assignment]  # noqa: SLF001
    # Not `add_module`, which refuses what is an attribute of every module: a head may be called `train`.
    net._modules[last] = module  # noqa: SLF001
