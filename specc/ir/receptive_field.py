"""Receptive fields: how many pixels of the image an output position sees, in height and width.

For each axis of each map, the first and the last image pixel that each position depends on are worked out, layer by
layer, from what each op says it reads (`specc/ops/reads.py`); the receptive field is the widest such extent. That is
exact for every kind of layer, at the borders too, as long as channels are not told apart: `channels` and groups count
as if each output channel read all of them. Flat values keep the extents of the positions that they were flattened from.

Training may see more: batch norm reads the whole batch. A map with a side beyond `LONGEST` has no receptive field.
"""

from collections.abc import Sequence
from typing import NamedTuple

from specc.ir.graph import Graph, Node
from specc.ops.reads import Reads, Spans, spans_of
from specc.vocabulary.shape import Shape

LONGEST = 2048  # positions of an axis; the work is linear in them
FAR = 2**62  # beyond any map


class Extents:
    """The first and the last pixel that each position of an axis sees.

    A position that sees nothing, in a border of zeros, has a first pixel beyond the last. is_ordered: neither ever
    decreases, and there are such positions at the ends only: with a last pixel of -1, or a first one that is FAR.
    """

    __slots__ = ("first", "is_ordered", "last")

    def __init__(self, first: list[int], last: list[int], *, is_ordered: bool) -> None:
        self.first, self.last, self.is_ordered = first, last, is_ordered

    @classmethod
    def of(cls, first: list[int], last: list[int]) -> "Extents":
        """From extents in any order; those that see nothing are (FAR, -1)."""
        seeing = [position for position, pixel in enumerate(last) if pixel >= 0]
        if seeing:
            begin, end = seeing[0], seeing[-1] + 1
            first[:begin] = [first[begin]] * begin
            last[end:] = [last[end - 1]] * (len(last) - end)
        is_ordered = first == sorted(first) and last == sorted(last)
        return cls(first, last, is_ordered=is_ordered and bool(seeing))

    @property
    def is_even(self) -> bool:
        """Whether all positions see the same."""
        return self.is_ordered and self.first[0] == self.first[-1] and self.last[0] == self.last[-1]

    @property
    def is_full(self) -> bool:
        """Whether it is certain that all positions see something."""
        return self.is_ordered and self.first[0] <= self.last[0] and self.first[-1] <= self.last[-1]

    @property
    def widest(self) -> int:
        """The pixels from the first to the last that one position sees, at the position that sees most."""
        if self.is_even:
            return max(0, self.last[0] - self.first[0] + 1)
        return max(0, max(last - first for first, last in zip(self.first, self.last, strict=True)) + 1)

    def plain(self) -> tuple[list[int], list[int]]:
        """First and last, (FAR, -1) where nothing is seen."""
        if self.is_full:
            return self.first, self.last
        pairs = [(a, b) if a <= b else (FAR, -1) for a, b in zip(self.first, self.last, strict=True)]
        return [a for a, _ in pairs], [b for _, b in pairs]

    def union(self, count: int) -> "Extents":
        """So many positions that see what all of these see together."""
        return Extents([min(self.first)] * count, [max(self.last)] * count, is_ordered=True)

    def through(self, spans: Spans) -> "Extents":
        """The extents behind a layer whose positions read these spans."""
        if spans.is_complete and self.is_even:
            return Extents(self.first[:1] * len(spans.all), self.last[:1] * len(spans.all), is_ordered=True)
        if self.is_ordered and spans.is_plain and spans.is_ordered and (spans.is_dense or self.is_full):
            first, last = [*self.first, FAR], [*self.last, -1]  # OUTSIDE is the last of them
            ends = (list(map(first.__getitem__, spans.firsts)), list(map(last.__getitem__, spans.lasts)))
            return Extents(*ends, is_ordered=True)
        first, last = self.plain()
        return Extents.of(
            [min(first[span.start : span.stop : span.step], default=FAR) for span in spans.all],
            [max(last[span.start : span.stop : span.step], default=-1) for span in spans.all],
        )

    def covers(self, other: "Extents") -> bool:
        """Whether each position sees all that any position of the other one sees; False where that takes long."""
        return self.is_even and other.is_ordered and self.first[0] <= other.first[0] and self.last[0] >= other.last[-1]


