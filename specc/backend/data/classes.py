"""The classes of a data set, or its tags: how many images each has, and what is odd about them."""

from collections.abc import Sequence
from unicodedata import normalize

from torch import Tensor

from specc.backend.data.places import few
from specc.backend.tasks.bound import BoundTask
from specc.errors import SpeccError, clean, counted
from specc.tasks import MULTILABEL, REGRESSION, Task

LINES = 40  # classes that have a line each; more are put together


def noun(task: Task) -> str:
    """What one of the outputs is called."""
    return {"classes": "class", "tags": "tag", "numbers": "number"}[task.outputs]


def refuse_unlearned(task: BoundTask, train: Sequence[int], validation: Sequence[int]) -> None:
    """Raise SpeccError E407 where classes or tags are to be measured that no training image has.

    train, validation: `task.counts` of their labels.
    """
    counts = zip(train, validation, strict=True)
    names = [task.outputs[number] for number, (learned, held) in enumerate(counts) if held and not learned]
    if names:
        message = f"there is no {_of(task.facts, 'to train on', names)}, which validation images have"
        one = noun(task.facts)
        help = f"every {one} that is measured must also be learned: add training images of these {task.facts.outputs}"
        raise SpeccError("E407", message, help=help, status=1)


def odd_classes(task: BoundTask, train: Sequence[int], validation: Sequence[int]) -> list[str]:
    """What is odd about the classes or tags, and may be meant. train, validation: `task.counts` of their labels."""
    alike: dict[str, list[str]] = {}
    for name in task.outputs:
        alike.setdefault(normalize("NFC", name).casefold(), []).append(name)
    notes = [f"{task.facts.outputs} whose names look alike: {few(names)}" for names in alike.values() if len(names) > 1]
    for article, use, counts, number in (
        ("no", "to train on", train, 0),
        ("a single", "to train on", train, 1),
        ("no", "to validate on", validation, 0),
    ):
        names = [task.outputs[index] for index, count in enumerate(counts) if count == number]
        if names:
            notes.append(f"{article} {_of(task.facts, use, names)}")
    return notes


def _of(task: Task, use: str, names: Sequence[str]) -> str:
    """Images for a use, of some classes, in words."""
    which = noun(task) if len(names) == 1 else f"{len(names):,} {task.outputs}:"
    what, having = "pixel" if task.per_pixel else "image", "with" if task == MULTILABEL else "in"
    return f"{what} {use} {having} {which} {few(names)}"


def label_table(task: BoundTask, parts: Sequence[tuple[str, Tensor]]) -> list[str]:
    """A line for each class, tag or number with what each part has of it: (the part's name, its labels)."""
    if task.facts == REGRESSION:
        return _number_table(task, parts)
    counts = [(name, task.counts(labels)) for name, labels in parts]
    table = class_table(task.outputs, counts, noun(task.facts))
    return ["pixels of each class:", *table] if task.facts.per_pixel else table


def _number_table(task: BoundTask, parts: Sequence[tuple[str, Tensor]]) -> list[str]:
    """The images of each part, and the mean, deviation and range of their numbers in the data's own units."""
    lines = []
    for index, output in enumerate(task.outputs):
        mean, std = (task.scale.mean[index], task.scale.std[index]) if task.scale else (0.0, 1.0)
        for name, labels in parts:
            numbers = labels[:, index].double() * std + mean
            numbers[numbers.abs() < 1e-6 * std] = 0  # what standardizing in float32 leaves of it
            spread = f"mean {numbers.mean():.4g}, deviation {numbers.std(correction=0):.4g}"
            ends = f"from {numbers.min():.6g} to {numbers.max():.6g}"
            lines.append(f"{clean(output)}, {name}: {counted(len(labels), 'image')}, {spread}, {ends}")
    return lines


def class_table(classes: Sequence[str], parts: Sequence[tuple[str, Sequence[int]]], word: str = "class") -> list[str]:
    """A line for each class with its number of images in each part: (the part's name, the numbers)."""
    names = list(map(clean, classes))
    if len(classes) > LINES:
        counts = ["/".join(f"{numbers[index]:,}" for _, numbers in parts) for index in range(len(classes))]
        every = ", ".join(f"{name} {count}" for name, count in zip(names, counts, strict=True))
        return [f"{len(classes):,} classes ({' / '.join(part for part, _ in parts)} images): {every}"]
    wide = max(map(len, [word, *names]))
    columns = [max(len(part), len(f"{max(numbers):,}")) for part, numbers in parts]
    lines = ["  ".join([f"{word:{wide}}", *(f"{part:>{w}}" for (part, _), w in zip(parts, columns, strict=True))])]
    for index, name in enumerate(names):
        cells = [f"{numbers[index]:>{w},}" for (_, numbers), w in zip(parts, columns, strict=True)]
        lines.append("  ".join([f"{name:{wide}}", *cells]))
    return lines
