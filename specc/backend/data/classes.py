"""The classes of a data set: how many images each has, what is odd about them, and what they weigh."""

from collections.abc import Sequence
from unicodedata import normalize

from torch import Tensor

from specc.backend.data.places import few
from specc.diagnostics import nearest
from specc.errors import SpeccError, clean
from specc.values import Args, Bound

LINES = 40  # classes that have a line each; more are put together


def class_counts(labels: Tensor, classes: Sequence[str]) -> tuple[int, ...]:
    """How many images each class has. labels: int64 N."""
    return tuple(labels.bincount(minlength=len(classes)).tolist())


def refuse_unlearned(classes: Sequence[str], train: Sequence[int], validation: Sequence[int]) -> None:
    """Raise SpeccError E407 where classes are to be measured that have no image to train on."""
    lacking = [name for name, learned, held in zip(classes, train, validation, strict=True) if held and not learned]
    if lacking:
        message = f"there is no image to train on in {_classes(lacking)}, which validation images have"
        help = "every class that is measured must also be learned: add training images of these classes"
        raise SpeccError("E407", message, help=help, status=1)


def odd_classes(classes: Sequence[str], train: Sequence[int], validation: Sequence[int]) -> list[str]:
    """What is odd about the classes, and may be meant. train, validation: how many images each has."""
    alike: dict[str, list[str]] = {}
    for name in classes:
        alike.setdefault(normalize("NFC", name).casefold(), []).append(name)
    notes = [f"classes whose names look alike: {few(names)}" for names in alike.values() if len(names) > 1]
    for what, counts, number in (
        ("no image to train on in", train, 0),
        ("a single image to train on in", train, 1),
        ("no image to validate on in", validation, 0),
    ):
        names = [name for name, count in zip(classes, counts, strict=True) if count == number]
        if names:
            notes.append(f"{what} {_classes(names)}")
    return notes


def _classes(names: Sequence[str]) -> str:
    return f"{'class' if len(names) == 1 else f'{len(names):,} classes:'} {few(names)}"


def class_table(classes: Sequence[str], parts: Sequence[tuple[str, Sequence[int]]]) -> list[str]:
    """A line for each class with its number of images in each part: (the part's name, the numbers)."""
    names = list(map(clean, classes))
    if len(classes) > LINES:
        counts = ["/".join(f"{numbers[index]:,}" for _, numbers in parts) for index in range(len(classes))]
        every = ", ".join(f"{name} {count}" for name, count in zip(names, counts, strict=True))
        return [f"{len(classes):,} classes ({' / '.join(part for part, _ in parts)} images): {every}"]
    wide = max(map(len, ["class", *names]))
    columns = [max(len(part), len(f"{max(numbers):,}")) for part, numbers in parts]
    lines = ["  ".join([f"{'class':{wide}}", *(f"{part:>{w}}" for (part, _), w in zip(parts, columns, strict=True))])]
    for index, name in enumerate(names):
        cells = [f"{numbers[index]:>{w},}" for (_, numbers), w in zip(parts, columns, strict=True)]
        lines.append("  ".join([f"{name:{wide}}", *cells]))
    return lines


def class_weights(loss: Bound, classes: Sequence[str], counts: Sequence[int]) -> Bound:
    """A loss with a weight for each class by position, whatever way its `weights` are written.

    classes: their names. counts: how many training images each has; `balanced` weighs a class by n / (K n_c) (King and
    Zeng, 2001, as scikit-learn has it).

    Raises SpeccError E315: a name that is no class's, another number of weights, a class without images to balance.
    """
    given = getattr(loss.args, "weights", None)
    if given is None:
        return loss
    if given == "balanced":
        empty = [name for name, count in zip(classes, counts, strict=True) if not count]
        if empty:
            message = f"`balanced` cannot weigh a class without training images: {few(empty)}"
            raise SpeccError("E315", message, help="give images of every class, or write the weights", status=1)
        weights = tuple(sum(counts) / (len(counts) * count) for count in counts)
    elif given and isinstance(given[0], tuple):
        weights = _by_name(dict(given), classes)
    else:
        weights = given
    if len(weights) != len(classes):
        message = f"`{loss.name}` has {len(weights)} weights, but there are {len(classes)} classes"
        help = 'give one weight for each class, in their order, or by name: weights=[("NAME", 9)]'
        raise SpeccError("E315", message, help=help, status=1)
    return loss._replace(args=Args(**{**loss.args.as_dict(), "weights": weights}))


def _by_name(given: dict[str, float], classes: Sequence[str]) -> tuple[float, ...]:
    unknown = [name for name in given if name not in classes]
    if unknown:
        message = f"there is no class {few(unknown)}, to which `weights` gives a weight"
        near = nearest(unknown[0], classes) or f"the classes are {few(classes, 20)}"
        raise SpeccError("E315", message, help=near, status=1)
    return tuple(given.get(name, 1.0) for name in classes)


def weights_note(loss: Bound, classes: Sequence[str]) -> list[str]:
    """Which class got which weight, in words. loss: as `class_weights` gives it."""
    weights = getattr(loss.args, "weights", None)
    if weights is None:
        return []
    pairs = zip(classes, weights, strict=True)
    return [f"class weights of {loss.name}: {', '.join(f'{clean(name)} {weight:g}' for name, weight in pairs)}"]
