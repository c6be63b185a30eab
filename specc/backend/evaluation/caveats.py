"""What keeps a figure from saying what it seems to say, beside it wherever it is printed."""

from specc.backend.data.dataset import DataSet
from specc.backend.data.places import few
from specc.tasks import MULTILABEL


def caveats(dataset: DataSet, part: str) -> list[str]:
    """What there is to say about the figures on a part, "validation" or "test", of a data set.

    Groups of which images were trained on, too; and tags whose average precision depends on no answer.
    """
    held_out = dataset.test if part == "test" and dataset.part != "test" else None
    images = held_out.images if held_out else dataset.validation
    torn = held_out.torn if held_out else dataset.torn
    lines = [torn] if torn else []
    if dataset.task.facts != MULTILABEL or images is None:
        return lines
    counts = list(zip(dataset.task.outputs, dataset.task.counts(images.labels), strict=True))
    every = [name for name, count in counts if count == len(images)]
    none = [name for name, count in counts if not count]
    if every:
        lines.append(f"average precision is 100% whatever is answered, since every image has the tag: {few(every)}")
    if none:
        lines.append(f"left out of mAP, since no image has the tag: {few(none)}")
    return lines
