"""How large activations and gradients are on their way through a network whose weights have just been drawn.

Mean-field theory: a tensor is described by averages over draws of the weights and over images, and each layer says how
it changes them. The squares follow He et al. (2015, arXiv:1502.01852), the covariances, without which nothing can be
said about pooling and batch normalization, Poole et al. (2016, arXiv:1606.05340) and Schoenholz et al. (2017,
arXiv:1611.01232); normalization follows Yang et al. (2019, arXiv:1902.08129).
"""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from specc.values import Args

Shape = tuple[int, ...]
Pointwise = Callable[[Args], Callable[[float], float]]


class Moments(NamedTuple):
    """Averages over a tensor: of its numbers, of their squares, and of the products of two numbers of one channel, at
    two places of an image (`near`) and in two images (`far`)."""

    mean: float
    square: float
    near: float
    far: float

    @property
    def variance(self) -> float:
        return max(self.square - self.mean**2, 1e-30)

    def times(self, factor: float) -> "Moments":
        """Of the tensor multiplied by a number whose square is `factor`."""
        return Moments(self.mean * math.sqrt(factor), *(value * factor for value in self[1:]))


class Gradient(NamedTuple):
    """Averages over the loss's gradient by a tensor: of squares, and of products of two places of an image."""

    square: float
    near: float

    def times(self, factor: float, near: float | None = None) -> "Gradient":
        return Gradient(self.square * factor, self.near * (factor if near is None else near))


class Site(NamedTuple):
    """A layer at its place: what flows into each of its inputs, its arguments, and shapes of inputs and output.

    macs, weight: for a layer with a kernel, its multiply-accumulates of one image, and the mean square of its weights.
    """

    x: Sequence[Moments]
    a: Args
    shapes: Sequence[Shape]
    y: Shape
    macs: int = 0
    weight: float = 0.0


def elements(shape: Shape) -> int:
    return math.prod(shape)


def places(shape: Shape) -> int:
    """How many pixels a map has; 1 for a flat shape."""
    return math.prod(shape[1:])


class Rule:
    """What a layer does to activations and gradients. This one passes them on, whatever way it lays them out."""

    def forward(self, at: Site) -> Moments:
        return at.x[0]

    def backward(self, at: Site, g: Gradient) -> list[Gradient]:
        share = elements(at.y) / elements(at.shapes[0])
        flattened = len(at.y) == 1 < len(at.shapes[0])  # then each place has weights of its own
        return [g.times(share, 0.0 if flattened else share)]


class Function(Rule):
    """A function of each number by itself, of Gaussian numbers."""

    def __init__(self, function: Pointwise) -> None:
        self.function = function

    def forward(self, at: Site) -> Moments:
        return self._averages(at)[0]

    def backward(self, at: Site, g: Gradient) -> list[Gradient]:
        _, slope = self._averages(at)
        return [g.times(slope.square, slope.near)]

    def _averages(self, at: Site) -> tuple[Moments, Gradient]:
        x = at.x[0]
        correlations = ((covariance - x.mean**2) / x.variance for covariance in (x.near, x.far))
        values = (float(f"{value:.3g}") for value in (x.mean, math.sqrt(x.variance), *correlations))
        return _averages(self, tuple(at.a.as_dict().items()), *values)


@lru_cache(4096)
def _averages(
    rule: Function, arguments: tuple[Any, ...], mean: float, deviation: float, near: float, far: float
) -> tuple[Moments, Gradient]:
    """Moments of the function's values, and of its slope, of Gaussian numbers with these correlations."""
    f = rule.function(Args(**dict(arguments)))
    step = 1e-3 * deviation

    def slope(z: float) -> float:
        return (f(z + step) - f(z - step)) / (2 * step)

    values = Moments(
        average(f, mean, deviation),
        average(lambda z: f(z) ** 2, mean, deviation),
        covariance(f, mean, deviation, near),
        covariance(f, mean, deviation, far),
    )
    squared = average(lambda z: slope(z) ** 2, mean, deviation)
    return values, Gradient(squared, covariance(slope, mean, deviation, near))


