"""What the figures of a probe mean: whether training has a chance, what is wrong, and where.

The bounds were set by training networks of growing depth on a few thousand images of digits and CIFAR-10; what was
measured stands beside each.
"""

import math
from collections.abc import Callable, Sequence

from specc.report.probe import Layer, Verdict

LOST = 1e-6  # variation: float32 rounds at 6e-8, so below it what differs between images is mostly rounding
ALIKE = 1e-5  # variation of the logits
BLOCKED = 1e-5  # gradient of the first kernel over that of the last
LATE = 1e-2  # variation of the logits, and the gradient's ratio: stacks below it stay at chance for hundreds of steps
FAINT = 1e-9  # gradient of every kernel: a tenth of the epsilon that Adam adds to it
STEEP = 1e4  # gradient of the first kernel over that of the last
SHOUTING = 1e3  # times the loss of a blind guess
DYING = 0.5  # of the channels of a relu


def judge(layers: Sequence[Layer], loss: float, classes: int, ratio: float | None) -> Verdict:
    """The verdict over a network of which one batch showed these layers and this loss.

    ratio: of the gradient at the first layer's kernel to that at the last one's; None without kernels.
    """
    seen = [layer for layer in layers if not layer.head]
    rules: tuple[Callable[[], Verdict | None], ...] = (
        lambda: _not_finite(seen, loss),
        lambda: _dead(seen),
        lambda: _vanishing(seen, ratio),
        lambda: _faint(seen),
        lambda: _exploding(seen, loss / math.log(classes), ratio),
        lambda: _late(seen, ratio),
        lambda: _dying(seen),
    )
    return next((found for rule in rules if (found := rule())), _fine(seen, ratio))


def _not_finite(layers: Sequence[Layer], loss: float) -> Verdict | None:
    for layer in layers:
        if not math.isfinite(layer.gives.std):
            text = f"the numbers of {layer.name} are beyond float32: this network will not learn"
            return Verdict("not_finite", False, text, layer.name)
    if not math.isfinite(loss):
        return Verdict("not_finite", False, "the loss is not a finite number: this network will not learn")
    for layer in reversed(layers):
        if layer.rms is not None and not math.isfinite(layer.rms):
            text = f"the gradient of {layer.name} is beyond float32: this network will not learn"
            return Verdict("not_finite", False, text, layer.name)
    return None


def _dead(layers: Sequence[Layer]) -> Verdict | None:
    for layer in layers:
        if layer.on_trunk and layer.gives.dead == 1:
            text = f"{layer.name} gives zero for every image, and nothing gets past it: this network will not learn"
            return Verdict("dead", False, text, layer.name)
    return None


def _vanishing(layers: Sequence[Layer], ratio: float | None) -> Verdict | None:
    """No gradient arrives at the first layer, or no difference between images at the last one."""
    lost = next((layer for layer in layers if layer.on_trunk and layer.gives.variation < LOST), None)
    alike = layers[-1].gives.variation < ALIKE
    blocked = ratio is not None and ratio < BLOCKED
    if not (lost or alike or blocked):
        return None
    if lost or alike:
        where = next(layer for layer in layers if layer.on_trunk and layer.gives.variation < (ALIKE if alike else LOST))
        dies = f"the signal dies in {where.name}, behind which all images look the same"
    else:
        where = _last_below(layers, BLOCKED)
        dies = f"on its way back it dies at {where.name}"
    return Verdict("vanishing", False, f"{_gradients(ratio)}: this network will not learn; {dies}", where.name)


def _faint(layers: Sequence[Layer]) -> Verdict | None:
    """Both activations and gradients fade, so that the first layer's gradient is no smaller than the last one's."""
    kernels = _kernels(layers)
    largest = max((layer.rms or 0.0 for layer in kernels), default=math.inf)
    if largest >= FAINT:
        return None
    text = (
        f"activations fade to {layers[-1].gives.std:.1e} at the last layer, and no kernel's gradient is above "
        f"{largest:.1e}: this network will not learn"
    )
    return Verdict("faint", False, text, layers[-1].name)


def _exploding(layers: Sequence[Layer], times: float, ratio: float | None) -> Verdict | None:
    if ratio is not None and ratio > STEEP:
        text = f"gradients grow by {ratio:.1e} from the last layer to the first: this network will hardly learn"
        return Verdict("exploding", False, text, _kernels(layers)[0].name)
    if times > SHOUTING:
        where = max(layers, key=lambda layer: layer.gives.std)
        text = (
            f"the loss starts at {times:.1e} times that of a blind guess, and activations grow to "
            f"{where.gives.std:.1e} in {where.name}: this network will hardly learn"
        )
        return Verdict("exploding", False, text, where.name)
    return None


def _late(layers: Sequence[Layer], ratio: float | None) -> Verdict | None:
    variation = layers[-1].gives.variation
    if variation >= LATE and (ratio is None or ratio >= LATE):
        return None
    text = (
        f"{_gradients(ratio)}, and images differ by {variation:.1e} at the last: this network learns late, "
        "after a time at chance"
    )
    return Verdict("late", True, text)


def _dying(layers: Sequence[Layer]) -> Verdict | None:
    worst = max((layer for layer in layers if layer.rectifies), key=lambda layer: layer.gives.dead, default=None)
    if worst is None or worst.gives.dead <= DYING:
        return None
    text = f"{worst.gives.dead:.0%} of the channels of {worst.name} are dead: this network learns with the rest"
    return Verdict("dying", True, text, worst.name)


def _fine(layers: Sequence[Layer], ratio: float | None) -> Verdict:
    if ratio is None:
        return Verdict("fine", True, "there are no kernels; what there is can learn")
    return Verdict(
        "fine", True, f"fine: gradients reach the first layer ({ratio:.2g} of the last one's), and images differ"
    )


def _gradients(ratio: float | None) -> str:
    if ratio is None or 0.1 < ratio < 10:
        return "gradients keep their size"
    way = "shrink" if ratio < 1 else "grow"
    return f"gradients {way} by {ratio:.1e} from the last layer to the first"


def _kernels(layers: Sequence[Layer]) -> list[Layer]:
    return [layer for layer in layers if layer.rms is not None]


def _last_below(layers: Sequence[Layer], share: float) -> Layer:
    """The last kernel whose gradient is below a share of that of the last one of all."""
    kernels = _kernels(layers)
    final = kernels[-1].rms or 0.0
    return next((layer for layer in reversed(kernels) if (layer.rms or 0.0) <= share * final), kernels[0])
