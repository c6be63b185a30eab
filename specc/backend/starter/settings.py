"""Settings of data and training that fit what was seen: augmentation, rare classes, the images that choose, length."""

from specc.backend.starter.facts import Seen
from specc.backend.starter.size import SMALL, Fit, Line
from specc.backend.starter.words import are_characters, are_numbers, is_directed, is_position
from specc.errors import SpeccError, clean
from specc.tasks import CLASSIFICATION, MULTILABEL, REGRESSION, SEGMENTATION

UNEVEN = 2.0  # images of the largest class over those of the smallest, from which on every class counts alike
RARE = 3.0  # likewise, from which on rare classes are made up for
RARE_TAG = 10.0  # images without a tag over those with it
MANY = 1_000  # images of which a tenth is enough to validate on
STEPS = 2_000  # that a small network takes to learn, roughly
EPOCHS = (10, 60)  # the least and the most
BATCHES = (8, 16, 32, 64, 128)
PER_EPOCH = 20  # steps that an epoch has at least, where there are images enough


def augment(seen: Seen, fit: Fit) -> list[Line]:
    """The setting `augment`, which changes nothing that is to be learned."""
    side = min(fit.seen)
    if side < 8:
        return []
    if seen.task == REGRESSION and any(map(is_position, seen.outputs)):
        why = "only colors: an image that is moved or flipped would have other numbers"
        return [Line("augment = brightness(0.1) -> contrast(0.1)", why)]
    shift = f"shift({max(1, side // 16)})"
    if fit.is_cropped:
        move = f"crop_and_resize(scale=(0.4, 1), size={fit.seen})"
    elif side >= SMALL and seen.task in (CLASSIFICATION, SEGMENTATION):
        move = "crop_and_resize(scale=(0.6, 1))"
    else:
        move = shift
    mirrors, why = _mirrors(seen)
    if seen.task == SEGMENTATION:
        why = f"moves the masks, too{'; ' if why else ''}{why}"
    return [Line(f"augment = {move}{' -> flip' if mirrors else ''}", why)]


def _mirrors(seen: Seen) -> tuple[bool, str]:
    """Whether a mirrored image still shows the same, and why not, or where not."""
    if seen.task == REGRESSION:
        return False, "no flip: the number may depend on left and right; where it does not, add -> flip"
    directed = next(filter(is_directed, seen.outputs), None)
    if directed is not None:
        return False, f"no flip: a mirrored `{clean(directed)}` is something else"
    if seen.task == SEGMENTATION:
        return True, ""
    if are_numbers(seen.outputs):
        return False, "no flip: classes with numbers may be digits; where left and right do not matter, add -> flip"
    if are_characters(seen.outputs):
        return False, "no flip: a mirrored letter or digit is another one, or none"
    if seen.pictures.is_gray:
        return False, "no flip: left and right may matter, as in X-rays; where they do not, add -> flip"
    return True, "remove flip where left and right matter"


def balance(seen: Seen) -> tuple[list[Line], list[Line]]:
    """What makes up for rare classes: settings of `data`, and of `train`."""
    counts = [count for count in seen.counts if count]
    if len(counts) < 2:
        return [], []
    ratio = max(counts) / min(counts)
    if seen.task == CLASSIFICATION and ratio >= UNEVEN:
        best = [Line("best = balanced_accuracy", "the mean of the classes' recalls: a rare class counts as much")]
        why = "classes are drawn equally often: images of rare ones come several times"
        return ([Line("sample = balanced", why)] if ratio >= RARE else []), best
    if seen.task == MULTILABEL:
        rarest = min(seen.counts)
        if rarest and (seen.learned - rarest) / rarest >= RARE_TAG:
            return [], [Line("loss = binary_cross_entropy(weights=balanced)", "a rare tag weighs more where it is")]
    if seen.task == SEGMENTATION and ratio >= RARE:
        share = max(counts) / sum(counts)
        why = f"dice counts classes alike; the largest has {share:.0%} of the pixels"
        return [], [Line("loss = [cross_entropy, dice(weight=0.5)]", why)]
    return [], []


def validation(seen: Seen) -> Line:
    """Which images choose the best epoch. Raises SpeccError E409 where there are too few."""
    parts = seen.images
    if "validation" in parts:
        rest = "; the test part measures once, at the end" if "test" in parts else ""
        return Line("validation = given", f"the validation part chooses the best epoch{rest}")
    if seen.learned < 2 or (seen.task == CLASSIFICATION and max(seen.counts) < 2):
        message = "no image can be set aside to validate on: no class has two"
        raise SpeccError("E409", message, help="give more images, or a folder `val` beside `train`", status=1)
    share = "10%" if seen.learned >= MANY else "20%"
    if "test" in parts:
        return Line(f"validation = split({share})", "chooses the best epoch; the test part measures once, at the end")
    why = "chooses the best epoch"
    if share == "20%":
        why += "; `specc study --folds 5` measures on every image once"
    return Line(f"validation = split({share})", why)


def batch(images: int) -> int:
    """The largest batch with enough steps in an epoch."""
    return max((size for size in BATCHES if size * PER_EPOCH <= images), default=BATCHES[0])


def epochs(images: int, size: int) -> int:
    """How long a training takes that is neither hasty nor endless."""
    steps = max(1, images // min(size, images))
    least, most = EPOCHS
    wanted = min(most, max(least, STEPS / steps))
    return 5 * round(wanted / 5)


def width(images: int) -> int:
    """Filters of the first layer: fewer images cannot teach many."""
    return 16 if images < MANY else 32