@lru_cache(64)
def _normal(steps: int) -> tuple[tuple[float, float], ...]:
    """Places and weights whose sums are integrals over the normal distribution: the trapezoidal rule up to 4.5.

    An odd number of steps, so that none is at 0, where a relu has no slope.
    """
    nodes = [4.5 * (2 * i / steps - 1) for i in range(steps + 1)]
    weights = [math.exp(-u * u / 2) for u in nodes]
    total = sum(weights)
    return tuple((u, w / total) for u, w in zip(nodes, weights, strict=True))


def average(f: Callable[[float], float], mean: float, deviation: float) -> float:
    """The average of f over a normal distribution; finer where that is wide, so as not to step over a bend."""
    steps = min(13 * max(1, round(deviation)), 2000) | 1
    return sum(w * f(mean + deviation * u) for u, w in _normal(steps))


def covariance(f: Callable[[float], float], mean: float, deviation: float, correlation: float) -> float:
    """The average of f(x) * f(y), of normal numbers with this correlation: of the square, given what they share."""
    correlation = min(max(correlation, 0.0), 1.0)
    shared, own = deviation * math.sqrt(correlation), deviation * math.sqrt(1 - correlation)
    grid = _normal(13)
    if correlation == 0:
        return sum(w * f(mean + own * v) for v, w in grid) ** 2
    return sum(w * sum(q * f(mean + shared * u + own * v) for v, q in grid) ** 2 for u, w in grid)


class WeightedSum(Rule):
    """Sums of products with the weights of a kernel, which are drawn independently, with mean 0."""

    def weighed(self, at: Site) -> float:
        """Multiply-accumulates of one image times the mean square of the weights that are multiplied."""
        return at.macs * at.weight

    def stretch(self, at: Site) -> float:
        """How much larger the weights that are multiplied are than those that are learned."""
        return 1.0

    def seen(self, at: Site) -> Moments:
        """What of its input a kernel can see."""
        return at.x[0]

    def forward(self, at: Site) -> Moments:
        x, factor = self.seen(at), self.weighed(at) / elements(at.y)
        return Moments(0.0, x.square * factor, x.near * factor, x.far * factor)

    def backward(self, at: Site, g: Gradient) -> list[Gradient]:
        return [g.times(self.weighed(at) / elements(at.shapes[0]))]


class StandardizedSum(WeightedSum):
    """The same with filters that are standardized first, to the mean square `square`.

    Their weights sum to zero, so they do not see what all inputs have in common (Brock et al., 2021).
    """

    def __init__(self, square: Callable[[Site], float]) -> None:
        self.square = square

    def weighed(self, at: Site) -> float:
        return at.macs * self.square(at)

    def stretch(self, at: Site) -> float:
        return math.sqrt(self.square(at) / max(at.weight, 1e-30))

    def seen(self, at: Site) -> Moments:
        x = at.x[0]
        return Moments(0.0, *(max(value - x.mean**2, 0.0) for value in x[1:]))


class Normalize(Rule):
    """Divides by a deviation around a mean that is taken over images and places (`far`), over the places of an image
    (`near`), or over an image's channels (`mean`)."""

    def __init__(self, over: str) -> None:
        self.over = over

    def _cut(self, x: Moments) -> float:
        return x.mean**2 if self.over == "mean" else x.near if self.over == "near" else x.far

    def _factor(self, at: Site) -> float:
        return float(at.a.init_scale) ** 2 / (max(at.x[0].square - self._cut(at.x[0]), 0.0) + float(at.a.eps))

    def forward(self, at: Site) -> Moments:
        cut = self._cut(at.x[0])
        square, near, far = (max(value - cut, 0.0) for value in at.x[0][1:])
        return Moments(0.0, square, near, far).times(self._factor(at))

    def backward(self, at: Site, g: Gradient) -> list[Gradient]:
        if self.over == "near":
            g = Gradient(max(g.square - g.near, 0.0), 0.0)
        return [g.times(self._factor(at))]


class Scale(Rule):
    """Multiplies by a number that depends on the arguments, or on the moments."""

    def __init__(self, by: Callable[[Site], float]) -> None:
        self.by = by

    def forward(self, at: Site) -> Moments:
        return at.x[0].times(self.by(at) ** 2)

    def backward(self, at: Site, g: Gradient) -> list[Gradient]:
        return [g.times(self.by(at) ** 2)]


