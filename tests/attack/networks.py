"""Networks written at random, all of them valid: every layer of the vocabulary, with arguments that fit.

While a network is written its shapes are worked out, by the layers' own rules, so that what follows fits.
"""

from collections.abc import Callable
from math import prod
from random import Random
from typing import Any, NamedTuple

from specc.ops import OPS
from specc.ops.expansion import (
    ONE_NODE,
    AroundBody,
    AuxiliaryHead,
    Branches,
    NamedTensor,
    NamesTensor,
    PassOn,
    Repeat,
    ShapeCheck,
    WithNamed,
)
from specc.ops.op import Op
from specc.values import Args, Size
from specc.vocabulary.problem import Problem
from specc.vocabulary.shape import Shape
from tests.attack.arguments import draw_arguments

LARGEST = 4_000  # numbers of an activation
MOST_WEIGHTS = 20_000  # of a layer
TRIES = 12
# Each layer, and more often those that shape the graph.
WORDS = [op for op in OPS.values() if op.name != "input" for _ in range(1 if op.expands is ONE_NODE else 3)]


class Block(NamedTuple):
    """A block that was written. parameters: its integers, with the values that it was written for."""

    name: str
    x: Shape
    y: Shape
    parameters: dict[str, int]


class Written(NamedTuple):
    """The text of some layers, and the shape that comes out."""

    text: str
    shape: Shape


