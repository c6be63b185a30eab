"""What each name in a text means, without evaluating anything: for hover, renaming, colors and definitions."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from specc.source import Span

NETWORK = ""  # the owner of the network's parameters: there is one, whatever it is called


class Symbol(NamedTuple):
    """Something that a spec names. owner: the block of a parameter; where a local name is defined; "" for the file's.

    kind: "block", "network", "let", "shared", "parameter", "loop", "tensor", "head" or "variant".
    """

    kind: str
    name: str
    owner: str = ""


class Occurrence(NamedTuple):
    """A name at one place. symbol: None for a word of the language, whose kind is "layer", "word", "argument",
    "setting", "section", "function", "symbol" or "flow". detail: the word, its parameter, or the definition's tree."""

    span: Span
    kind: str
    symbol: Symbol | None = None
    is_definition: bool = False
    detail: Any = None


Env = Mapping[str, Symbol]


class Names:
    """All occurrences in a file and in those that it extends, by the path of the source, in the order of the text."""

    def __init__(self, occurrences: Sequence[Occurrence]) -> None:
        self.by_path: dict[str, list[Occurrence]] = {}
        self.by_symbol: dict[Symbol, list[Occurrence]] = {}
        for one in sorted(occurrences, key=lambda one: (one.span.start, one.span.end)):
            self.by_path.setdefault(one.span.source.path, []).append(one)
            if one.symbol is not None:
                self.by_symbol.setdefault(one.symbol, []).append(one)

    def at(self, path: str, offset: int) -> Occurrence | None:
        """The name that an offset is in, or right behind."""
        here = [one for one in self.by_path.get(path, ()) if one.span.start <= offset <= one.span.end]
        return min(here, key=lambda one: (one.span.end == offset, one.span.end - one.span.start), default=None)

    def definitions(self, symbol: Symbol) -> list[Occurrence]:
        return [one for one in self.by_symbol.get(symbol, ()) if one.is_definition]


class Tensors:
    """The names that `as` gives. One that is used in a body without an `as` of its own is that of the callers."""

    def __init__(self) -> None:
        self.given: dict[str, set[str]] = {}  # name: the bodies that give it
        self.places: list[tuple[str, str, Span, bool]] = []

    def add(self, holder: str, name: str, span: Span, *, is_definition: bool) -> None:
        self.places.append((holder, name, span, is_definition))
        if is_definition:
            self.given.setdefault(name, set()).add(holder)

    def occurrences(self) -> Iterator[Occurrence]:
        shared = {name for holder, name, _, _ in self.places if holder not in self.given.get(name, ())}
        for holder, name, span, is_definition in self.places:
            owner = "" if name in shared else holder
            yield Occurrence(span, "tensor", Symbol("tensor", name, f"as {owner}"), is_definition)
