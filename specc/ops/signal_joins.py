"""What layers with several inputs do to activations and gradients."""

import math

from specc.ops.signal import Gradient, Moments, Rule, Site, places


class Sum(Rule):
    """Adds branches. What they have in common is their means."""

    def forward(self, at: Site) -> Moments:
        mean = sum(x.mean for x in at.x)
        common = mean**2 - sum(x.mean**2 for x in at.x)
        return Moments(mean, *(sum(x[i] for x in at.x) + common for i in (1, 2, 3)))

    def backward(self, at: Site, g: Gradient) -> list[Gradient]:
        return [g] * len(at.x)


class Product(Rule):
    """Multiplies branches; one of C x 1 x 1 gathers the gradient of all places, one of 1 x H x W of all channels."""

    def forward(self, at: Site) -> Moments:
        return Moments(*(math.prod(x[i] for x in at.x) for i in range(4)))

    def backward(self, at: Site, g: Gradient) -> list[Gradient]:
        gradients, count = [], places(at.y)
        for index, shape in enumerate(at.shapes):
            others = [x for i, x in enumerate(at.x) if i != index]
            one = g.times(math.prod(x.square for x in others), math.prod(x.near for x in others))
            if places(shape) < count:
                total = count * one.square + count * (count - 1) * one.near
                one = Gradient(total, total)
            one = one.times(at.y[0] / shape[0])
            gradients.append(one)
        return gradients


class Larger(Rule):
    """The largest of several branches, taken for Gaussian and independent (Clark, 1961), one after the other.

    Two places choose alike as far as they are alike: from independently to always, in proportion to their correlation.
    """

    def forward(self, at: Site) -> Moments:
        return self._joined(at)[0]

    def backward(self, at: Site, g: Gradient) -> list[Gradient]:
        alike = [min(max((x.near - x.mean**2) / x.variance, 0.0), 1.0) for x in at.x]
        shares = self._joined(at)[1]
        return [g.times(share, share * (share + (1 - share) * r)) for share, r in zip(shares, alike, strict=True)]

    def _joined(self, at: Site) -> tuple[Moments, list[float]]:
        """Moments of the largest, and how often it is that of each branch."""
        largest, shares = at.x[0], [1.0]
        for x in at.x[1:]:
            both = largest.variance + x.variance
            alpha = (largest.mean - x.mean) / math.sqrt(both)
            first = 0.5 * (1 + math.erf(alpha / math.sqrt(2)))
            bell = math.sqrt(both / (2 * math.pi)) * math.exp(-alpha * alpha / 2)
            mean = largest.mean * first + x.mean * (1 - first) + bell
            square = largest.square * first + x.square * (1 - first) + (largest.mean + x.mean) * bell
            alone = first**2 * largest.variance + (1 - first) ** 2 * x.variance
            products = []
            for a, b in zip(largest[2:], x[2:], strict=True):
                a, b = a - largest.mean**2, b - x.mean**2
                together = (square - mean**2 - alone) * ((a + b) / both) ** 2
                products.append(mean**2 + first**2 * a + (1 - first) ** 2 * b + together)
            largest, shares = Moments(mean, square, *products), [*(share * first for share in shares), 1 - first]
        return largest, shares


class Concatenate(Rule):
    """Lays channels one after the other."""

    def forward(self, at: Site) -> Moments:
        shares = [shape[0] / at.y[0] for shape in at.shapes]
        return Moments(*(sum(x[i] * share for x, share in zip(at.x, shares, strict=True)) for i in range(4)))

    def backward(self, at: Site, g: Gradient) -> list[Gradient]:
        return [g] * len(at.x)


class First(Rule):
    """The first of several inputs; the others only say something about shapes."""

    def backward(self, at: Site, g: Gradient) -> list[Gradient]:
        return [*super().backward(at, g), *[Gradient(0.0, 0.0)] * (len(at.x) - 1)]
