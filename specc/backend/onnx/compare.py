"""An exported file against the trained model: the same images through both, and how far the answers are apart."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from specc.backend.onnx.certificate import Comparison, Figures
from specc.backend.onnx.session import ORT_ERRORS, Outputs, open_session, plain, run
from specc.errors import SpeccError

Images = NDArray[np.uint8]
Model = Callable[[Images], Outputs]

SMALL_BATCHES = (1, 2, 7)
FULL_BATCH = 256


def figures(ours: Outputs, theirs: Outputs) -> Figures:
    """How far two arrays of outputs, N x classes, are apart. A NaN on either side is infinitely far."""
    apart = np.abs(ours.astype(np.float64) - theirs.astype(np.float64))
    apart[~np.isfinite(apart)] = np.inf
    return Figures(
        images=len(ours),
        largest=float(apart.max()),
        mean=float(apart.mean()),
        agreement=float((ours.argmax(axis=1) == theirs.argmax(axis=1)).mean()),
    )


def batches(count: int, size: int) -> Iterator[slice]:
    """Slices of `size` that cover `count` images; the last one may be smaller."""
    return (slice(start, min(start + size, count)) for start in range(0, count, size))


def outputs(
    model: Model, images: Images, size: int = FULL_BATCH, progress: Callable[[int], None] | None = None
) -> Outputs:
    """The outputs of a model for all images, in batches. `progress` is told how many images each batch had."""
    parts = []
    for batch in batches(len(images), size):
        parts.append(model(images[batch]))
        if progress:
            progress(len(parts[-1]))
    return np.concatenate(parts)


def compare(
    model: bytes,
    provider: str,
    images: Images,
    labels: NDArray[np.int64],
    reference: Outputs,
    progress: Callable[[int], None] | None = None,
) -> Comparison:
    """The serialised `model` on `provider` against `reference`, the trained model's outputs for the same raw images.

    images: uint8, N x C x H x W. Batches of 1, 2 and 7 images, spread over all of them, are run on their own; then
    all images in full batches.

    Raises SpeccError E455 where the file cannot be run, as with a batch size that was baked in, and E454.
    """
    try:
        session = open_session(model, provider)
    except ORT_ERRORS as error:
        raise SpeccError("E455", f"onnxruntime cannot load the exported file: {plain(error)}", status=1) from None

    def answer(batch: Images) -> Outputs:
        try:
            given = run(session, batch)
        except ORT_ERRORS as error:
            message = f"the exported file does not run on a batch of {len(batch)} on {provider}: {plain(error)}"
            raise SpeccError("E455", message, status=1) from None
        if given.shape != (len(batch), reference.shape[1]):
            expected = f"{len(batch)} x {reference.shape[1]}"
            message = f"the exported file gives {' x '.join(map(str, given.shape))} numbers instead of {expected}"
            raise SpeccError("E455", message, status=1)
        return given

    small = {}
    for size in sorted({min(size, len(images)) for size in SMALL_BATCHES}):
        chosen = np.linspace(0, len(images) - 1, size).astype(np.int64)
        small[size] = figures(answer(images[chosen]), reference[chosen])
    full = min(FULL_BATCH, len(images))
    whole = outputs(answer, images, full, progress)
    small[full] = figures(whole[:full], reference[:full])
    return Comparison(provider, figures(whole, reference), small, int((whole.argmax(axis=1) == labels).sum()))


def scale(output: str, reference: Outputs) -> float:
    """What a difference is measured by: 1 for probabilities, the largest absolute value for logits."""
    return 1.0 if output == "probabilities" else float(np.abs(reference).max()) or 1.0


def judge(comparisons: Sequence[Comparison], tolerance: float, measure: float) -> str:
    """Which comparison is beyond the tolerance and by how much; empty where none is."""
    for comparison in comparisons:
        for size, found in [*comparison.batches.items(), (0, comparison.whole)]:
            if not found.largest / measure <= tolerance:
                which = f"a batch of {size}" if size else "the whole validation set"
                relative = "" if measure == 1.0 else f" times the scale of the output, {measure:.3g}"
                return (
                    f"on {comparison.provider}, {which}: the largest difference is {found.largest:.3g}, "
                    f"the tolerance {tolerance:.3g}{relative}; the top class agrees on {found.agreement:.2%}"
                )
    return ""
