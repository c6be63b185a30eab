"""The names of tensors: given by one layer, looked up by others."""

from functools import cached_property
from typing import Any, NamedTuple

from specc.check.context import Context
from specc.check.expand.here import Here
from specc.check.gather.spec import Spec
from specc.diagnostics import Label, nearest
from specc.ops import OPS
from specc.ops.expansion import NamesTensor
from specc.source import Span
from specc.syntax import tree as t
from specc.syntax.tree import walk
from specc.values import UNKNOWN

MOST_LISTED = 8  # names in a message


class Overwritten(NamedTuple):
    """A name that was given to one tensor and then to another, before anything used it."""

    name: str
    first: Span
    second: Span


class NameTable:
    """Gives names to tensors and finds them again. A tensor is the index of a node.

    origins: the span of a call that looks up a name, and the tensor -> the span where the name was given. given: how
    many names were given so far. borders: for each of the shared layers that are being worked out, how many names were
    given before, and the calls inside that look up one of these.
    """

    def __init__(self, spec: Spec, context: Context) -> None:
        self.spec, self.context = spec, context
        self.origins: dict[tuple[Span, int], Span] = {}
        self.replaced: dict[Overwritten, None] = {}  # in order; one layer may be expanded many times
        self.used: set[Span] = set()
        self.given = 0
        self.borders: list[tuple[int, list[Span]]] = []

    def give(self, name: Any, tensor: int, call: t.Call, here: Here) -> None:
        """Name a tensor in the body that is being expanded."""
        if name is not UNKNOWN:
            self.given += 1
            earlier = here.labels.give(name, tensor, call.span, self.given)
            if earlier is not None and earlier.start < call.span.start:  # in a loop, the later one comes first, too
                self.replaced[Overwritten(name, earlier, call.span)] = None

    def find(self, name: Any, call: t.Call, here: Here) -> int | None:
        """The tensor that a call names; None, with a message, where there is none."""
        if name is UNKNOWN:
            return None
        named = here.labels.find(name)
        if named is None:
            self._missing(name, call, here.labels.all_names())
            return None
        tensor, origin, number = named
        for before, outside in self.borders:
            if number <= before:
                outside.append(call.span)
        self.origins[call.span, tensor] = origin
        self.used.add(origin)
        return tensor

    @property
    def overwritten(self) -> list[Overwritten]:
        """The names that were given twice, and used in no expansion of theirs in between."""
        return [replaced for replaced in self.replaced if replaced.first not in self.used]

    def _missing(self, name: str, call: t.Call, known: list[str]) -> None:
        """Report a name that no tensor has here; it may be given later, or within another block."""
        written = (
            part.value.span for part in call.arguments if isinstance(part.value, t.Name) and part.value.name == name
        )
        span = next(written, first_argument(call))
        if help := _other_index(name, known):
            place = None
        else:
            place, help = self._elsewhere(name.partition("[")[0], span)
        if place is None:
            help = (
                help or nearest(name, known) or (f"named so far: {', '.join(known)}" if known else "name it with as(…)")
            )
        labels = () if place is None else (Label(place, "named here"),)
        self.context.error("E219", f"no tensor is named `{name}` here", span, labels=labels, help=help)

    def _elsewhere(self, name: str, span: Span) -> tuple[Span | None, str]:
        """Where the name is given, and why it is not visible at `span`; None where it is given nowhere."""
        places = self._places.get(name, [])
        if not places:
            return None, ""
        mine = self._holder(span)
        near = [place for place in places if self._holder(place) == mine]
        later = [place for place in near if place.start > span.start]
        if near and len(later) == len(near):
            return later[0], f"`{name}` is not named until line {later[0].line}: use it after that layer"
        if near:
            return near[
                0
            ], f"the name from line {near[0].line} is not visible here: it is inside a head, or that line does not run"
        return places[0], f"`{name}` is visible only in {self._holder(places[0])} and the blocks called there"

    @cached_property
    def _places(self) -> dict[str, list[Span]]:
        """Where each name of a tensor is written, in the order of the text."""
        places: dict[str, list[Span]] = {}
        for part in walk([self.spec.network, *self.spec.blocks.values(), *self.spec.lets.values()]):
            if isinstance(part, t.Call) and part.name in OPS and isinstance(OPS[part.name].expands, NamesTensor):
                for argument in part.arguments[:1]:
                    named = argument.value
                    while isinstance(named, t.Index):
                        named = named.value
                    if isinstance(named, t.Name):
                        places.setdefault(named.name, []).append(part.span)
        for spans in places.values():
            spans.sort(key=lambda span: span.start)
        return places

    def _holder(self, span: Span) -> str:
        """The block, or the network, in which something is written."""
        for block in [*self.spec.blocks.values(), *([self.spec.network] if self.spec.network else [])]:
            if block.span.source is span.source and block.span.start <= span.start < block.span.end:
                return f"{'network' if block.is_network else 'block'} `{block.name}`"
        return "a layer bound by `let` or `shared`"


def _other_index(name: str, known: list[str]) -> str:
    """The help where tensors have the name with another index, or with none."""
    stem, bracket, _ = name.partition("[")
    same = [other for other in dict.fromkeys(known) if other.partition("[")[0] == stem]
    if not same:
        return ""
    if stem in same:
        return f"`{stem}` has no index here: write `{stem}`"
    return f"write {stem} with an index: {_listed(same)}" if not bracket else f"named so far: {_listed(same)}"


def _listed(names: list[str]) -> str:
    """The first few names."""
    return ", ".join(names[:MOST_LISTED]) + ", …" * (len(names) > MOST_LISTED)


def first_argument(call: t.Call) -> Span:
    """The span of the first argument, or of the call if a `default` gave it."""
    return call.arguments[0].value.span if call.arguments else call.span
