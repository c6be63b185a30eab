"""An exported file beside the trained model: how far their outputs are apart, and what figures it reaches."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from specc.backend.evaluation.intervals import Interval, wilson
from specc.tasks import CLASSIFICATION, Figure, Task

ACCURACY = CLASSIFICATION.figure("accuracy")


class Figures(NamedTuple):
    """How far two sets of outputs are apart.

    images: how many were compared. largest, mean: absolute differences. agreement: the share of images whose class is
    the same; of tags, of all images together, that are on the same side of one half; of pixels whose class is the same;
    None for numbers. by_number: the largest difference of each number, in the data's own units; empty for other tasks.
    rounded: resized pixels that the graph rounds to the neighboring level; the network is compared on the graph's own.
    """

    images: int
    largest: float
    mean: float
    agreement: float | None
    by_number: tuple[float, ...] = ()
    rounded: int = 0

    def parts_of(self, scales: tuple[float, ...]) -> float:
        """The largest difference, in parts of what differences are measured by (`Certificate.scales`)."""
        differences = self.by_number if len(scales) > 1 else (self.largest,)
        return max(difference / scale for difference, scale in zip(differences, scales, strict=True))

    def as_dict(self) -> dict[str, Any]:
        values: dict[str, Any] = {
            "images": self.images,
            "largest_difference": self.largest,
            "mean_difference": self.mean,
            "agreement": self.agreement,
        }
        if self.by_number:
            values["largest_differences"] = list(self.by_number)
        return values | ({"rounded_pixels": self.rounded} if self.rounded else {})


class Comparison(NamedTuple):
    """An exported file on one execution provider against the trained model in PyTorch.

    whole: over the whole validation set. batches: for single batches of these sizes. figures: those of the task that
    the file reaches on the validation images. sizes: for images of other sizes, where the file resizes them itself.
    logits: over the whole validation set, of the graph without its end; None where its output is logits or numbers.
    """

    provider: str
    whole: Figures
    batches: dict[int, Figures]
    figures: Mapping[str, float | None]
    sizes: dict[str, Figures] = {}  # noqa: RUF012 - never changed
    logits: Figures | None = None

    def all(self) -> Iterator[tuple[str, Figures]]:
        """All figures of the output, each with what was compared."""
        for size, figures in self.batches.items():
            yield f"a batch of {size}", figures
        yield "the whole validation set", self.whole
        for text, figures in self.sizes.items():
            yield f"images of {text}", figures

    def as_dict(self) -> dict[str, Any]:
        found = {
            **self.whole.as_dict(),
            **right(self.figures, self.whole.images),
            "figures": dict(self.figures),
            "batches": {str(size): figures.as_dict() for size, figures in self.batches.items()},
        }
        if self.sizes:
            found["sizes"] = {size: figures.as_dict() for size, figures in self.sizes.items()}
        if self.logits is not None:
            found["logits"] = self.logits.as_dict()
        return found


class Half(NamedTuple):
    """What half precision does to a network, beside what onnxruntime's CPU provider shows.

    figures: those of `task` on `images` validation images with every weight and every layer's output rounded to
    float16; figure: the one that chooses. agreement: with the trained model, as in `Figures`. layer, largest: where the
    largest absolute value arises, on the calibration and validation images. below: the layers whose values are all
    smaller than float16's smallest normal number.
    """

    task: Task
    figure: Figure
    images: int
    figures: Mapping[str, float | None]
    agreement: float | None
    layer: str
    largest: float
    below: tuple[str, ...]

    def __str__(self) -> str:
        text = (
            f"in half precision: {figure_text(self.figure, self.figures)}{agreement_text(self.task, self.agreement)}; "
            f"the largest value is {self.largest:.3g}, of `{self.layer}` (float16 ends at 65,504)"
        )
        if self.below:
            names = ", ".join(f"`{name}`" for name in self.below)
            text += f"; all of {names} is below 6.1e-05, where float16 loses digits"
        return text

    def as_dict(self) -> dict[str, Any]:
        return {
            "validation_images": self.images,
            **right(self.figures, self.images),
            "figures": dict(self.figures),
            "agreement": self.agreement,
            "largest_value": self.largest,
            "largest_value_of": self.layer,
            "below_smallest_normal": list(self.below),
        }


def lowest_agreement(comparisons: Sequence[Comparison]) -> float | None:
    """The lowest agreement over the whole validation set; None for numbers."""
    shares = [share for comparison in comparisons if (share := comparison.whole.agreement) is not None]
    return min(shares, default=None)


def right(figures: Mapping[str, float | None], images: int) -> dict[str, Any]:
    """The accuracy of a classification, and how many images that are; nothing for other tasks."""
    accuracy = figures.get(ACCURACY.name)
    if accuracy is None:
        return {}
    correct = round(accuracy * images)
    return {"accuracy": accuracy, "accuracy_interval": listed(wilson(correct, images)), "correct": correct}


def listed(interval: Interval | None) -> list[float] | None:
    return None if interval is None else list(interval)


def figure_text(figure: Figure, figures: Mapping[str, float | None]) -> str:
    """`accuracy 98.33%`."""
    return f"{figure.title} {figure.text(figures[figure.name])}"


def agreement_text(task: Task, share: float | None) -> str:
    """`, same class on 99.72%`; empty for numbers."""
    places = "" if task.places == "images" else f" of the {task.places}"
    return "" if share is None else f", {task.agreement} on {share:.2%}{places}"


def largest_text(comparison: Comparison) -> str:
    """The largest difference of all comparisons on a provider; of several numbers, that of each."""
    found = [figures for _, figures in comparison.all()]
    largest = zip(*(figures.by_number or (figures.largest,) for figures in found), strict=True)
    return ", ".join(f"{max(differences):.2g}" for differences in largest)
