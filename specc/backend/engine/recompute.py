"""A forward pass of which only some values are kept: the backward pass computes the rest once more (Chen et al.,
"Training deep nets with sublinear memory cost", 2016).

The same numbers come out: torch's generators are set back to what they were, and running statistics move once only.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from itertools import accumulate, pairwise

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from specc.backend.build import Step, run

MOST = 64  # segments: the square root of what deep networks have is less


class Recomputed:
    """Carries out a network's steps (`Net.runner`) in segments. What lies within one is computed twice; of the steps
    behind the last one everything is kept.

    ends: behind which steps segments end, in order. draws: whether a step draws random numbers.
    """

    def __init__(self, ends: Sequence[int], *, draws: bool) -> None:
        self.ends, self.draws = tuple(ends), draws

    def __call__(self, steps: Sequence[Step], values: dict[int, Tensor]) -> None:
        begin = 0
        for end in self.ends:
            self._segment(steps[begin:end], values)
            begin = end
        run(steps[begin:], values)

    def _segment(self, steps: Sequence[Step], values: dict[int, Tensor]) -> None:
        inside = {step.output for step in steps}
        dropped = {i for step in steps for i in step.drop}
        needed = sorted({i for step in steps for i in step.inputs} - inside)
        given = sorted(inside - dropped)

        def compute(*tensors: Tensor) -> tuple[Tensor, ...]:
            own = dict(zip(needed, tensors, strict=True))
            run(steps, own)
            return tuple(own[i] for i in given)

        results = checkpoint(
            compute,
            *[values[i] for i in needed],
            use_reentrant=False,
            preserve_rng_state=self.draws,
            context_fn=partial(_twice, {step.module for step in steps}),
        )
        for i in dropped.intersection(needed):
            del values[i]
        values.update(zip(given, results, strict=True))


def _twice(layers: set[nn.Module]) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    """What layers are computed in, the first time and the second: then from the statistics of the first time, and those
    that they have now stay."""
    before: dict[nn.Module, dict[str, Tensor]] = {}

    @contextmanager
    def first() -> Iterator[None]:
        before.update({layer: {name: value.clone() for name, value in _moved(layer)} for layer in layers})
        yield

    @contextmanager
    def second() -> Iterator[None]:
        now = {layer: dict(_moved(layer)) for layer in layers}
        _set(before)
        try:
            yield
        finally:
            _set(now)

    return first(), second()


def _moved(layer: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """The statistics that a layer moves in training."""
    return ((name, value) for name, value in layer.named_buffers() if layer.training and "." not in name)


def _set(buffers: dict[nn.Module, dict[str, Tensor]]) -> None:
    for layer, values in buffers.items():
        for name, value in values.items():
            setattr(layer, name, value)


def segments(kept: Sequence[int], live: Sequence[int]) -> tuple[int, ...]:
    """Behind which steps segments should end, so that as little as possible is held at once; () where nothing is saved.

    kept: the bytes that each step adds to what the backward pass needs. live: behind each step the bytes of the values
    that later steps need, which is what a segment's end costs. Held at once is what all ends cost, and the largest
    segment.
    """
    upto = list(accumulate(kept, initial=0))
    best: tuple[int, ...] = ()
    least = upto[-1]
    for parts in range(2, min(MOST, len(kept))):
        ends = _cut(upto, live, upto[-1] // parts)
        held = sum(live[end - 1] for end in ends)
        held += max(upto[last] - upto[first] for first, last in pairwise([0, *ends, len(kept)]))
        if held < least:
            best, least = ends, held
    return best


def _cut(upto: Sequence[int], live: Sequence[int], most: int) -> tuple[int, ...]:
    """Ends of segments that keep about `most` bytes each, where they cost least in the second half of each.

    upto: the bytes that all steps before each one keep.
    """
    ends: list[int] = []
    begin = 0
    while True:
        full = max(begin + 1, bisect_right(upto, upto[begin] + most) - 1)
        if full >= len(live):
            return tuple(ends)
        half = max(begin + 1, bisect_left(upto, (upto[begin] + upto[full]) // 2))
        begin = min(range(half, full + 1), key=lambda place: (live[place - 1], -place))
        ends.append(begin)
