"""A task: what an image is given (a class, tags, numbers, a mask), and all that follows from it."""

from typing import NamedTuple


class Figure(NamedTuple):
    """A figure of merit over a set of images.

    name: as `train.best` and the keys of metrics.jsonl write it. title: in words.
    is_error: the lower, the better; else the higher.
    unit: "share", from 0 to 1 and printed in percent; "data", in the units of the data's numbers; "", a plain number.
    counts_images: it is the share of the images of which something holds, so that its interval is a binomial's.
    of_class: it is a mean over the classes or tags, in which a rare one counts as much as any other; of each of them it
    is the figure of this name, such as "recall". "" for one that is no such mean.
    """

    name: str
    title: str
    is_error: bool = False
    unit: str = "share"
    counts_images: bool = False
    of_class: str = ""

    def text(self, value: float | None) -> str:
        """A value as it is printed; a dash for one over nothing."""
        if value is None:
            return "–"
        return f"{value:.2%}" if self.unit == "share" else f"{value:.4g}"

    def is_better(self, value: float, other: float) -> bool:
        return value < other if self.is_error else value > other


LOSS = Figure("loss", "loss", is_error=True, unit="")


class Task(NamedTuple):
    """What a network learns of its images.

    name: of the task. outputs: what the numbers that the network gives are called, in the plural.
    figures: the first chooses the best epoch where `train.best` names none.
    loss: the name of the loss where `train.loss` names none.
    activation: what turns outputs into probabilities where the loss does not say: "softmax", "sigmoid", or "" for none.
    exports: the values of `export.output`, the default first.
    mixes: images may be mixed with others, and their labels alike.
    per_pixel: the network gives a map of the image's size for each class; else one number for each.
    at_least: so many outputs a network has at least.
    agreement: what two models that give almost the same have in common, as in "same class on 99%"; "" for numbers.
    places: what there is an answer for, of which that is a share.
    target: the dotted path of what implements it.
    """

    name: str
    outputs: str
    figures: tuple[Figure, ...]
    loss: str
    activation: str
    exports: tuple[str, ...]
    mixes: bool
    per_pixel: bool
    at_least: int
    agreement: str
    places: str
    target: str

    def figure(self, name: str) -> Figure:
        """A figure by its name, the loss included. Raises KeyError for one that the task does not have."""
        return {figure.name: figure for figure in (*self.figures, LOSS)}[name]
