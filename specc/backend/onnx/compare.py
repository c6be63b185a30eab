"""An exported file against the trained model: the same images through both, and how far the answers are apart."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from specc.backend.data.split import Split
from specc.backend.onnx.comparison import Figures
from specc.backend.onnx.ending import Ending
from specc.backend.onnx.reference import Reference
from specc.backend.onnx.session import ORT_ERRORS, Outputs, open_session, plain, run
from specc.backend.onnx.truth import CPU, Images, Trained, Truth, spread
from specc.backend.resizing import resize
from specc.backend.tasks.bound import BoundTask, Records
from specc.errors import SpeccError
from specc.tricks.resize import Resize, center
from specc.values import Size

Model = Callable[[Images], Outputs]

SMALL_BATCHES = (1, 2, 7)
ROUNDED = 1e-3  # of the pixels may be a level off: those whose exact value lies halfway between two


def file_model(
    model: bytes | Path, provider: str, shape: Sequence[int], weights: Mapping[str, bytes] | None = None
) -> Model:
    """A model, in a file or serialized with the files of its weights, as something that answers.

    shape: of its output for an image. It raises SpeccError E457, here or when it is asked, where the file cannot be
    loaded or run, as with a batch size that was baked in, or gives another shape; E454 where the provider does not
    load.
    """
    try:
        session = open_session(model, provider, weights)
    except ORT_ERRORS as error:
        raise SpeccError("E457", f"onnxruntime cannot load the file: {plain(error)}", status=1) from None

    def answer(images: Images) -> Outputs:
        try:
            given = run(session, images)
        except ORT_ERRORS as error:
            text = " x ".join(map(str, images.shape))
            message = f"the file does not run on a batch of {text} on {provider}: {plain(error)}"
            raise SpeccError("E457", message, status=1) from None
        wanted = (len(images), *shape)
        if given.shape != wanted:
            found, needed = (" x ".join(map(str, sizes)) for sizes in (given.shape, wanted))
            raise SpeccError("E457", f"the file gives {found} numbers instead of {needed}", status=1)
        return given

    return answer


class Tally:
    """How far a file's outputs are from the trained model's, and its records, batch by batch.

    ending: of the file's graph, which may be a copy that gives the logits.
    """

    def __init__(self, task: BoundTask, ending: Ending) -> None:
        self.task, self.ending = task, ending
        self.images, self.count, self.total = 0, 0, 0.0
        self.largest: NDArray[np.float64] = np.zeros(len(task.outputs) if ending.output == "numbers" else 1)
        self.alike, self.answers = 0, 0
        self._records: list[Tensor] = []

    def update(self, trained: Trained, given: Outputs) -> None:
        """Add a batch. given: what the file gives for it."""
        apart = self._differences(trained, given)
        apart[~np.isfinite(apart)] = np.inf
        largest = apart.max(axis=0) if self.ending.output == "numbers" else apart.max()
        self.largest = np.maximum(self.largest, largest)
        self.total += float(apart.sum())
        self.count += apart.size
        self.images += len(given)
        outputs = self.restored(given)
        own = self.task.answers(torch.from_numpy(trained.logits))
        theirs = self.task.answers(outputs)
        if own is not None and theirs is not None:
            self.alike += int((own == theirs).sum())
            self.answers += own.numel()

    def record(self, given: Outputs, labels: Tensor) -> None:
        """Add the records of a batch."""
        self._records.append(self.task.records(self.restored(given), labels))

    @property
    def records(self) -> Records:
        return torch.cat(self._records).numpy().astype(np.float64)

    def restored(self, given: Outputs) -> Tensor:
        return self.task.restore(torch.from_numpy(given), self.ending.output)

    def figures(self) -> Figures:
        return Figures(
            images=self.images,
            largest=float(self.largest.max()),
            mean=self.total / self.count,
            agreement=self.alike / self.answers if self.answers else None,
            by_number=tuple(self.largest.tolist()) if self.ending.output == "numbers" else (),
        )

    def _differences(self, trained: Trained, given: Outputs) -> NDArray[np.float64]:
        """What each number differs by. Of classes: by how much the logits of both answers would have to move."""
        if self.ending.output == "classes":
            logits = trained.logits.astype(np.float64)
            theirs = np.take_along_axis(logits, given[:, None].astype(np.int64), axis=1)[:, 0]
            gap: NDArray[np.float64] = (logits.max(axis=1) - theirs) / 2
            return gap
        own = trained.logits if self.ending.output == "logits" else trained.outputs
        with np.errstate(invalid="ignore"):  # infinity from infinity: not finite either
            return np.abs(own.astype(np.float64) - given.astype(np.float64))


def compare_batches(tally: Callable[[], Tally], model: Model, truth: Truth, split: Split) -> dict[int, Figures]:
    """A file's answers to batches of 1, 2 and 7 images, spread over all of them, against the trained model's."""
    found = {}
    for size in {min(size, len(split)) for size in SMALL_BATCHES}:
        own = tally()
        chosen = spread(len(split), size)
        own.update(truth.samples(chosen), model(split.gather(torch.from_numpy(chosen), CPU).numpy()))
        found[size] = own.figures()
    return found


def compare_sizes(
    tally: Callable[[], Tally], model: Model, reference: Reference, split: Split, how: Resize, resized: Model | None
) -> dict[str, Figures]:
    """A file that resizes its images itself, on images of other sizes: real ones, stretched and cut unevenly.

    Where it keeps proportions, on tall ones, too. reference: takes images that `resizing.resize` has resized. resized:
    gives the pixels that the graph makes of them, where that is known. Sums of float32 may round a few to the
    neighboring level, and then the network is compared on these.
    """
    images = split.gather(torch.from_numpy(spread(len(split), min(7, len(split)))), CPU).numpy()
    found = {}
    for factor in (1, 2, 3):
        large = images.repeat(factor, axis=2).repeat(factor + 1, axis=3)
        height, width = large.shape[2:]
        wide = np.ascontiguousarray(large[:, :, : max(1, height - 1), : max(1, width - 3)])
        for pixels in [wide] if how.fit == "stretch" else [wide, np.ascontiguousarray(wide.swapaxes(2, 3))]:
            own, seen = tally(), resize(pixels, how)
            rounded = _rounded(reference, seen, resized(pixels)) if resized else None
            own.update(Trained.of(reference, seen if rounded is None else rounded.pixels), model(pixels))
            count = 0 if rounded is None else rounded.off
            found[str(Size(*pixels.shape[2:]))] = own.figures()._replace(rounded=count)
    return found


class _Rounded(NamedTuple):
    """Pixels as a graph resized them, uint8, and how many of them are a level off."""

    pixels: Images
    off: int


def _rounded(reference: Reference, seen: Images, given: Outputs) -> _Rounded | None:
    """A graph's own pixels, if they are those of `resizing.resize` but for a level here and there; else None.

    seen: as NumPy resized them. given: as the graph did, in the network's view.
    """
    view = reference.normalize.view
    if view is not None:
        top, left = (center(whole, part) for whole, part in zip(seen.shape[2:], view, strict=True))
        seen = seen[:, :, top : top + view.height, left : left + view.width]
    if given.shape != seen.shape:
        return None
    apart = np.abs(given - seen.astype(np.float32))
    if not apart.max() <= 1 or np.count_nonzero(apart) > ROUNDED * apart.size:
        return None
    return _Rounded(given.astype(np.uint8), int(np.count_nonzero(apart)))


def difference(ours: Outputs, theirs: Outputs) -> Figures:
    """How far two arrays of outputs, N x classes, are apart. A NaN on either side is infinitely far."""
    apart = np.abs(ours.astype(np.float64) - theirs.astype(np.float64))
    apart[~np.isfinite(apart)] = np.inf
    return Figures(
        images=len(ours),
        largest=float(apart.max()),
        mean=float(apart.mean()),
        agreement=float((ours.argmax(axis=1) == theirs.argmax(axis=1)).mean()),
    )
