"""The formulas of the losses of classes, tags and numbers, as `specc.vocabulary.family.Loss` has them."""

from torch import Tensor
from torch.nn import functional

from specc.backend.evaluation.losses import TINY, Each
from specc.values import Args


def cross_entropy(a: Args, outputs: int) -> Each:
    """Cross entropy with label smoothing (Szegedy et al., 2015), for each image and class."""
    smoothing: float = a.smoothing

    def each(logits: Tensor, shares: Tensor) -> Tensor:
        smooth = shares * (1 - smoothing) + smoothing / outputs if smoothing else shares
        return -smooth * functional.log_softmax(logits, dim=1)

    return each


def focal(a: Args, outputs: int) -> Each:
    """Lin et al., 2017, equation 4, for each image and class."""
    gamma: float = a.gamma

    def each(logits: Tensor, shares: Tensor) -> Tensor:
        log_p = functional.log_softmax(logits, dim=1)
        rest = (1 - log_p.exp()).clamp(min=TINY)  # whose root has no gradient at 0
        focused: Tensor = -shares * rest**gamma * log_p
        return focused

    return each


def binary_focal(a: Args, outputs: int) -> Each:
    """Lin et al., 2017, equation 4, of each tag's sigmoid: the mean over the tags. Linear in shares of tags."""
    gamma: float = a.gamma

    def each(logits: Tensor, shares: Tensor) -> Tensor:
        log_p, log_q = functional.logsigmoid(logits), functional.logsigmoid(-logits)
        there = (gamma * log_q).exp() * log_p  # q = 1 - p, whose power has a gradient at 0, too
        absent = (gamma * log_p).exp() * log_q
        focused: Tensor = -(shares * there + (1 - shares) * absent) / outputs
        return focused

    return each


def binary_cross_entropy(a: Args, outputs: int) -> Each:
    """The mean over the classes or tags of each one's cross entropy."""

    def each(logits: Tensor, shares: Tensor) -> Tensor:
        return functional.binary_cross_entropy_with_logits(logits, shares, reduction="none") / outputs

    return each


def mse(a: Args, outputs: int) -> Each:
    """The squared error."""
    return lambda numbers, wanted: (numbers - wanted).square()


def mae(a: Args, outputs: int) -> Each:
    """The absolute error."""
    return lambda numbers, wanted: (numbers - wanted).abs()


def huber(a: Args, outputs: int) -> Each:
    """Huber, 1964: half the squared error up to `delta`, delta * (|error| - delta / 2) beyond."""
    delta: float = a.delta
    return lambda numbers, wanted: functional.huber_loss(numbers, wanted, reduction="none", delta=delta)
