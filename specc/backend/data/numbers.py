"""Numbers to predict that no network can learn, or no graph of float32 can give."""

from collections.abc import Sequence

from torch import Tensor

from specc.errors import SpeccError, clean

LARGEST = 1e30  # whose square float32 can hold, after standardization by numbers of the same size
COARSEST = 0.01  # of the deviation, by which neighboring float32 numbers may differ
SPACING = 2.0**-23  # of neighboring float32 numbers, relative to their size


def refuse_unlearnable(names: Sequence[str], numbers: Tensor) -> None:
    """Raise SpeccError E418 for a number that is too large, the same in all training images, or hardly varies beside
    its own size.

    numbers: of the training images, float64 N x numbers, in the data's own units.
    """
    for name, column in zip(names, numbers.T, strict=True):
        largest, deviation = float(column.abs().max()), float(column.std(correction=0))
        called = f"`{clean(name)}`"
        if largest > LARGEST:
            message = f"{called} goes up to {largest:.4g}, which float32 cannot compute with"
            raise SpeccError("E418", message, help="give it in a larger unit, or its logarithm", status=1)
        if bool((column == column[0]).all()):
            message = f"{called} is {float(column[0]):.6g} for every training image: there is nothing to learn"
            raise SpeccError("E418", message, help="leave it out, or give images for which it differs", status=1)
        if largest * SPACING > COARSEST * deviation:
            message = (
                f"{called} varies by {deviation:.4g} around {float(column.mean()):.6g}: neighboring float32 numbers "
                f"of that size differ by {largest * SPACING:.2g}, so that an exported file could not tell them apart"
            )
            help = "subtract an offset in the table, such as the smallest value"
            raise SpeccError("E418", message, help=help, status=1)
