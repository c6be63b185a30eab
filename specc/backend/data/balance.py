"""What makes up for classes that differ in size: weights in the loss, and how often images are drawn."""

from collections.abc import Sequence

from torch import Tensor

from specc.backend.data.classes import LINES, noun
from specc.backend.data.dataset import DataSet
from specc.backend.data.places import few
from specc.backend.tasks.bound import BoundTask
from specc.diagnostics import nearest
from specc.errors import SpeccError, clean, counted
from specc.tasks import CLASSIFICATION, MULTILABEL
from specc.values import Args, Bound

RARE = 0.01  # of the images


def class_weights(loss: Bound, task: BoundTask, counts: Sequence[int], images: int) -> Bound:
    """A loss with a weight for each class or tag by position, whatever way its `weights` are written.

    counts: `task.counts` of the training labels. images: how many training images there are.

    Raises SpeccError E315: a name that is no class's, another number of weights, a class that cannot be balanced.
    """
    given = getattr(loss.args, "weights", None)
    if given is None:
        return loss
    if given == "balanced":
        weights = _balanced(task, counts, images)
    elif given and isinstance(given[0], tuple):
        weights = _by_name(dict(given), task)
    else:
        weights = given
    if len(weights) != len(task.outputs):
        what = task.facts.outputs
        message = f"`{loss.name}` has {counted(len(weights), 'weight')}, but there are {len(task.outputs)} {what}"
        help = f'give one weight for each of the {what}, in their order, or by name: weights=[("NAME", 9)]'
        raise SpeccError("E315", message, help=help, status=1)
    return loss._replace(args=Args(**{**loss.args.as_dict(), "weights": weights}))


def _balanced(task: BoundTask, counts: Sequence[int], images: int) -> tuple[float, ...]:
    """A class: n / (K n_c), over images or the pixels of masks (King and Zeng, 2001, as scikit-learn has it). A tag:
    the images without it over those with it, so that both count the same."""
    if task.facts == MULTILABEL:
        _refuse_count(task, counts, 0, "a tag that no training image has")
        _refuse_count(task, counts, images, "a tag that every training image has")
        return tuple((images - count) / count for count in counts)
    _refuse_count(task, counts, 0, f"a class without training {'pixels' if task.facts.per_pixel else 'images'}")
    return tuple(sum(counts) / (len(counts) * count) for count in counts)


def _refuse_count(task: BoundTask, counts: Sequence[int], refused: int, what: str) -> None:
    names = [name for name, count in zip(task.outputs, counts, strict=True) if count == refused]
    if names:
        message = f"`balanced` cannot weigh {what}: {few(names)}"
        help = "give images with and without it" if task.facts == MULTILABEL else "give images of every class"
        raise SpeccError("E315", message, help=f"{help}, or write the weights", status=1)


def _by_name(given: dict[str, float], task: BoundTask) -> tuple[float, ...]:
    unknown = [name for name in given if name not in task.outputs]
    if unknown:
        message = f"there is no {noun(task.facts)} {few(unknown)}, to which `weights` gives a weight"
        near = nearest(unknown[0], task.outputs) or f"the {task.facts.outputs} are {few(task.outputs, 20)}"
        raise SpeccError("E315", message, help=near, status=1)
    return tuple(given.get(name, 1.0) for name in task.outputs)


def weights_notes(losses: Sequence[Bound], task: BoundTask) -> list[str]:
    """Which class or tag got which weight, in words. losses: as `class_weights` gives each."""
    notes = []
    for loss in losses:
        if weights := getattr(loss.args, "weights", None):
            pairs = zip(task.outputs, weights, strict=True)
            named = ", ".join(f"{clean(name)}: {weight:g}" for name, weight in pairs)
            notes.append(f"{noun(task.facts)} weights of {loss.name}: {named}")
    return notes


def sample_note(sample: str | None, task: BoundTask, labels: Tensor) -> list[str]:
    """How often images of each class are drawn, in words. labels: int64 N, of the training images."""
    if sample is None:
        return []
    there = [(name, count) for name, count in zip(task.outputs, task.counts(labels), strict=True) if count]
    each = len(labels) / len(there)
    if len(there) > LINES:
        there = [max(there, key=lambda pair: pair[1]), min(there, key=lambda pair: pair[1])]
    times = ", of ".join(f"{clean(name)} {each / count:.3g} times" for name, count in there)
    return [f"sample = {sample}: each class is drawn {each:,.0f} times an epoch, an image of {times}"]


def rare_note(dataset: DataSet, losses: Sequence[Bound], sample: str | None, best: str) -> list[str]:
    """Classes or tags that hardly count, in words, where the spec does nothing about it.

    A class is rare that has less than 1% of the images or pixels, and less than a tenth of an even share of them; a tag
    that less than 1% of the images have. losses: as `class_weights` gives them. best: as `train.best` has it.
    """
    task, counts = dataset.task, dataset.train_counts
    figures = {figure.name: figure for figure in task.facts.figures}
    by_class = [figure.name for figure in figures.values() if figure.of_class]
    chooses = task.facts.figures[0].name if best == "auto" else best
    is_weighted = any(getattr(loss.args, "weights", ()) is not None for loss in losses)  # a loss without needs none
    if not counts or is_weighted or sample or chooses in by_class:
        return []
    has_tags = task.facts == MULTILABEL
    whole, limit = (dataset.train_images, RARE) if has_tags else (sum(counts), min(RARE, 0.1 / len(counts)))
    rare = [(name, count) for name, count in zip(task.outputs, counts, strict=True) if 0 < count < limit * whole]
    if not rare:
        return []
    named = few([f"{name} {count / whole:.2%}" for name, count in rare])
    remedies = [f"loss = {task.facts.loss}(weights=balanced)", f"best = {by_class[0]}"]
    remedies[1:1] = ["sample = balanced"] if task.facts == CLASSIFICATION else []
    which = f"{task.facts.outputs} of under {100 * limit:.2g}% of the training"
    what = "pixels" if task.facts.per_pixel else "images"
    where = f"in the loss and in `{chooses}`" if chooses in figures else "in the loss"  # not `last`
    return [f"{which} {what} hardly count {where}: {named}; consider {', '.join(remedies[:-1])} or {remedies[-1]}"]
