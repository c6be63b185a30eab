"""What is known of one version of a text: a check of it, and what is read off from that when it is first asked for."""

from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

from specc.check import Checked
from specc.check.context import Work
from specc.check.gather.files import Load
from specc.check.gather.spec import Spec
from specc.check.trace import Passage, Trace
from specc.ir.graph import Node
from specc.lsp.names import Names
from specc.lsp.positions import Positions
from specc.lsp.resolve import resolve
from specc.reading import check_spec
from specc.source import Source
from specc.syntax import tree as t
from specc.syntax.parse import parse
from specc.values import UNKNOWN


class Flow(NamedTuple):
    """What one stage of the text did, once: the nodes before and after it, and those that came of it."""

    before: Node
    after: Node
    nodes: list[Node]


class Analysis:
    """A check of a version of a text.

    variant: whose shapes are shown; "" for the spec as it is written. checked: of the text and all variants.
    shown: of that variant. trace: of `shown`. sizes: of variants, in words.
    """

    def __init__(self, source: Source, version: int, variant: str, encoding: str) -> None:
        self.source, self.version, self.variant, self.encoding = source, version, variant, encoding
        self.positions = Positions(source, encoding)
        self.trace = Trace()
        self.sizes: dict[str, str] = {}  # of variants, once somebody asks
        self.checked = self.shown = Checked(source, "", None, None, None, None, None, [], source.text)

    def check(self, load: Load, work: Work, check: Callable[..., Checked] = check_spec) -> None:
        """Check the text; unless `work` is canceled, which leaves an analysis that nobody may look at.

        check: by which function; the playground has no files that `check_spec` could look into.
        """
        trace = None if self.variant else self.trace
        self.checked = self.shown = check(self.source, load=load, everything=True, trace=trace, work=work)
        if self.variant and not work.is_canceled:
            work.refill()
            variant = self.variant if self.variant in self.checked.variants else None
            self.shown = check(self.source, load=load, variant=variant, trace=self.trace, work=work)
        if not work.is_canceled:
            _ = self.flows  # worked out here, in the worker

    @cached_property
    def files(self) -> list[t.File]:
        """The trees of the text and of what it extends; an empty one of a text that cannot be read at all."""
        if self.trace.files:
            return self.trace.files
        return [parse(self.source).tree or t.File(self.source, (), ())]

    @property
    def tree(self) -> t.File:
        """The text's own tree."""
        return self.files[0]

    @property
    def spec(self) -> Spec:
        """What the text and the files that it extends add up to; an empty one where they cannot be read."""
        return self.trace.spec or Spec(self.source)

    @cached_property
    def names(self) -> Names:
        """What each name in the files means."""
        return resolve(self.files)

    @cached_property
    def flows(self) -> dict[tuple[int, int], list[Flow]]:
        """Of each stage in the text, by its start and end, what it did each time; where that is unknown, nothing."""
        flows: dict[tuple[int, int], list[Flow]] = {}
        nodes = self.trace.nodes
        for passage in sorted(self.trace.passages, key=lambda one: (one.first, -one.last)):
            if passage.span.source is self.source and nodes[passage.after].shape is not UNKNOWN:
                flows.setdefault((passage.span.start, passage.span.end), []).append(_flow(passage, nodes))
        return flows

    @property
    def paths(self) -> list[str]:
        """The paths of the files that the analysis depends on."""
        return [file.source.path for file in self.files]


def _flow(passage: Passage, nodes: list[Node]) -> Flow:
    return Flow(nodes[passage.before], nodes[passage.after], nodes[passage.first : passage.last])
