"""What the figures of a probe mean: whether training has a chance, what is wrong, and where.

`judge` goes by the pass before the first step, `after_trial` by what a few steps then did.

The bounds come from training stacks of convolutions of growing depth: on digits (22 batches of 64 an epoch) until they
left chance, for up to 1,000 steps; and the variants of examples/deck_cifar10.cnn, with a quarter of their widths, on
2,000 images of CIFAR-10. No bound says how long a training may take: between `late` and `vanishing` lie hundreds of
steps at chance on digits, and more on photographs.
"""

import math
from collections.abc import Callable, Sequence

from specc.report.probe import Layer, Trial, Verdict
from specc.tasks import CLASSIFICATION, Task
from specc.values import Bound

# How much of a tensor varies from image to image. float32 rounds at 6e-8. The deck's deep sigmoid network (5e-8) and a
# stack at 2e-8 stayed at chance; stacks at 1e-7 to 1e-5 left it on digits, with adam(3e-3), after 250 to 500 steps;
# sigmoid networks at 1e-4 had not left it on CIFAR-10 after 500.
LOST = 1e-6
# The gradient at the first kernel over that at the last. The same networks: 5e-8 and 7e-10 against 3e-7 to 1e-5.
BLOCKED = 1e-6
# Of either, at the last layer. Relu networks, and those with norms or skips, are above it and learn from the start;
# below it Adam took 100 to 500 steps, and sgd had not begun after 400 at a ratio of 0.016.
LATE = 1e-2
# The largest gradient of a kernel. Adam, which divides by it, adds 1e-8: it learned at 3e-7 and not at 5e-11. Plain sgd
# did not within 300 steps at 6e-7.
FAINT, FAINT_FOR_SGD = 1e-9, 1e-6
# The loss over that of a blind guess: at 1e5 Adam learned, though from far away, and sgd(0.001) went to NaN.
SHOUTING = 100.0
# The gradient at the first kernel over that at the last: relu behind batch norm, 40 layers deep, has 1e3 and learns.
STEEP = 1e4
HOPELESS = ("not_finite", "dead")  # no step can change these
SLOW = ("late", "exploding")  # they begin to learn after more steps than a trial has
# How much outputs differ between images before the first step, where the loss on a few of them does not fall: networks
# with less stayed at chance, one with 4e-3 and others with more did not.
DROWNED = 3e-3
HARDLY = 1e-4  # of the same, as a share: sigmoid networks with less were still at chance after 155 and 500 steps
ABOVE = 1.1  # a loss after a trial, over that of the best constant answer: more is no guess any more
MANY = 0.5  # of the numbers of an activation saturated, or of the channels of a relu dead: most of a layer


def judge(
    layers: Sequence[Layer], loss: float, guess: float, ratio: float | None, optimizer: str, task: Task = CLASSIFICATION
) -> Verdict:
    """The verdict over a network of which one batch showed these layers and this loss.

    guess: the loss of a blind guess. ratio: of the gradient at the first layer's kernel to that at the last one's; None
    without kernels. optimizer: its name. All but `sgd` take steps whose size does not depend on the gradient's.
    """
    plain = optimizer == "sgd"
    seen = [layer for layer in layers if not layer.head]
    rules: tuple[Callable[[], Verdict | None], ...] = (
        lambda: _not_finite(seen, loss),
        lambda: _dead(seen),
        lambda: _vanishing(seen, ratio),
        lambda: _faint(seen, FAINT_FOR_SGD if plain else FAINT),
        lambda: _exploding(seen, loss / guess if guess else 1.0, ratio, plain),
        lambda: _late(seen, ratio, task),
        lambda: _saturated(seen),
        lambda: _dying(seen),
    )
    return next((found for rule in rules if (found := rule())), _fine(seen, ratio))


def after_trial(first: Verdict, trial: Trial | None, layers: Sequence[Layer], optimizer: Bound) -> Verdict:
    """The verdict in the end: that of the first look, `judge`, held against what a few real steps did.

    A trial that was long enough outweighs what the figures before it foretell, both ways; but of a network that they
    call slow to start, or whose outputs differ between images from the beginning, no trial this short can say that it
    does not learn.
    """
    if trial is None:
        return first
    if not math.isfinite(trial.losses[-1]):
        text = f"the loss is not finite after {trial.how}"
        return Verdict("diverging", False, f"{text}: this network will not learn at this learning rate", first.where)
    if trial.fits:
        if first.learns and not first.cause:
            return first._replace(text=f"{first.text}; {trial.text}")
        return Verdict(first.kind, True, f"{first.cause}; but {trial.text}: this network can learn", first.where)
    last = layers[-1]
    if first.kind == "late" and trial.is_whole and last.gives.variation < HARDLY:
        return Verdict("stuck", False, f"{first.cause}; {trial.text}: this network will not learn", last.name)
    if not trial.is_whole or not first.learns or first.kind in SLOW:
        return first._replace(text=f"{first.text}; {trial.text}")
    stayed = f"the loss on one batch {_stayed(trial)} after {trial.how}"
    spread = last.gives.variation * math.hypot(last.gives.mean, last.gives.std)
    if spread >= DROWNED:
        text = f"{stayed}, but outputs differ between images: this network will be slow to start learning"
        return Verdict("late", True, text)
    cause = f"at the start its outputs differ between images by {spread:.1e}"
    if optimizer.name != "sgd" and spread < optimizer.args.lr:
        cause += f", less than a step of {optimizer.name} moves a bias ({optimizer.args.lr:g})"
    return Verdict("stuck", False, f"{stayed}: this network will not learn; {cause}", last.name)


