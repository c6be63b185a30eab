"""Which positions of its input an output position of a layer depends on: what receptive fields follow from.

A layer that reads other positions than its own says which for each axis of the map, by one of the values below. All
answer `span(position, length, count)`: the positions that output position `position` of `count` reads, out of `length`.
Positions whose weight is always zero, and padding, are not read.
"""

from enum import Enum
from functools import lru_cache
from math import gcd
from typing import Literal, NamedTuple


class Slide(NamedTuple):
    """A window of `kernel` taps, `dilation` apart, moved by `stride`; it begins `before` pixels outside the map.

    outside: what the taps outside the map read: nothing, mirrored pixels, or the outermost pixel.
    """

    kernel: int = 1
    stride: int = 1
    before: int = 0
    dilation: int = 1
    outside: Literal["zero", "reflect", "replicate"] = "zero"

    def span(self, position: int, length: int, count: int) -> range:
        first = position * self.stride - self.before
        last = first + (self.kernel - 1) * self.dilation
        if self.outside == "zero":
            return range(first if first >= 0 else first % self.dilation, max(min(last + 1, length), 0), self.dilation)
        if self.outside == "replicate":
            return range(min(max(first, 0), length - 1), min(max(last, 0), length - 1) + 1)
        ends = [first, last, *(inner for inner in (0, length - 1) if first < inner < last)]
        mirrored = [-i if i < 0 else 2 * (length - 1) - i if i >= length else i for i in ends]
        return range(min(mirrored), max(mirrored) + 1)


class Spread(NamedTuple):
    """The transpose of `Slide`: each input position adds to `kernel` output positions, `dilation` apart, beginning
    `stride` further each time."""

    kernel: int
    stride: int
    before: int = 0
    dilation: int = 1

    def span(self, position: int, length: int, count: int) -> range:
        place = position + self.before
        shared = gcd(self.stride, self.dilation)
        if place % shared:
            return range(0)
        # Tap t of input i lands here where i * stride + t * dilation == place: the first such, then every `turn`-th.
        turn, step = self.stride // shared, self.dilation // shared
        first = place // shared * pow(step, -1, turn) % turn if turn > 1 else 0
        if first >= self.kernel:
            return range(0)
        last = first + (self.kernel - 1 - first) // turn * turn
        high, low = ((place - tap * self.dilation) // self.stride for tap in (first, last))
        return range(low if low >= 0 else low % step, min(high + 1, length), step)


class Resample(NamedTuple):
    """A map resized to any size, by the `taps` pixels around each center: 1 is the nearest, 2 linear, 4 cubic."""

    taps: int

    def span(self, position: int, length: int, count: int) -> range:
        if self.taps == 1:
            first = position * length // count
            return range(first, first + 1)
        first, beyond = divmod((2 * position + 1) * length - count, 2 * count)
        if self.taps == 2 and first < 0:
            return range(1)
        reach = self.taps // 2 if beyond else 0
        low, high = (min(max(place, 0), length - 1) for place in (first - max(reach - 1, 0), first + reach))
        return range(low, high + 1)


class Parts(NamedTuple):
    """As many windows as there are outputs, as equal as they can be: those of adaptive pooling."""

    def span(self, position: int, length: int, count: int) -> range:
        return range(position * length // count, -((position + 1) * length // -count))


Axis = Slide | Spread | Resample | Parts


class Reads(Enum):
    """POINT: the same position of each input; C x 1 x 1 has one position, which is that of all. ALL: every position."""

    POINT = "point"
    ALL = "all"


Reach = Reads | tuple[Axis, Axis]  # height and width, of the first input


OUTSIDE = -1  # for what lies beyond the map


class Spans:
    """What every output position of one axis reads.

    firsts, lasts: the ends of each span. A span that reads nothing because it lies outside the map begins where the
    first one that reads anything begins and ends `OUTSIDE`, or begins `OUTSIDE` and ends where the last one ends: so
    both ends are in order. is_plain: no other span reads nothing. is_dense: none leaves out pixels. is_ordered: no span
    begins or ends before that of the position before it.
    """

    __slots__ = ("all", "firsts", "is_complete", "is_dense", "is_ordered", "is_plain", "lasts")

    def __init__(self, spans: list[range]) -> None:
        self.all, self.is_complete = spans, all(spans)
        self.is_dense = all(span.step == 1 or len(span) < 2 for span in spans)
        reading = [position for position, span in enumerate(spans) if span]
        begin, end = (reading[0], reading[-1] + 1) if reading else (0, 0)
        self.is_plain = len(reading) == end - begin > 0
        inner = spans[begin:end] if self.is_plain else []
        firsts, lasts = [span[0] for span in inner], [span[-1] for span in inner]
        self.is_ordered = firsts == sorted(firsts) and lasts == sorted(lasts)
        before, after = begin, len(spans) - end
        self.firsts = firsts[:1] * before + firsts + [OUTSIDE] * after
        self.lasts = [OUTSIDE] * before + lasts + lasts[-1:] * after


@lru_cache(maxsize=256)
def spans_of(axis: Axis, length: int, count: int) -> Spans:
    """What each of `count` output positions reads of `length` input positions."""
    return Spans([axis.span(position, length, count) for position in range(count)])
