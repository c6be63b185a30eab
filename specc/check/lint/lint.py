"""What a lint is, and what it inspects."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from math import nan
from typing import Any, NamedTuple

from specc.check.expand.names import Overwritten
from specc.check.gather.spec import Spec
from specc.check.lint import names
from specc.check.problems import chain
from specc.diagnostics import Fix, Label
from specc.ir.graph import Graph, Node
from specc.ir.passes import trunk
from specc.ir.signal import Signal, predict
from specc.ops.signal import Moments
from specc.source import Span
from specc.syntax import tree as t
from specc.tricks.length import batches, split_off, steps
from specc.tricks.sections import DataSettings, TrainSettings
from specc.vocabulary.family import Normalization, Validation
from specc.vocabulary.family import Source as DataSource
from specc.vocabulary.registry import component

# Of photographs from 0 to 1, and which part of their variance all places of an image share: measured on CIFAR-10.
IMAGE_MEAN, IMAGE_DEVIATION, SHARED = 0.47, 0.25, 0.3


class Linted:
    """A network, its data and its training settings, which passed the check without errors.

    source: the file being checked, not one that it extends. data: None if the file has none. dropped: dead nodes, with
    their original indices. overwritten: names of tensors that are defined twice.
    """

    def __init__(
        self,
        spec: Spec,
        graph: Graph,
        data: DataSettings | None,
        train: TrainSettings,
        dropped: Sequence[Node],
        overwritten: Sequence[Overwritten],
    ) -> None:
        self.source, self.spec, self.graph = spec.source, spec, graph
        self.data, self.train, self.dropped, self.overwritten = data, train, dropped, overwritten

    @property
    def data_source(self) -> DataSource:
        """Where the images come from, for lints that need data."""
        assert self.data is not None
        return component(DataSource, self.data.source)

    @property
    def ends(self) -> list[Node]:
        """The last node of the network and of each auxiliary classifier."""
        return [self.graph.nodes[i] for i in (self.graph.output, *(head.output for head in self.graph.heads))]

    @cached_property
    def readers(self) -> list[list[Node]]:
        """The nodes that read each node's output."""
        readers: list[list[Node]] = [[] for _ in self.graph.nodes]
        for node in self.graph.nodes:
            for i in node.inputs:
                readers[i].append(node)
        return readers

    @cached_property
    def trunk(self) -> list[Node]:
        """The nodes on every path from input to output: those outside branches."""
        return trunk(self.graph)

    @cached_property
    def names(self) -> Counter[str]:
        """How often the whole spec uses each name."""
        return names.names(names.everything(self.spec))

    @cached_property
    def calls(self) -> dict[Span, t.Call]:
        """The calls of layers by span: a node's call has the node's span."""
        return names.calls(self.spec)

    @cached_property
    def kernels(self) -> list[Node]:
        """The layers with kernels, without those of auxiliary classifiers."""
        return [node for node in self.graph.nodes if self.graph.kernel(node) is not None and not node.head]

    @cached_property
    def activations(self) -> list[tuple[Node, Node]]:
        """Each layer with a kernel outside branches, with the activation that follows it without a norm in between."""
        on_trunk = {node.index for node in self.trunk}
        pairs = ((node, self.following(node)) for node in self.kernels)
        return [(a, b) for a, b in pairs if b is not None and b.op.group == "activation" and b.index in on_trunk]

    def following(self, node: Node) -> Node | None:
        """The next layer that is not plain, if the path to it does not branch; else None."""
        while len(readers := self.readers[node.index]) == 1:
            node = readers[0]
            if not self.is_plain(node):
                return node
        return None

    def is_plain(self, node: Node) -> bool:
        """Whether a layer only moves, pools or perturbs values: no kernel, no norm, no activation, no join."""
        bends = node.op.group in ("activation", "normalization")
        return self.graph.kernel(node) is None and not bends and not node.op.joins

    @cached_property
    def signal(self) -> Signal:
        """The predicted size of activations and gradients before any training; NaN if it overflows."""
        try:
            return predict(self.graph, self._images())
        except (ArithmeticError, ValueError):
            return Signal([Moments(nan, nan, nan, nan)] * len(self.graph.nodes), {0: nan})

    def _images(self) -> Moments:
        """The moments of the images as they enter the network."""
        mean, deviation = 0.0, 1.0
        if self.data is not None:
            normalize = self.data.normalize
            normalization = component(Normalization, normalize)
            mean, deviation = normalization.moments(normalize.args, IMAGE_MEAN, IMAGE_DEVIATION)
        return Moments(mean, mean**2 + deviation**2, mean**2 + SHARED * deviation**2, mean**2)

    @cached_property
    def steps(self) -> tuple[int, int] | None:
        """The steps of an epoch and of the whole training, as the engine counts them; None before the data are read."""
        images = self.data_source.images
        if self.data is None or images is None:
            return None
        chosen = component(Validation, self.data.validation)
        # Sources whose size is known all come with a test part: `auto` takes that one.
        if chosen.share is not None and not chosen.parts:
            images -= split_off(images, chosen.share(self.data.validation.args))
        if images < 1:
            return None
        return steps(self.train.epochs, batches(images, self.train.batch, self.train.shards), self.train.accumulate)

    def setting(self, section: str, name: str) -> t.Setting | None:
        """A setting as written; None if it has its default."""
        return self.spec.sections.get(section, {}).get(name)

    def place(self, section: str, name: str, bound: Any = None) -> Span:
        """Where a setting, or a call in it, is written; the network's name if it is not."""
        setting = self.setting(section, name)
        span = getattr(bound, "span", None) or (setting.value.span if setting else None)
        return span or self.graph.nodes[0].span


class Found(NamedTuple):
    """What a lint reports: a diagnostic without its code."""

    message: str
    span: Span
    label: str = ""
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: str = ""
    fix: Fix | None = None


class Lint(NamedTuple):
    """One known mistake.

    doc: what it reports. why: why that is bad. source: the reference, with a link. All three are Markdown.
    bad: a spec with the mistake and no other; good: the same spec, fixed. find(linted): every occurrence.
    needs_data: it skips files without data.
    of_text: it inspects only the text, so variants add nothing.
    """

    code: str
    name: str
    doc: str
    why: str
    source: str
    bad: str
    good: str
    find: Callable[[Linted], Iterator[Found]]
    needs_data: bool = False
    of_text: bool = False


def trail(node: Node) -> tuple[str, ...]:
    """The calls and iterations that led to a node, as notes."""
    return chain(node.trail)