class Field(NamedTuple):
    """What the positions of a node see. layout: the shape of the map, or of that which was flattened; () if unknown."""

    height: Extents
    width: Extents
    layout: Shape


def find_receptive_fields(graph: Graph) -> None:
    """Set the receptive field of each node; None where a map is too large. The widest: at borders it is narrower."""
    if len(graph.input) != 3:
        return
    last_read = {i: node.index for node in graph.nodes for i in node.inputs}
    fields: list[Field | None] = []
    for node in graph.nodes:
        field = _field(graph, node, [fields[i] for i in node.inputs])
        fields.append(field)
        node.receptive_field = (field.height.widest, field.width.widest) if field else None
        for i in node.inputs:
            if last_read[i] == node.index:
                fields[i] = None  # nobody asks again, and there may be many


def _field(graph: Graph, node: Node, inputs: Sequence[Field | None]) -> Field | None:
    sides = node.shape[1:]
    if not node.inputs:
        if max(sides) > LONGEST:
            return None
        height, width = (Extents(list(range(side)), list(range(side)), is_ordered=True) for side in sides)
        return Field(height, height if sides[0] == sides[1] else width, node.shape)
    known = [field for field in inputs if field is not None]
    if len(known) < len(inputs) or any(side > LONGEST for side in sides):
        return None
    reach = node.op.reads(graph.inputs_of(node), node.args)
    if reach is Reads.ALL:
        return _everything(known, node.shape)
    if reach is Reads.POINT:
        return _together(known, [graph.nodes[i].shape for i in node.inputs], node.shape)
    first, (tall, wide) = known[0], reach
    height = first.height.through(spans_of(tall, first.layout[1], sides[0]))
    if tall == wide and first.height is first.width and sides[0] == sides[1]:
        return Field(height, height, node.shape)
    return Field(height, first.width.through(spans_of(wide, first.layout[2], sides[1])), node.shape)


def _everything(known: Sequence[Field], shape: Shape) -> Field:
    """Every position sees what all positions of the input see."""
    height, width = shape[1:] if len(shape) == 3 else (1, 1)
    return Field(known[0].height.union(height), known[0].width.union(width), shape)


def _together(fields: Sequence[Field], shapes: Sequence[Shape], shape: Shape) -> Field:
    """Each position sees what it sees in each of the inputs, which have these shapes."""
    first = fields[0]
    if len(shape) == 3:
        return Field(*_joined(fields, shape[1:]), shape)
    if any(len(other) == 1 and other != shape for other in shapes):
        return _listed(fields)
    if all(field is first for field in fields):
        return first
    if first.layout and all(field.layout == first.layout for field in fields):
        return Field(*_joined(fields, (len(first.height.first), len(first.width.first))), first.layout)
    return Field(*_joined([_everything([field], shape) for field in fields], (1, 1)), shape)


def _joined(fields: Sequence[Field], sides: Sequence[int]) -> tuple[Extents, Extents]:
    height = _join([field.height for field in fields], sides[0])
    if sides[0] == sides[1] and all(field.height is field.width for field in fields):
        return height, height
    return height, _join([field.width for field in fields], sides[1])


def _join(parts: Sequence[Extents], count: int) -> Extents:
    """Position by position, what any of the inputs sees; a single position stands for all."""
    distinct = list({id(part): part for part in parts}.values())
    largest = next((part for part in distinct if all(map(part.covers, distinct))), None)
    if largest is not None:
        distinct = [largest]
    if len(distinct) == 1:
        return distinct[0] if len(distinct[0].first) == count else distinct[0].union(count)
    plain = [part.plain() if len(part.first) == count else part.union(count).plain() for part in distinct]
    first, last = (
        list(map(function, *ends)) for function, ends in zip((min, max), zip(*plain, strict=True), strict=True)
    )
    if all(part.is_full for part in distinct):
        return Extents(first, last, is_ordered=True)
    return Extents.of(first, last)


def _listed(fields: Sequence[Field]) -> Field:
    """Flat values one after the other, or some of them: no longer in the order of a map, so each extent counts once."""
    height, width = (
        Extents.of(*map(list, zip(*pairs, strict=True)))
        for pairs in (
            {pair for field in fields for pair in zip(*field.height.plain(), strict=True)},
            {pair for field in fields for pair in zip(*field.width.plain(), strict=True)},
        )
    )
    return Field(height, width, ())
