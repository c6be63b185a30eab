"""The items of a spec by name, before anything is evaluated."""

from collections.abc import Sequence
from typing import Any

from specc.ops import OPS
from specc.source import Source, Span
from specc.syntax import tree as t


class Spec:
    """The items of a file and of the files that it extends; a later one of the same name replaces an earlier one."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.lets: dict[str, t.Let | t.Shared] = {}
        self.defaults: list[t.Default] = []
        self.blocks: dict[str, t.Block] = {}
        self.network: t.Block | None = None
        self.sections: dict[str, dict[str, t.Setting]] = {}
        self.section_spans: dict[str, Span] = {}
        self.variants: dict[str, t.Variant] = {}
        self.search: list[t.Setting] = []
        self.comments: list[Span] = []
        self.is_extended = False
        self.unread: frozenset[str] = frozenset()  # the words of the lines that could not be read

    @property
    def is_broken(self) -> bool:
        """Whether parts of the text could not be parsed: what is missing may be there."""
        return bool(self.unread)

    def names_of(self, callee: str) -> list[str]:
        """The names of the parameters of a block or a layer."""
        block = self.blocks.get(callee)
        parameters: Sequence[Any] = block.parameters if block else OPS[callee].params
        return [parameter.name for parameter in parameters]

    def copy(self) -> "Spec":
        """A copy whose settings and network may be replaced without touching this one's."""
        twin = Spec(self.source)
        twin.lets, twin.defaults, twin.blocks = dict(self.lets), list(self.defaults), dict(self.blocks)
        twin.is_extended, twin.unread = self.is_extended, self.unread
        twin.network, twin.variants, twin.search = self.network, dict(self.variants), list(self.search)
        twin.section_spans, twin.comments = dict(self.section_spans), self.comments
        twin.sections = {name: dict(settings) for name, settings in self.sections.items()}
        return twin