class Drop(Rule):
    """Sets a share p to zero and scales the rest by 1 / (1 - p). whole: all places of a channel together."""

    def __init__(self, whole: bool) -> None:
        self.whole = whole

    def forward(self, at: Site) -> Moments:
        x, kept = at.x[0], 1 - float(at.a.p)
        return Moments(x.mean, x.square / kept, x.near / (kept if self.whole else 1), x.far)

    def backward(self, at: Site, g: Gradient) -> list[Gradient]:
        kept = 1 - float(at.a.p)
        return [g.times(1 / kept, 1 / kept if self.whole else 1.0)]


class Average(Rule):
    """The average of windows. size: of the window; 0 where windows divide the map among them."""

    def __init__(self, size: Callable[[Args], int] = lambda a: 0) -> None:
        self.size = size

    def _taps(self, at: Site) -> float:
        return self.size(at.a) or places(at.shapes[0]) / places(at.y)

    def forward(self, at: Site) -> Moments:
        x, taps = at.x[0], max(self._taps(at), 1)
        beside = x.near if places(at.y) == 1 else (x.square + x.near) / 2  # neighbors are more alike
        return x._replace(square=(x.square + (taps - 1) * beside) / taps)

    def backward(self, at: Site, g: Gradient) -> list[Gradient]:
        before, after, taps = places(at.shapes[0]), places(at.y), max(self._taps(at), 1)
        square = g.square * after / (before * taps)
        together = min((taps - 1) / max(before - 1, 1), 1.0)  # pairs of places that one window holds
        return [Gradient(square, together * square + (1 - together) * g.near * (after / before) ** 2)]


class Largest(Rule):
    """The largest number of each window."""

    def __init__(self, size: Callable[[Args], int] = lambda a: 0) -> None:
        self.size = size

    def forward(self, at: Site) -> Moments:
        x, taps = at.x[0], self.size(at.a) or max(places(at.shapes[0]) // places(at.y), 1)
        beside = (x.square + x.near) / 2
        own = max(x.square - beside, 0.0)
        above, spread = _largest_of(taps)
        mean = x.mean + above * math.sqrt(own)
        raised = mean**2 - x.mean**2
        square = mean**2 + max(beside - x.mean**2, 0.0) + own * spread
        return Moments(mean, square, x.near + raised, x.far + raised)

    def backward(self, at: Site, g: Gradient) -> list[Gradient]:
        share = places(at.y) / places(at.shapes[0])
        return [g.times(share, share**2)]


@lru_cache(64)
def _largest_of(count: int) -> tuple[float, float]:
    """Mean and variance of the largest of `count` normal numbers."""
    step = 0.05
    below = [(0.5 * (1 + math.erf(z * step / math.sqrt(2)))) ** count for z in range(-100, 141)]
    parts = [(step * (z + 0.5), b - a) for z, a, b in zip(range(-100, 140), below, below[1:], strict=False)]
    mean = sum(z * p for z, p in parts)
    return mean, sum(z * z * p for z, p in parts) - mean**2


class ChannelAverage(Rule):
    """The average over the channels, which are taken for independent."""

    def forward(self, at: Site) -> Moments:
        x, count = at.x[0], at.shapes[0][0]
        common = x.mean**2
        return Moments(x.mean, *(common + (value - common) / count for value in x[1:]))

    def backward(self, at: Site, g: Gradient) -> list[Gradient]:
        return [g.times(1 / at.shapes[0][0] ** 2)]


class ChannelLargest(Rule):
    """The largest number of the channels, which are taken for independent."""

    def forward(self, at: Site) -> Moments:
        x = at.x[0]
        above, spread = _largest_of(at.shapes[0][0])
        mean = x.mean + above * math.sqrt(x.variance)
        return Moments(mean, *(mean**2 + spread * (value - x.mean**2) for value in x[1:]))

    def backward(self, at: Site, g: Gradient) -> list[Gradient]:
        share = 1 / at.shapes[0][0]
        return [g.times(share, share**2)]


PASS = Rule()