class Writer:
    """Writes one network."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311
        self.blocks: list[Block] = []
        self.lines: list[str] = []  # of blocks, before the network
        self.count = 0
        self.may_have_heads = True
        self.names: dict[str, int] = {}  # integers in scope

    def network(self) -> str:
        """The whole spec."""
        random = self.random
        channels, size = random.choice((1, 2, 3, 4, 6, 8)), Size(random.randrange(1, 13), random.randrange(1, 13))
        x: Shape = (channels, *size)
        top = f"input({channels}, {size})"
        if random.random() < 0.05:
            x, top = (12 * channels,), f"input({12 * channels})"
        if random.random() < 0.3:
            self.names["width"] = random.choice((2, 3, 4))
            self.lines.append(f"let width = {self.names['width']}")
        shared = dict(self.names)
        for _ in range(random.randrange(3)):
            self.names = dict(shared)
            self.block(x)
        self.names = shared | ({"depth": 2} if random.random() < 0.5 else {})
        parameters = "(depth=2)" if "depth" in self.names else ""
        tensors: dict[str, Shape] = {}
        parts = []
        for _ in range(random.randrange(1, 4)):
            part = self.body(x, 2, tensors)
            parts.append(part.text)
            x = part.shape
        parts.append(self.ending(x))
        body = "\n".join(f"  {part}" for part in [top, *parts] if part)
        return "\n".join([*self.lines, f"network Net{parameters} {{\n{body}\n}}\n"])

    def ending(self, x: Shape) -> str:
        """A classifier, half of the time."""
        if self.random.random() < 0.5:
            return ""
        softmax = " -> softmax" if self.random.random() < 0.5 else ""
        if len(x) == 1:
            return f"dense(3){softmax}"
        return self.random.choice(("global_avg_pool -> dense(5)", "flatten -> dense(4)", "conv(3, 1x1)")) + softmax

    def fresh(self, stem: str) -> str:
        self.count += 1
        return f"{stem}{self.count}"

    def without_heads(self, write: Callable[..., Written], *args: Any, **options: Any) -> Written:
        """What is written without heads: there may be none in a head, and none twice."""
        before, self.may_have_heads = self.may_have_heads, False
        part = write(*args, **options)
        self.may_have_heads = before
        return part

    def block(self, x: Shape) -> None:
        """A block for an input of this shape: some of its numbers are parameters, one of its layers may be."""
        name = self.fresh("block")
        own = {f"p{i}": self.random.choice((1, 2, 3, 4)) for i in range(self.random.randrange(3))}
        self.names |= own
        inner = self.without_heads(self.body, x, 1, {})
        parameters = [f"{key}={value}" if self.random.random() < 0.5 else key for key, value in own.items()]
        parameters.sort(key=lambda text: "=" in text)
        self.lines.append(f"block {name}({', '.join([*parameters, 'act=relu'])}) {{ {inner.text} -> act }}")
        ordered = {text.partition("=")[0]: own[text.partition("=")[0]] for text in parameters}
        self.blocks.append(Block(name, x, inner.shape, ordered))

    def body(self, x: Shape, depth: int, tensors: dict[str, Shape], most: int = 3, map_only: bool = False) -> Written:
        """Some layers after one another. tensors: those that have a name here; what is named is added.

        map_only: what comes out is a map where `x` is one.
        """
        texts = []
        for _ in range(self.random.randrange(1, most + 1)):
            text, x = self.stage(x, depth, tensors, map_only)
            texts.append(text)
        return Written(" -> ".join(texts), x)

    def stage(self, x: Shape, depth: int, tensors: dict[str, Shape], map_only: bool) -> Written:
        """One layer that fits, whichever; `identity` where none of those that were tried does."""
        for _ in range(TRIES):
            part = self._one_stage(x, depth, tensors)
            if part is not None and prod(part.shape) <= LARGEST and not (map_only and len(part.shape) < len(x)):
                return part
        return Written("identity", x)

    def _one_stage(self, x: Shape, depth: int, tensors: dict[str, Shape]) -> Written | None:
        choice = self.random.random()
        if choice < 0.06:
            return self.call_of_block(x)
        if depth and choice < 0.14:
            return self.random.choice((self.conditional, self.loop))(x, depth, tensors)
        op = self.random.choice(WORDS)
        if op.expands is ONE_NODE:
            return self.layer(op, x)
        return self.with_body(op, x, depth - 1, tensors) if op.body else self.without_node(op, x, tensors)

    def without_node(self, op: Op, x: Shape, tensors: dict[str, Shape]) -> Written | None:
        """A layer that names, finds or checks a tensor."""
        match op.expands:
            case PassOn():
                return Written(op.name, x)
            case ShapeCheck():
                size = f", {x[1]}x{x[2]}" if len(x) == 3 else ""
                return Written(f"{op.name}({x[0]}{size})", x)
            case NamesTensor():
                name = self.fresh("t")
                tensors[name] = x
                return Written(f"{op.name}({name})", x)
            case NamedTensor() if tensors:
                name = self.random.choice(list(tensors))
                return Written(f"{op.name}({name})", tensors[name])
            case WithNamed() if tensors:
                return self.with_named(op, x, tensors)
        return None

    def with_body(self, op: Op, x: Shape, depth: int, tensors: dict[str, Shape]) -> Written | None:
        """A layer with a body; none where there are bodies enough around it."""
        if depth < 0:
            return None
        match op.expands:
            case Branches():
                return self.branches(op, x, depth, tensors)
            case AroundBody(join=join):
                text, y = self.fitted(self.body(x, depth, dict(tensors), map_only=True), x)
                return Written(f"{op.name} {{ {text} }}", shape_of(join, [x, y], Args()) or x)
            case Repeat():
                inner = self.without_heads(self.body, x, depth, dict(tensors), most=2, map_only=True)
                text, y = self.fitted(inner, x)
                return Written(f"{op.name}({self.random.randrange(4)}) {{ {text} }}", y)
            case AuxiliaryHead() if self.may_have_heads:
                inner = self.without_heads(self.body, x, 0, dict(tensors))
                return Written(f"{op.name}({self.fresh('h')}) {{ {inner.text} }}", x)
        return None

    def layer(self, op: Op, x: Shape) -> Written | None:
        for _ in range(TRIES):
            args, text = draw_arguments(self.random, op, x, self.names)
            y = shape_of(op, x, args)
            if y is not None:
                return Written(op.name + text, y)
        return None

    def with_named(self, op: Op, x: Shape, tensors: dict[str, Shape]) -> Written | None:
        assert isinstance(op.expands, WithNamed)
        for _ in range(TRIES):
            args, text = draw_arguments(self.random, op, x, self.names, list(tensors))
            named = getattr(args, op.expands.name)
            y = shape_of(op, [x] if named is None else [x, tensors[named]], args)
            if y is not None:
                return Written(op.name + text, y)
        return None

    def branches(self, op: Op, x: Shape, depth: int, tensors: dict[str, Shape]) -> Written | None:
        """Branches of which the first says what shape the others are brought to, where they have to be."""
        parts = [self.body(x, depth, dict(tensors), most=2) for _ in range(self.random.randrange(1, 4))]
        if shape_of(op, [part.shape for part in parts], Args()) is None:
            parts = [parts[0], *(self.fitted(part, parts[0].shape) for part in parts[1:])]
        if (
            op.name == "multiply"
            and len(parts[0].shape) == 3
            and "head" not in parts[0].text
            and self.random.random() < 0.5
        ):
            channels, *size = parts[0].shape
            gates = (("global_avg_pool", (channels, 1, 1)), ("channel_max", (1, *size)))
            gate, shape = self.random.choice(gates)
            parts.append(Written(f"{parts[0].text} -> {gate}", shape))
        self.random.shuffle(parts)
        y = shape_of(op, [part.shape for part in parts], Args())
        return None if y is None else Written(f"{op.name} {{ {' '.join(f'| {part.text}' for part in parts)} }}", y)

    def fitted(self, part: Written, wanted: Shape) -> Written:
        """The layers, and more that bring what comes out of them to a shape, where that can be."""
        texts, y = [part.text], part.shape
        if len(wanted) == 1:
            if len(y) == 3:
                texts.append("flatten")
            if prod(y) != wanted[0] or self.random.random() < 0.1:
                texts.append(f"dense({wanted[0]})")
            return Written(" -> ".join(texts), wanted)
        if len(y) == 3:
            if y[1:] != wanted[1:]:
                texts.append(f"adaptive_avg_pool({wanted[1]}x{wanted[2]})")
            if y[0] != wanted[0]:
                texts.append(f"conv({wanted[0]}, 1x1)")
            y = wanted
        return Written(" -> ".join(texts), y)

    def call_of_block(self, x: Shape) -> Written | None:
        fitting = [block for block in self.blocks if block.x == x]
        if not fitting:
            return None
        block = self.random.choice(fitting)
        values = [str(value) for value in block.parameters.values()]
        act = self.random.choice(
            ("", "act=tanh", "act=leaky_relu(0.2)", "act=hard_swish -> batch_norm", "act=identity")
        )
        if any(part > 1 for part in block.y[1:]) or block.y[0] > 1 or "batch_norm" not in act:
            values += [act] * bool(act)
        return Written(f"{block.name}({', '.join(values)})" if values else block.name, block.y)

    def conditional(self, x: Shape, depth: int, tensors: dict[str, Shape]) -> Written:
        """An `if` whose condition holds or not; what is not taken fits, too."""
        taken, other = (self.body(x, depth - 1, dict(tensors)) for _ in range(2))
        holds, fails = f"in.channels == {x[0]}", f"in.channels > {x[0]}"
        if self.random.random() < 0.3:
            return Written(f"if {fails} {{ {other.text} }}", x)
        if self.random.random() < 0.5:
            return Written(f"if {holds} {{ {taken.text} }} else {{ {other.text} }}", taken.shape)
        return Written(f"if {fails} or not true {{ {other.text} }} else {{ {taken.text} }}", taken.shape)

    def loop(self, x: Shape, depth: int, tensors: dict[str, Shape]) -> Written | None:
        """A `for` over numbers of filters or units, and over an index."""
        values = [self.random.choice((1, 2, 3, 5)) for _ in range(self.random.randrange(1, 4))]
        if len(x) == 1:
            return Written(f"for k in {values} {{ dense(k) -> tanh }}", (values[-1],))
        inner = f"conv(k + i, {self.random.choice(('1x1', '3x3', '3'))})"
        return Written(f"for (i, k) in enumerate({values}) {{ {inner} }}", (values[-1] + len(values) - 1, *x[1:]))


def shape_of(op: Op, x: Shape | list[Shape], args: Args) -> Shape | None:
    """What comes out; None where the layer does not take this, or it would be large."""
    try:
        y: Shape = op.shape(x, args)
    except Problem:
        return None
    if op.torch is not None and not op.joins:
        weights = op.weights(x, Args(**(args.as_dict() | {"init": None, "bias": True})))
        if sum(weight.size for weight in weights) > MOST_WEIGHTS:
            return None
    return y


def written(seed: int) -> str:
    """The spec of a seed, always the same."""
    return Writer(seed).network()
