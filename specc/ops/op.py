"""What a layer is: one value that holds everything the compiler asks about it.

Shapes are `(channels, height, width)` or `(length,)`; MACs are multiply-accumulates of one image.
No op imports torch or onnx: `torch` gives a `Target` that the back end instantiates, and `onnx` writes nodes through
a builder that the back end passes in.
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from specc.ops.activity import LINEAR, RECTIFIER, SATURATING, Activity
from specc.ops.expansion import ONE_NODE, Expansion
from specc.ops.reads import Reach, Reads
from specc.ops.signal import PASS, Rule
from specc.values import Args
from specc.vocabulary.param import Param
from specc.vocabulary.problem import Problem
from specc.vocabulary.shape import Shape, size_text
from specc.vocabulary.target import Target
from specc.vocabulary.weight import Statistic, WeightSpec

Group = Literal[
    "convolution",
    "dense",
    "normalization",
    "activation",
    "pooling",
    "regularization",
    "shape",
    "taking a body",
    "other",
]


def _no_weights(x: Any, a: Args) -> tuple[WeightSpec, ...]:
    return ()


def _no_statistics(x: Any, a: Args) -> tuple[Statistic, ...]:
    return ()


def _no_macs(x: Shape, a: Args, y: Shape) -> int:
    return 0


class Op(NamedTuple):
    """One layer of the vocabulary.

    name, doc: `doc` is one or two sentences for a person who meets the layer for the first time.
    group: what kind of layer it is: a heading of the reference, and what lints ask for.
    params: in the order of positional arguments.
    shape(x, a): the output shape; an op that joins several inputs (`joins`) gets a list of shapes. Raises `Problem`.
    weights(x, a): what it learns, in the order of the module's parameters, whose names and shapes they have.
    statistics(x, a): what it keeps besides, in the order of the module's buffers.
    macs(x, a, y): multiply-accumulates of one image.
    torch(x, a): the `Target`; None for what leaves no module (`as`, `from`, `repeat`, …).
    onnx(g, names, a, w, x, y): writes ONNX nodes through the builder `g`, gives the name of the output value. `names`
        are the input values, `w` maps the module's own parameter and buffer names to initializers, x and y are shapes.
    reads(x, a): which positions of the input an output position depends on, for the receptive field.
    example: a body in the language that compiles after `input(8, 16x16)`.
    expands: what a call of it becomes: one node, unless it says otherwise.
    cancels_bias: subtracts a mean over each channel, so that a bias right before it has no effect.
    training_only: does nothing in evaluation and leaves no trace in the exported graph.
    idle(a): whether such an op does nothing in training, either.
    is_softmax: is the softmax over the channels, which as the last layer is folded into the loss.

    What the lints and `init=auto` ask:
    signal: how it changes the size of activations and gradients before any training.
    saturates: is flat for large numbers of either sign. rectifies: lets about half of the numbers through.
    acts(a): what an activation is to the kernels before it, where `saturates` and `rectifies` do not say it all.
    batch_statistics: takes averages over the batch in training, and running ones in evaluation.
    needs_bypass: drops all of an image at times, so that something else has to flow around it.
    repeatable(x, a): whether its gradient on CUDA is the same, bit by bit, each time.
    """

    name: str
    group: Group
    doc: str
    params: tuple[Param, ...] = ()
    shape: Callable[[Any, Args], Shape] = lambda x, a: x
    weights: Callable[[Any, Args], tuple[WeightSpec, ...]] = _no_weights
    statistics: Callable[[Any, Args], tuple[Statistic, ...]] = _no_statistics
    macs: Callable[[Shape, Args, Shape], int] = _no_macs
    torch: Callable[[Any, Args], Target] | None = None
    onnx: Callable[..., str] | None = None
    reads: Callable[[Any, Args], Reach] = lambda x, a: Reads.POINT
    example: str = ""
    expands: Expansion = ONE_NODE
    cancels_bias: bool = False
    training_only: bool = False
    idle: Callable[[Args], bool] = lambda a: False
    is_softmax: bool = False
    signal: Rule = PASS
    saturates: bool = False
    rectifies: bool = False
    acts: Callable[[Args], Activity] | None = None
    batch_statistics: bool = False
    needs_bypass: bool = False
    repeatable: Callable[[Any, Args], bool] = lambda x, a: True
    family: str = "layer"

    def takes(self, name: str) -> bool:
        """Whether it has a parameter of that name."""
        for param in self.params:  # noqa: SIM110 - asked of every layer, many times; `any` takes three times as long
            if param.name == name:
                return True
        return False

    def activity(self, a: Args) -> Activity | None:
        """What it is to the kernels before it; None for a layer that is no activation."""
        if self.acts is not None:
            return self.acts(a)
        if self.rectifies or self.saturates:
            return RECTIFIER if self.rectifies else SATURATING
        return LINEAR if self.group == "activation" else None

    @property
    def body(self) -> str:
        """The body that a call takes: "" (none), "one" or "branches"."""
        return self.expands.body

    @property
    def joins(self) -> bool:
        """Whether its node has several inputs, of whose shapes the rules get a list."""
        return self.expands.joins


def needs_map(x: Shape, layer: str) -> None:
    """Raise `Problem` E302 unless `x` is channels x height x width."""
    if len(x) != 3:
        raise Problem(
            "E302",
            f"`{layer}` needs a feature map (channels x height x width), but its input is a vector of {size_text(x)}",
            help=f"put `{layer}` before `flatten` or the dense layers",
        )