def _stayed(trial: Trial) -> str:
    """Where the loss is after steps that did not help."""
    last, constant = trial.losses[-1], trial.constant
    if last > ABOVE * constant:
        return f"is {last:.4g}, above the {constant:.4g} of the best constant answer,"
    return f"stayed at {last:.4g}, the value of a guess ({constant:.4g}),"


def _not_finite(layers: Sequence[Layer], loss: float) -> Verdict | None:
    for layer in layers:
        if not math.isfinite(layer.gives.std):
            text = f"the activations of {layer.name} overflow float32: this network will not learn"
            return Verdict("not_finite", False, text, layer.name)
    if not math.isfinite(loss):
        return Verdict("not_finite", False, "the loss is not finite: this network will not learn")
    for layer in reversed(layers):
        if layer.rms is not None and not math.isfinite(layer.rms):
            text = f"the gradient of {layer.name} overflows float32: this network will not learn"
            return Verdict("not_finite", False, text, layer.name)
    return None


def _dead(layers: Sequence[Layer]) -> Verdict | None:
    for layer in layers:
        if layer.on_trunk and layer.gives.dead == 1:
            text = f"{layer.name} outputs zero for every image, and nothing bypasses it: this network will not learn"
            return Verdict("dead", False, text, layer.name)
    return None


def _vanishing(layers: Sequence[Layer], ratio: float | None) -> Verdict | None:
    """No gradient arrives at the first layer, or no difference between images at the last one."""
    lost = next((layer for layer in layers if layer.on_trunk and layer.gives.variation < LOST), None)
    if lost:
        dies = f"the signal dies in {lost.name}, after which all images look the same"
    elif ratio is not None and ratio < BLOCKED:
        lost = _last_below(layers, BLOCKED)
        dies = f"the gradient dies at {lost.name} on the way back"
    else:
        return None
    cause = f"{_gradients(ratio)}; {dies}"
    return Verdict("vanishing", False, f"{_gradients(ratio)}: this network will not learn; {dies}", lost.name, cause)


def _faint(layers: Sequence[Layer], bound: float) -> Verdict | None:
    """Both activations and gradients fade, so that the first layer's gradient is no smaller than the last one's."""
    kernels = _kernels(layers)
    largest = max((layer.rms or 0.0 for layer in kernels), default=math.inf)
    if largest >= bound:
        return None
    cause = (
        f"activations fade to {layers[-1].gives.std:.1e} at the last layer, and no kernel's gradient is above "
        f"{largest:.1e}"
    )
    return Verdict("faint", False, f"{cause}: this network will not learn", layers[-1].name, cause)


def _exploding(layers: Sequence[Layer], times: float, ratio: float | None, plain: bool) -> Verdict | None:
    if ratio is not None and ratio > STEEP:
        cause = f"gradients grow by a factor of {ratio:.1e} from the last layer to the first"
        return Verdict("exploding", False, f"{cause}: this network will hardly learn", _kernels(layers)[0].name, cause)
    if times <= SHOUTING:
        return None
    where = max(layers, key=lambda layer: layer.gives.std)
    then = (
        "this network will diverge with sgd and not learn" if plain else "this network will be slow to start learning"
    )
    cause = (
        f"activations grow to {where.gives.std:.1e} in {where.name}, and the loss starts at {times:.1e} times that of "
        "a blind guess"
    )
    return Verdict("exploding", not plain, f"{cause}: {then}", where.name, cause)


def _late(layers: Sequence[Layer], ratio: float | None, task: Task) -> Verdict | None:
    variation = layers[-1].gives.variation
    if variation >= LATE and (ratio is None or ratio >= LATE):
        return None
    chance = "with an accuracy at chance" if task == CLASSIFICATION else "no better than a guess"
    cause = f"{_gradients(ratio)}, and images differ by {variation:.1e} at the last"
    text = f"{cause}: this network will be slow to start learning, {chance} until then, if it learns at all"
    return Verdict("late", True, text, cause=cause)


def _saturated(layers: Sequence[Layer]) -> Verdict | None:
    worst = max(layers, key=lambda layer: layer.saturated or 0.0)
    if (worst.saturated or 0.0) <= MANY:
        return None
    text = (
        f"{worst.saturated:.0%} of the outputs of {worst.name} are saturated: this network will be slow "
        "to start learning"
    )
    return Verdict("saturated", True, text, worst.name)


def _dying(layers: Sequence[Layer]) -> Verdict | None:
    worst = max((layer for layer in layers if layer.rectifies), key=lambda layer: layer.gives.dead, default=None)
    if worst is None or worst.gives.dead <= MANY:
        return None
    text = f"{worst.gives.dead:.0%} of the channels of {worst.name} are dead: this network will learn with the rest"
    return Verdict("dying", True, text, worst.name)


def _fine(layers: Sequence[Layer], ratio: float | None) -> Verdict:
    if ratio is None:
        return Verdict("fine", True, "there are no kernels; the network can learn")
    return Verdict(
        "fine",
        True,
        f"fine: gradients reach the first layer ({ratio:.2g} times the last one's), and outputs differ between images",
    )


def _gradients(ratio: float | None) -> str:
    if ratio is None or 0.1 < ratio < 10:
        return "gradients keep their size"
    rule = "shrink" if ratio < 1 else "grow"
    return f"gradients {rule} by a factor of {ratio:.1e} from the last layer to the first"


def _kernels(layers: Sequence[Layer]) -> list[Layer]:
    return [layer for layer in layers if layer.rms is not None]


def _last_below(layers: Sequence[Layer], share: float) -> Layer:
    """The last kernel whose gradient is below a share of that of the last one of all."""
    kernels = _kernels(layers)
    final = kernels[-1].rms or 0.0
    return next((layer for layer in reversed(kernels) if (layer.rms or 0.0) <= share * final), kernels[0])
